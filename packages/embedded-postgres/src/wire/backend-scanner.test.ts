import { describe, expect, test } from 'vitest';

import { BackendScanner } from './backend-scanner.ts';
import { cstring, errorFrame, frame } from './frames.ts';

const row = frame('D', Buffer.from([0, 1, 0, 0, 0, 1, 0x61]));
const ready = (status: string): Buffer => frame('Z', Buffer.from(status));
const notification = (channel: string): Buffer => frame('A', Buffer.alloc(4), cstring(channel), cstring('payload'));

interface Scanned {
  readonly events: string[];
  readonly scanner: BackendScanner;
}

/** Feeds the frames in chunks; neighbouring bytes count as one event. */
function scan(frames: readonly Buffer[], chunkLength: number): Scanned {
  const events: { kind: string; bytes: Buffer }[] = [];
  const scanner = new BackendScanner({
    bytes: (bytes) => {
      const last = events.at(-1);
      if (last?.kind === 'bytes') last.bytes = Buffer.concat([last.bytes, bytes]);
      else events.push({ kind: 'bytes', bytes: Buffer.from(bytes) });
    },
    notification: (channel, bytes) => events.push({ kind: channel, bytes: Buffer.from(bytes) }),
  });
  const stream = Buffer.concat(frames);
  for (let offset = 0; offset < stream.length; offset += chunkLength) {
    // The engine reuses its memory: what is kept has to be a copy.
    const chunk = Buffer.from(stream.subarray(offset, offset + chunkLength));
    scanner.push(chunk);
    chunk.fill(0xff);
  }
  return { events: events.map(({ kind, bytes }) => `${kind} ${bytes.toString('hex')}`), scanner };
}

describe('BackendScanner', () => {
  const frames = [row, notification('a'), row, frame('C', 'COMMIT'), notification('b'), ready('T')];

  test.each([1, 2, 5, 11, 10_000])(
    'takes notifications out and keeps the order, in chunks of %i bytes',
    (chunkLength) => {
      const { events, scanner } = scan(frames, chunkLength);
      expect(events).toEqual([
        `bytes ${row.toString('hex')}`,
        `a ${notification('a').toString('hex')}`,
        `bytes ${Buffer.concat([row, frame('C', 'COMMIT')]).toString('hex')}`,
        `b ${notification('b').toString('hex')}`,
        `bytes ${ready('T').toString('hex')}`,
      ]);
      expect(scanner.status).toBe('T');
      expect(scanner.lastTag).toBe('COMMIT');
      expect(scanner.error).toBeUndefined();
    },
  );

  test('does not take the content of a row for a frame', () => {
    const value = Buffer.concat([notification('fake'), ready('E')]);
    const head = Buffer.alloc(6);
    head.writeInt16BE(1, 0);
    head.writeInt32BE(value.length, 2);
    const { events, scanner } = scan([frame('D', head, value), ready('I')], 3);
    expect(events).toHaveLength(1);
    expect(scanner.status).toBe('I');
  });

  test('remembers the first error', () => {
    const { scanner } = scan([errorFrame('ERROR', '23505', 'first'), errorFrame('ERROR', '25P02', 'second')], 4);
    expect(scanner.error?.toString('latin1')).toContain('first');
    expect(scanner.status).toBeUndefined();
  });
});
