import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { ApiKeyRepository } from './api-key.repository.ts';

export interface KeyUsesDeps {
  readonly keys: Pick<ApiKeyRepository, 'markUsed'>;
  readonly logger: Logger;
}

/** Marks which keys are used: once a minute, all of them in one statement. */
export interface KeyUses extends Component {
  note(keyId: string): void;
}

const everyMs = 60_000;
// More are not used in a minute, or are marked a minute later.
const maxNoted = 10_000;

export function createKeyUses({ keys, logger }: KeyUsesDeps): KeyUses {
  let noted = new Set<string>();

  async function mark(): Promise<void> {
    if (noted.size === 0) return;
    const used = noted;
    noted = new Set();
    await keys.markUsed([...used]);
  }

  const task = createRepeatingTask({
    id: 'key-uses',
    run: mark,
    everyMs,
    onError: (error) => logger.warn({ err: error }, 'the uses of keys were not marked'),
  });
  return {
    id: task.id,
    note: (keyId) => void (noted.size < maxNoted && noted.add(keyId)),
    start: () => task.start(),
    async stop() {
      await task.stop();
      await mark().catch((error: unknown) => logger.warn({ err: error }, 'the uses of keys were not marked'));
    },
  };
}
