/** Of every answer: it is what its media type says, it is for its caller alone, and no page may frame it. */
export const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
} as const;
