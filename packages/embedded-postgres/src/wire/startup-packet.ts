import { readCString } from './frames.ts';

/** Codes that stand where a start-up packet carries its protocol version. */
const cancelRequest = 80_877_102;
const sslRequest = 80_877_103;
const gssEncryptionRequest = 80_877_104;
const protocolMajor3 = 3;

export type StartupPacket =
  | { readonly kind: 'encryption-request' }
  | { readonly kind: 'cancel-request'; readonly sessionId: number; readonly key: number }
  | { readonly kind: 'unsupported'; readonly version: string }
  | {
      readonly kind: 'startup';
      readonly user: string;
      readonly database: string;
      /** Settings of the session, in the order given: `options` first, then parameters of their own. */
      readonly settings: readonly (readonly [name: string, value: string])[];
    };

/** Parameters of a start-up packet that are no settings. */
const notSettings = new Set(['user', 'database', 'options', 'replication', 'client_encoding']);

/** Reads a start-up packet, length field included. */
export function readStartupPacket(packet: Buffer): StartupPacket {
  const code = packet.length >= 8 ? packet.readInt32BE(4) : 0;
  if (code === sslRequest || code === gssEncryptionRequest) return { kind: 'encryption-request' };
  if (code === cancelRequest && packet.length >= 16) {
    return { kind: 'cancel-request', sessionId: packet.readInt32BE(8), key: packet.readInt32BE(12) };
  }
  const major = code >>> 16;
  if (major !== protocolMajor3) return { kind: 'unsupported', version: `${major}.${code & 0xff_ff}` };
  const parameters = readParameters(packet);
  const user = parameters.get('user') ?? 'postgres';
  const own = [...parameters].filter(([name]) => !notSettings.has(name) && !name.startsWith('_pq_.'));
  const settings = [...readOptions(parameters.get('options') ?? ''), ...own];
  return { kind: 'startup', user, database: parameters.get('database') ?? user, settings };
}

function readParameters(packet: Buffer): Map<string, string> {
  const parameters = new Map<string, string>();
  let offset = 8;
  while (offset < packet.length && packet[offset] !== 0) {
    const name = readCString(packet, offset);
    const value = readCString(packet, name.end);
    parameters.set(name.text, value.text);
    offset = value.end;
  }
  return parameters;
}

/** The settings of `options`: `-c name=value`, `-cname=value` or `--name=value`; a backslash escapes a space. */
function readOptions(options: string): (readonly [string, string])[] {
  const pattern = /(?:^|\s)(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)/g;
  return [...options.matchAll(pattern)].map(([, name = '', value = '']) => [
    name.replaceAll('-', '_'),
    value.replaceAll(/\\(.)/g, '$1'),
  ]);
}
