import { describe, expect, test } from 'vitest';

import { NotificationRouter, type Listener } from './notification-router.ts';

class RecordingListener implements Listener {
  readonly got: string[] = [];
  readonly output = {
    write: (bytes: Uint8Array): void => void this.got.push(Buffer.from(bytes).toString()),
    flush: (): void => void this.got.push('flush'),
  };
}

const message = Buffer.from('message');

describe('NotificationRouter', () => {
  test('delivers to listeners of the channel only, and leaves the flush to the client that asked', () => {
    const router = new NotificationRouter();
    const [asking, other, stranger] = [new RecordingListener(), new RecordingListener(), new RecordingListener()];
    router.apply(asking, [{ kind: 'listen', channel: 'jobs' }]);
    router.apply(other, [{ kind: 'listen', channel: 'jobs' }]);
    router.apply(stranger, [{ kind: 'listen', channel: 'events' }]);
    router.deliver('jobs', message, asking);
    expect(asking.got).toEqual(['message']);
    expect(other.got).toEqual(['message', 'flush']);
    expect(stranger.got).toEqual([]);
  });

  test('listens again to what another client still wants', () => {
    const router = new NotificationRouter();
    const [one, two] = [new RecordingListener(), new RecordingListener()];
    router.apply(one, [{ kind: 'listen', channel: 'a' }]);
    router.apply(two, [
      { kind: 'listen', channel: 'a' },
      { kind: 'listen', channel: 'b"' },
    ]);
    expect(router.apply(two, [{ kind: 'unlisten', channel: 'a' }])).toBe('LISTEN "a"');
    expect(router.apply(one, [{ kind: 'unlisten-all' }])).toBe('LISTEN "b"""');
    router.deliver('a', message);
    expect([...one.got, ...two.got]).toEqual([]);
  });

  test('stops listening to what nobody wants any more', () => {
    const router = new NotificationRouter();
    const [one, two] = [new RecordingListener(), new RecordingListener()];
    router.apply(one, [
      { kind: 'listen', channel: 'a' },
      { kind: 'listen', channel: 'b' },
    ]);
    router.apply(two, [{ kind: 'listen', channel: 'b' }]);
    expect(router.forget(one)).toBe('UNLISTEN "a"');
    expect(router.forget(two)).toBe('UNLISTEN "b"');
    expect(router.forget(two)).toBeUndefined();
  });
});
