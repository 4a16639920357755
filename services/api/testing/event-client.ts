/** One block of a stream of server-sent events: an event, or a comment, or what sets a field alone. */
export interface EventBlock {
  readonly event?: string;
  readonly id?: string;
  readonly data?: unknown;
  readonly retry?: string;
  readonly comment?: string;
}

export interface EventClient {
  readonly response: Response;
  /** The next block; undefined once the stream has ended. */
  next(): Promise<EventBlock | undefined>;
  /** The next `count` blocks that are events. */
  events(count: number): Promise<EventBlock[]>;
  leave(): void;
}

/** Reads a stream of events over HTTP, as a program does. */
export async function openEvents(url: string, key: string, headers: Record<string, string> = {}): Promise<EventClient> {
  const leaving = new AbortController();
  const response = await fetch(url, { headers: { 'x-api-key': key, ...headers }, signal: leaving.signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';

  async function next(): Promise<EventBlock | undefined> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        return toBlock(block);
      }
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) return undefined;
      text += chunk.value;
    }
  }

  return {
    response,
    next,
    async events(count) {
      const events: EventBlock[] = [];
      while (events.length < count) {
        const block = await next();
        if (block === undefined) throw new Error(`the stream ended after ${events.length} of ${count} events`);
        if (block.event !== undefined) events.push(block);
      }
      return events;
    },
    leave: () => leaving.abort(),
  };
}

function toBlock(text: string): EventBlock {
  const lines = text.split('\n').map((line): [string, string] => {
    const colon = line.indexOf(':');
    const name = colon === 0 ? 'comment' : line.slice(0, colon);
    const value = line.slice(colon + 1).trimStart();
    return [name, value];
  });
  const { data, ...fields } = Object.fromEntries(lines);
  return data === undefined ? fields : { ...fields, data: JSON.parse(data) };
}
