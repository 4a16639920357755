interface ErrorEntry {
  /** HTTP status used at the edge (RFC 9110). */
  readonly status: number;
  /** Short, fixed summary: `title` of RFC 9457. */
  readonly title: string;
  /** Whether the same call may succeed later: decides Retry-After at the edge, retry or dead letter in consumers. */
  readonly retryable: boolean;
}

/** Every error this system can answer with. The keys are API: clients match on them. */
export const errorCatalog = {
  malformed_request: { status: 400, title: 'Malformed request', retryable: false },
  malformed_json: { status: 400, title: 'Malformed JSON', retryable: false },
  unsupported_version: { status: 400, title: 'Unsupported version', retryable: false },
  unauthenticated: { status: 401, title: 'Authentication required', retryable: false },
  forbidden: { status: 403, title: 'Not allowed', retryable: false },
  insufficient_scope: { status: 403, title: 'Insufficient scope', retryable: false },
  tenant_suspended: { status: 403, title: 'Tenant suspended', retryable: false },
  tenant_not_registered: { status: 403, title: 'Tenant not registered', retryable: false },
  quota_exceeded: { status: 403, title: 'Quota exceeded', retryable: false },
  not_found: { status: 404, title: 'Not found', retryable: false },
  method_not_allowed: { status: 405, title: 'Method not allowed', retryable: false },
  request_timeout: { status: 408, title: 'Request timeout', retryable: true },
  conflict: { status: 409, title: 'Conflict', retryable: false },
  payload_too_large: { status: 413, title: 'Payload too large', retryable: false },
  uri_too_long: { status: 414, title: 'URI too long', retryable: false },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', retryable: false },
  invalid_request: { status: 422, title: 'Invalid request', retryable: false },
  rate_limited: { status: 429, title: 'Too many requests', retryable: true },
  headers_too_large: { status: 431, title: 'Header fields too large', retryable: false },
  internal: { status: 500, title: 'Internal error', retryable: false },
  unavailable: { status: 503, title: 'Temporarily unavailable', retryable: true },
  embedding_unavailable: { status: 503, title: 'Embedding unavailable', retryable: true },
  embedding_rejected: { status: 500, title: 'Embedding rejected', retryable: false },
  deadline_exceeded: { status: 504, title: 'Deadline exceeded', retryable: true },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalog;
