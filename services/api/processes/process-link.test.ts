import { afterEach, expect, test, vi } from 'vitest';
import { ProcessLink, type LinkHandlers, type ProcessChannel } from './process-link.ts';

afterEach(() => void vi.useRealTimers());

/** Both ends of a channel between two processes. */
function channels(): [ProcessChannel, ProcessChannel] {
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const end = (own: number): ProcessChannel => ({
    send(message, onSent) {
      const copy: unknown = structuredClone(message);
      for (const listener of listeners[1 - own] ?? []) listener(copy);
      onSent();
    },
    onMessage: (listener) => void listeners[own]?.push(listener),
  });
  return [end(0), end(1)];
}

const silent: LinkHandlers = { answers: {}, onNotice: () => undefined };

test('answers what it is asked, each question its own', async () => {
  const [here, there] = channels();
  const answers = { problem: async () => 'database', metrics: async () => 'memory_ready 1' };
  const link = new ProcessLink(here, silent);
  expect(new ProcessLink(there, { ...silent, answers })).toBeDefined();
  expect(await Promise.all([link.metrics(), link.problem(), link.metrics()])).toEqual([
    'memory_ready 1',
    'database',
    'memory_ready 1',
  ]);
});

test('nothing wrong is an answer, too', async () => {
  const [here, there] = channels();
  const link = new ProcessLink(here, silent);
  expect(new ProcessLink(there, { ...silent, answers: { problem: async () => undefined } })).toBeDefined();
  expect(await link.problem()).toBeUndefined();
});

test('what cannot be answered, or is no answer, is an error', async () => {
  const [here, there] = channels();
  const link = new ProcessLink(here, silent);
  const answers = { problem: () => Promise.reject(new Error('no')) };
  expect(new ProcessLink(there, { ...silent, answers })).toBeDefined();
  await expect(link.problem()).rejects.toThrow('no answer to problem');
  await expect(link.snapshot()).rejects.toThrow('no answer to snapshot');
  here.send({ answerTo: 1, value: 'late' }, () => undefined);
  here.onMessage(() => undefined);
});

test('waits two seconds for an answer', async () => {
  vi.useFakeTimers();
  const [here] = channels();
  const asked = new ProcessLink(here, silent).problem().catch(String);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await asked).toContain('no answer to problem');
});

test('passes notices on, and leaves the messages of others alone', () => {
  const [here, there] = channels();
  const seen: string[] = [];
  const link = new ProcessLink(here, silent);
  expect(new ProcessLink(there, { ...silent, onNotice: ({ notice }) => void seen.push(notice) })).toBeDefined();
  void link.notify({ notice: 'started' });
  void link.notify({ notice: 'retire' });
  here.send(Object.assign({ answerTo: 7, value: 1 }, { cmd: 'NODE_x' }), () => undefined);
  expect(seen).toEqual(['started', 'retire']);
});
