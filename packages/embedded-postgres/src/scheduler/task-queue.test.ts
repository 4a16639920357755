import { expect, test } from 'vitest';

import { ClientSession } from '../session/client-session.ts';
import { TaskQueue, type Task } from './task-queue.ts';

const noEvents = {
  started: () => {},
  unit: () => {},
  terminated: () => {},
  cancelRequested: () => {},
  closed: () => {},
};

function client(id: number): ClientSession {
  return new ClientSession(id, { send: () => {}, end: () => {} }, noEvents);
}

/** Names in the order in which the queue gives them out. */
function drain(queue: TaskQueue, names: ReadonlyMap<Task, string>, holder?: ClientSession): string[] {
  const taken: string[] = [];
  for (let task = queue.take(holder); task; task = queue.take(holder)) taken.push(names.get(task) ?? '?');
  return taken;
}

function fill(queue: TaskQueue, tasks: readonly (readonly [ClientSession | undefined, string])[]): Map<Task, string> {
  const names = new Map<Task, string>();
  for (const [owner, name] of tasks) {
    const task = { client: owner, isAwaited: true, run: () => {} };
    names.set(task, name);
    queue.push(task);
  }
  return names;
}

test('gives each client a turn, and tasks of nobody one each', () => {
  const [a, b] = [client(1), client(2)];
  const queue = new TaskQueue();
  const names = fill(queue, [
    [a, 'a1'],
    [a, 'a2'],
    [a, 'a3'],
    [undefined, 'n1'],
    [b, 'b1'],
    [undefined, 'n2'],
    [b, 'b2'],
  ]);
  expect(drain(queue, names)).toEqual(['a1', 'n1', 'b1', 'n2', 'a2', 'b2', 'a3']);
});

test('gives out the tasks of the holder alone, in their order', () => {
  const [a, b] = [client(1), client(2)];
  const queue = new TaskQueue();
  const names = fill(queue, [
    [b, 'b1'],
    [a, 'a1'],
    [a, 'a2'],
  ]);
  expect(queue.hasWaiting(a)).toBe(true);
  expect(drain(queue, names, a)).toEqual(['a1', 'a2']);
  queue.drop(b);
  expect(queue.hasWaiting(a)).toBe(false);
  expect(queue.take(undefined)).toBeUndefined();
});
