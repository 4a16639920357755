import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogOutput, type LogOutputOptions } from './log-output.ts';

/** A reader that takes a batch when the test says so. */
function createReader() {
  const batches: string[] = [];
  let take: ((error?: Error) => void) | undefined;
  const stream = new Writable({
    decodeStrings: false,
    highWaterMark: 1,
    write(text: string, _, done) {
      batches.push(text);
      take = done;
    },
  });
  return { batches, stream: asStandard(stream, -1), take: (error?: Error) => take?.(error) };
}

function asStandard(stream: Writable, fd: number): NonNullable<LogOutputOptions['stream']> {
  return Object.assign(stream, { fd }) as unknown as NonNullable<LogOutputOptions['stream']>;
}

const line = `${'x'.repeat(999)}\n`;
const tick = () => new Promise((resolve) => void setImmediate(resolve));

describe('log lines', () => {
  test('go out in their order, a few at a time', async () => {
    const { batches, stream, take } = createReader();
    const output = new LogOutput({ stream });
    output.write('one\n');
    output.write('two\n');
    const flushed = output.flush(1000);
    output.write('three\n');
    take();
    await tick();
    take();
    await flushed;
    expect(batches).toEqual(['one\ntwo\n', 'three\n']);
    expect(output.droppedLines).toBe(0);
  });

  test('that nobody takes are dropped beyond a bound, and counted', async () => {
    const { batches, stream, take } = createReader();
    const output = new LogOutput({ stream, maxWaiting: 100_000 });
    for (let n = 0; n < 10_000; n += 1) output.write(line);
    expect(output.droppedLines).toBeGreaterThan(9800);
    take();
    await tick();
    expect(batches.join('').length / line.length).toBe(10_000 - output.droppedLines);
  });

  test('are dropped and counted once their reader has gone', async () => {
    const { stream, take } = createReader();
    const output = new LogOutput({ stream });
    for (let n = 0; n < 40; n += 1) output.write(line);
    take(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await tick();
    expect(output.droppedLines).toBe(40);
    output.write(line);
    expect(output.droppedLines).toBe(41);
    await output.flush(1000);
  });

  test('do not hold up an end for longer than is asked for', async () => {
    const { stream } = createReader();
    const output = new LogOutput({ stream });
    output.write(line);
    const started = performance.now();
    await output.flush(20);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('are written to a file whole, those of the last moment too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'memory-layer-log-'));
    const file = join(folder, 'log');
    const fd = openSync(file, 'w');
    onTestFinished(() => {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    });
    const output = new LogOutput({ stream: asStandard(new Writable(), fd) });
    for (let n = 0; n < 100; n += 1) output.write(`${n} ${line}`);
    await output.flush(5000);
    output.write('last\n');
    output.flushSync();
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((text) => text.split(' ')[0])).toEqual([...Array(100).keys()].map(String).concat('last', ''));
  });
});
