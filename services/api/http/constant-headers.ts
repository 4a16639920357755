import type { BlockList } from 'node:net';
import { commonHeaders } from '@memory-layer/shared/http/common-headers';
import type { Context } from 'hono';
import { isTrusted } from '../rate-limit/client-address.ts';
import type { ApiEnv } from './api-env.ts';
import { versionHeader } from './api-version.ts';
import { answerHeaders, peerAddress, requestHeader, type HeaderSet } from './node-headers.ts';

const always: HeaderSet = Object.entries({ ...versionHeader, ...commonHeaders });
// Without subdomains: those of a host that a proxy serves may be somebody else's.
const overTls: HeaderSet = [...always, ['strict-transport-security', 'max-age=31536000']];

// The client's own connection comes first where proxies add theirs.
const isHttps = /^\s*https\s*(?:,|$)/i;

/** Sets what every answer has, and HSTS (RFC 6797) where a trusted proxy says that its client came by https. */
export function constantHeaders(trustedProxies: BlockList): (c: Context<ApiEnv>) => void {
  return (c) => {
    const scheme = requestHeader(c, 'x-forwarded-proto');
    const isSecure = scheme !== undefined && isHttps.test(scheme) && isTrusted(peerAddress(c) ?? '', trustedProxies);
    answerHeaders(c, isSecure ? overTls : always);
  };
}
