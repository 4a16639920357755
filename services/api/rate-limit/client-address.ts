import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

/** Reads addresses and CIDR blocks of proxies whose `X-Forwarded-For` may be believed. */
export const proxyListSchema = z.array(z.string()).transform((items, context): BlockList => {
  const list = new BlockList();
  for (const item of items) {
    const [address = '', bits] = item.split('/');
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    const length = bits === undefined ? longest : Number(bits);
    const isBlock = version !== 0 && Number.isInteger(length) && length >= 0 && length <= longest;
    if (isBlock) list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
    else context.addIssue({ code: 'custom', message: 'must be IP addresses or CIDR blocks, separated by commas' });
  }
  return list;
});

/**
 * The address of the client: the peer's, or, as long as the sender is a trusted proxy, the next one in
 * `X-Forwarded-For` from the right. What a client writes there itself is never believed.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: BlockList): string {
  const hops = (forwardedFor ?? '')
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => isIP(hop) !== 0);
  let address = withoutPrefix(peer ?? '');
  while (isTrusted(address, trusted)) {
    const next = hops.pop();
    if (next === undefined) break;
    address = withoutPrefix(next);
  }
  return address;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 && trusted.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** `::ffff:10.0.0.1` is 10.0.0.1 seen through a dual-stack socket. */
function withoutPrefix(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
