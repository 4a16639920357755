import { isIP } from 'node:net';
import type { ServerOptions } from 'node:http';

/** What one listener grants its clients before it knows who they are. */
export interface ConnectionLimits {
  /** Connections in all, and of one address. Beyond them the longest idle one is closed, or the new one refused. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** From the connection, or the first byte of a later request, to the end of the header. */
  readonly headersTimeoutMs: number;
  /** From an answer to the first byte of the next request. */
  readonly keepAliveTimeoutMs: number;
  /** A client that takes nothing of its answer for this long is disconnected. */
  readonly stallTimeoutMs: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxConnections: 4096,
  maxConnectionsPerAddress: 1024,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 75_000,
  stallTimeoutMs: 30_000,
};

/** Bytes of request line and header fields together; Node.js answers more with an error of its parser. */
export const maxHeaderSize = 16_384;

/** The limits that Node.js keeps itself (https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener). */
export function serverOptions({ headersTimeoutMs, keepAliveTimeoutMs }: ConnectionLimits): ServerOptions {
  return {
    // Bodies have the deadline of their request, and a stream may be sent for hours.
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    keepAliveTimeoutBuffer: 0,
    connectionsCheckingInterval: Math.ceil(Math.min(1000, headersTimeoutMs / 4)),
    maxHeaderSize,
    // Node.js would answer without a body; what it lets through is answered with a problem.
    requireHostHeader: false,
  };
}

/**
 * Connections that leave half of the process's file descriptors for everything else: the embedded database alone opens
 * hundreds. Where the limit is not known, as many as are wanted.
 */
export function withinDescriptors(maxConnections: number): number {
  const softLimit = readDescriptorLimit();
  return softLimit === undefined ? maxConnections : Math.max(1, Math.min(maxConnections, Math.floor(softLimit / 2)));
}

function readDescriptorLimit(): number | undefined {
  const { report } = process;
  // Interfaces and names of the network are looked up otherwise, which takes seconds without a resolver.
  Object.assign(report, { excludeNetwork: true });
  const text: unknown = report.getReport();
  const limits = typeof text === 'object' && text !== null && 'userLimits' in text ? text.userLimits : undefined;
  if (typeof limits !== 'object' || limits === null || !('open_files' in limits)) return undefined;
  const files = limits.open_files;
  const soft = typeof files === 'object' && files !== null && 'soft' in files ? Number(files.soft) : Number.NaN;
  return Number.isFinite(soft) ? soft : undefined;
}

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, which is the least that a customer is given
 * (RFC 6177, section 2). An IPv4 address seen through a dual-stack socket is that IPv4 address.
 */
export function clientBlock(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(plain) !== 6) return plain;
  const [left = '', right] = plain.split('%')[0]?.split('::') ?? [];
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  const groups = right === undefined ? head : [...head, ...zeros, ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
