import { hash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What is known of a key from its text alone. */
export interface KeyText {
  readonly keyId: string;
  readonly secret: string;
}

/** A key that can be shown, once. */
export interface NewKey extends KeyText {
  readonly text: string;
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
// 16 characters of 62 are 95 bits, 32 are 190.
const idLength = 16;
const secretLength = 32;
const checksumLength = 6;
const keyPattern = /^mlk_(?<keyId>[0-9A-Za-z]{16})_(?<secret>[0-9A-Za-z]{32})(?<checksum>[0-9A-Za-z]{6})$/;

export const keyIdPattern = /^[0-9A-Za-z]{16}$/;

/** @param keyId of a key that is given another secret; otherwise the key is a new one. */
export function makeKey(keyId: string = randomText(idLength)): NewKey {
  const secret = randomText(secretLength);
  return { keyId, secret, text: `mlk_${keyId}_${secret}${checksumOf(keyId, secret)}` };
}

/**
 * Reads `mlk_<id>_<secret><checksum>`. The checksum tells a key from a text that only looks like one, for scanners of
 * secrets as for us: nothing is looked up for what has a wrong one.
 *
 * @returns undefined for any other text.
 */
export function parseKey(text: string): KeyText | undefined {
  const { keyId, secret, checksum } = keyPattern.exec(text)?.groups ?? {};
  if (keyId === undefined || secret === undefined) return undefined;
  return checksum === checksumOf(keyId, secret) ? { keyId, secret } : undefined;
}

/** What is stored of a secret: of 190 random bits, a hash that is made fast cannot be guessed either. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/**
 * CRC-32 in base 62, six digits, as in GitHub's tokens:
 * https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
 */
function checksumOf(keyId: string, secret: string): string {
  let rest = crc32(`mlk_${keyId}_${secret}`);
  let digits = '';
  for (let n = 0; n < checksumLength; n += 1) {
    digits = alphabet.charAt(rest % alphabet.length) + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
}

function randomText(length: number): string {
  return Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join('');
}
