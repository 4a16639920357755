/** Of every answer: it is what its media type says, and it is for its caller alone. */
export const commonHeaders = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' } as const;
