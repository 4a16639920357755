import { describe, expect, test } from 'vitest';
import { StatementReader, type SentStatement } from './wire-statements.ts';

const text = (value: string) => Buffer.from(`${value}\0`);
const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function message(letter: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(letter), int32(body.length + 4), body]);
}
const startup = Buffer.concat([int32(8), int32(196_608)]);
const bind = (name: string, formats: readonly number[], values: readonly (Buffer | null)[]) =>
  message(
    'B',
    text(''),
    text(name),
    int16(formats.length),
    ...formats.map(int16),
    int16(values.length),
    ...values.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])),
    int16(0),
  );

function readAll(bytes: Buffer, step: number): SentStatement[] {
  const found: SentStatement[] = [];
  const reader = new StatementReader((statement) => found.push(statement));
  for (let at = 0; at < bytes.length; at += step) reader.read(bytes.subarray(at, at + step));
  return found;
}

describe('StatementReader', () => {
  const session = Buffer.concat([
    startup,
    message('p', text('password')),
    message('Q', text('begin')),
    message('P', text(''), text('select $1'), int16(0)),
    bind('', [0], [Buffer.from('a')]),
    message('E', text(''), int32(0)),
    message('S'),
    message('P', text('known'), text('select $1, $2, $3'), int16(0)),
    bind('known', [0, 1, 0], [null, Buffer.from([1, 255]), Buffer.from('ü')]),
    bind('known', [], [null, null, null]),
  ]);

  test.each([1, 7, 10_000])('finds each statement with its values, however it arrives (%d bytes)', (step) => {
    expect(readAll(session, step)).toEqual([
      { name: '', text: 'begin', values: [] },
      { name: '', text: 'select $1', values: ['a'] },
      { name: 'known', text: 'select $1, $2, $3', values: [null, { hex: '01ff' }, 'ü'] },
      { name: 'known', text: 'select $1, $2, $3', values: [null, null, null] },
    ]);
  });
});
