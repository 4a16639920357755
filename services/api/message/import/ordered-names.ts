import { isSound, type CheckedMessage } from '../message.ts';

/**
 * The external ids of the groups of a stream that are being stored. Of two messages with one external id the earlier
 * is stored, so a group waits for earlier groups that share an id with it.
 */
export function createOrderedNames() {
  const holders = new Map<string, Promise<unknown>>();

  return {
    /** Resolves when no group under way has one of these names. */
    async free(group: readonly CheckedMessage[]): Promise<void> {
      if (holders.size === 0) return;
      const earlier = new Set(namesOf(group).flatMap((name) => holders.get(name) ?? []));
      await Promise.all(earlier);
    },

    /** @param stored settles when the group is stored; never rejects. */
    hold(group: readonly CheckedMessage[], stored: Promise<unknown>): void {
      const names = namesOf(group);
      if (names.length === 0) return;
      for (const name of names) holders.set(name, stored);
      void stored.finally(() => names.forEach((name) => holders.delete(name)));
    },
  };
}

// No external id has a NUL in it.
const namesOf = (group: readonly CheckedMessage[]): readonly string[] =>
  group.flatMap((one) => (isSound(one) && one.externalId !== undefined ? [`${one.externalId}\0${one.tenantId}`] : []));
