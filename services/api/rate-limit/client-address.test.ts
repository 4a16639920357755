import { describe, expect, test } from 'vitest';
import { clientAddress, proxyListSchema, toBlockList } from './client-address.ts';

const none = toBlockList([]);
const proxies = toBlockList(['10.0.0.0/8', '192.168.1.5', 'fd00::/8']);

describe('security: the address of a client', () => {
  test.each([
    ['203.0.113.9', '198.51.100.1', none, '203.0.113.9'],
    ['203.0.113.9', '198.51.100.1', proxies, '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1', proxies, '198.51.100.1'],
    ['10.1.2.3', '6.6.6.6, 198.51.100.1', proxies, '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, 192.168.1.5', proxies, '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', proxies, '198.51.100.1'],
    ['fd00::1', '2001:db8::7', proxies, '2001:db8::7'],
    ['10.1.2.3', 'not an address', proxies, '10.1.2.3'],
    ['10.1.2.3', undefined, proxies, '10.1.2.3'],
  ])('peer %s, forwarded %s', (peer, forwarded, trusted, address) => {
    expect(clientAddress(peer, forwarded, trusted)).toBe(address);
  });

  test.each([['proxy.example'], ['10.0.0.0/33'], ['10.0.0.0/x']])('%s is no proxy address', (item) => {
    expect(proxyListSchema.safeParse([item]).success).toBe(false);
  });
});
