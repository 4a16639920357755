import { eventually } from '@memory-layer/shared/testing/eventually';
import { expect } from 'vitest';

export interface EventReader {
  /** Everything that has come so far. */
  text(): string;
  status(): number | undefined;
  /** Waits for the first event's id. */
  firstId(): Promise<string>;
  stop(): void;
  /** Resolves when the time is up, or at {@link stop}. */
  readonly ended: Promise<void>;
}

const firstIdIn = (text: string): string | undefined => /^id: (\S+)$/m.exec(text)?.[1];

/** Follows the events of the tenant of a key for a time. */
export function readEvents(
  { url, apiKey }: { readonly url: string; readonly apiKey: string },
  { milliseconds, lastEventId }: { readonly milliseconds: number; readonly lastEventId?: string },
): EventReader {
  const stopping = new AbortController();
  const timer = setTimeout(() => stopping.abort(), milliseconds);
  let text = '';
  let status: number | undefined;

  async function read(): Promise<void> {
    const response = await fetch(`${url}/v1/events`, {
      headers: { 'x-api-key': apiKey, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
      signal: stopping.signal,
    });
    status = response.status;
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  }

  const ended = read()
    .catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    })
    .finally(() => clearTimeout(timer));
  return {
    text: () => text,
    status: () => status,
    ended,
    stop: () => stopping.abort(),
    async firstId() {
      await eventually(() => expect(firstIdIn(text)).toBeDefined());
      return firstIdIn(text) ?? '';
    },
  };
}
