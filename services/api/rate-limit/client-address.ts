import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

interface Block {
  readonly address: string;
  readonly bits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** Addresses and CIDR blocks of proxies whose `X-Forwarded-For` may be believed. */
export const proxyListSchema = z
  .array(z.string())
  .refine((items) => items.every((item) => parseBlock(item) !== undefined), 'must be IP addresses or CIDR blocks');

/** The list in the form that addresses are checked against. What is not a block is left out. */
export function toBlockList(items: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of items.map(parseBlock)) {
    if (block !== undefined) list.addSubnet(block.address, block.bits, block.family);
  }
  return list;
}

function parseBlock(item: string): Block | undefined {
  const [address = '', length] = item.split('/');
  const version = isIP(address);
  const longest = version === 6 ? 128 : 32;
  const bits = length === undefined ? longest : Number(length);
  if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > longest) return undefined;
  return { address, bits, family: version === 6 ? 'ipv6' : 'ipv4' };
}

// More proxies stand in front of nobody.
const maxHops = 32;

/**
 * The address of the client: the peer's, or, as long as the sender is a trusted proxy, the next one in
 * `X-Forwarded-For` from the right. What a client writes there itself is never believed.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = withoutPrefix(peer ?? '');
  // Read from its end, and no further than proxies are trusted: a client may have written thousands.
  let rest = forwardedFor;
  for (let hops = 0; hops < maxHops && rest !== undefined && isTrusted(address, trusted); hops += 1) {
    const comma = rest.lastIndexOf(',');
    const hop = rest.slice(comma + 1).trim();
    if (isIP(hop) !== 0) address = withoutPrefix(hop);
    rest = comma === -1 ? undefined : rest.slice(0, comma);
  }
  return address;
}

const loopback = toBlockList(['127.0.0.0/8', '::1']);

/** Whether a peer is on this machine. */
export function isLoopback(address: string | undefined): boolean {
  return isTrusted(address ?? '', loopback);
}

/** Whether an address is in a list. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  const plain = withoutPrefix(address);
  const version = isIP(plain);
  return version !== 0 && trusted.check(plain, version === 6 ? 'ipv6' : 'ipv4');
}

/** `::ffff:10.0.0.1` is 10.0.0.1 seen through a dual-stack socket. */
function withoutPrefix(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
