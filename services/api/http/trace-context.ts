const pattern = /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<parentId>[0-9a-f]{16})-[0-9a-f]{2}(?<more>-.*)?$/;

/**
 * The trace that a request is part of, from its `traceparent` header; undefined when there is none, or none that is
 * valid by W3C Trace Context Level 1, section 3.2 (https://www.w3.org/TR/trace-context/).
 */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const { version, traceId, parentId, more } = traceparent?.match(pattern)?.groups ?? {};
  if (version === undefined || version === 'ff' || traceId === undefined || parentId === undefined) return undefined;
  // Only later versions may say more than this.
  if (version === '00' && more !== undefined) return undefined;
  return /^0+$/.test(traceId) || /^0+$/.test(parentId) ? undefined : traceId;
}
