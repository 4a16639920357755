import { describe, expect, test } from 'vitest';

import { cstring, frame, queryFrame, syncFrame } from './frames.ts';
import { FrontendSplitter } from './frontend-splitter.ts';

function drain(splitter: FrontendSplitter): string[] {
  const types: string[] = [];
  for (let next = splitter.next(); next; next = splitter.next()) types.push(`${next.type}:${next.bytes.length}`);
  return types;
}

function startupPacket(): Buffer {
  const body = Buffer.concat([cstring('user'), cstring('postgres'), Buffer.alloc(1)]);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(196_608, 4);
  return Buffer.concat([head, body]);
}

describe('FrontendSplitter', () => {
  test.each([1, 3, 7, 1000])('finds the same frames in chunks of %i bytes', (chunkLength) => {
    const splitter = new FrontendSplitter();
    const stream = Buffer.concat([startupPacket(), queryFrame('select 1'), frame('B', '', 'x'), syncFrame]);
    const found: string[] = [];
    for (let offset = 0; offset < stream.length; offset += chunkLength) {
      splitter.push(stream.subarray(offset, offset + chunkLength));
      for (let next = splitter.next(); next; next = splitter.next()) {
        if (next.type === '') splitter.expectMessages();
        found.push(`${next.type}:${next.bytes.length}`);
      }
    }
    expect(found).toEqual([`:${startupPacket().length}`, 'Q:14', 'B:8', 'S:5']);
  });

  test('keeps the whole content of a large message', () => {
    const splitter = new FrontendSplitter();
    splitter.expectMessages();
    const text = 'x'.repeat(300_000);
    const whole = queryFrame(text);
    for (let offset = 0; offset < whole.length; offset += 65_536) {
      splitter.push(whole.subarray(offset, offset + 65_536));
    }
    expect(splitter.next()?.bytes.equals(whole)).toBe(true);
    expect(drain(splitter)).toEqual([]);
  });

  test('refuses a length that cannot be', () => {
    const splitter = new FrontendSplitter();
    splitter.expectMessages();
    splitter.push(Buffer.from([0x51, 0, 0, 0, 3]));
    expect(() => splitter.next()).toThrow(RangeError);
  });

  test('refuses a start-up packet of the size of a message', () => {
    const splitter = new FrontendSplitter();
    splitter.push(Buffer.from('GET / HTTP/1.1\r\n'));
    expect(() => splitter.next()).toThrow(RangeError);
  });
});
