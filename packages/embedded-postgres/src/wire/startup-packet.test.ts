import { describe, expect, test } from 'vitest';

import { cstring } from './frames.ts';
import { readStartupPacket } from './startup-packet.ts';

function packet(code: number, parameters: Readonly<Record<string, string>> = {}): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cstring(name), cstring(value)]);
  const body = Buffer.concat([...pairs, Buffer.alloc(1)]);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, body]);
}

const protocol3 = 196_608;

describe('readStartupPacket', () => {
  test('reads user, database and settings', () => {
    const startup = readStartupPacket(
      packet(protocol3, {
        user: 'app',
        database: 'postgres',
        client_encoding: 'UTF8',
        application_name: 'worker 1',
        options: String.raw`-c search_path="bull\ mq" --statement-timeout=5s -cwork_mem=1MB`,
      }),
    );
    expect(startup).toEqual({
      kind: 'startup',
      user: 'app',
      database: 'postgres',
      settings: [
        ['search_path', '"bull mq"'],
        ['statement_timeout', '5s'],
        ['work_mem', '1MB'],
        ['application_name', 'worker 1'],
      ],
    });
  });

  test('takes the name of the user for the database, as PostgreSQL does', () => {
    expect(readStartupPacket(packet(protocol3, { user: 'app' }))).toMatchObject({ database: 'app' });
  });

  test('knows what is no start-up', () => {
    expect(readStartupPacket(packet(80_877_103)).kind).toBe('encryption-request');
    expect(readStartupPacket(packet(80_877_104)).kind).toBe('encryption-request');
    const cancel = Buffer.alloc(16);
    [16, 80_877_102, 7, 123_456].forEach((value, index) => cancel.writeInt32BE(value, index * 4));
    expect(readStartupPacket(cancel)).toEqual({ kind: 'cancel-request', sessionId: 7, key: 123_456 });
    expect(readStartupPacket(packet(2 << 16))).toEqual({ kind: 'unsupported', version: '2.0' });
  });
});
