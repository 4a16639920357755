import type { HeaderSet } from './node-headers.ts';

interface Deprecation {
  readonly since: Date;
  /** From when on it may be gone. */
  readonly sunset: Date;
  /** Page that says what is deprecated, and what to use instead. */
  readonly documentation: string;
}

/** `Deprecation` (RFC 9745, a structured date), `Sunset` (RFC 8594, an HTTP date), and where to read about it. */
function deprecationHeaders({ since, sunset, documentation }: Deprecation): HeaderSet {
  return [
    ['Deprecation', `@${Math.floor(since.getTime() / 1000)}`],
    ['Sunset', sunset.toUTCString()],
    ['Link', `<${documentation}>; rel="deprecation"; type="text/html"`],
  ];
}

/** Of every answer that has `message_metadata` besides `metadata`. */
export const messageMetadataDeprecation: HeaderSet = deprecationHeaders({
  since: new Date('2026-12-01T00:00:00Z'),
  sunset: new Date('2027-12-01T00:00:00Z'),
  documentation: '/docs',
});
