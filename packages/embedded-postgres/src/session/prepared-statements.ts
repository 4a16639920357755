import { HEADER_LENGTH, frame, frontend, readCString, syncFrame } from '../wire/frames.ts';
import { NO_EFFECTS, readStatementEffects, type StatementEffects } from '../sql/statement-effects.ts';

export interface RewrittenMessage {
  readonly bytes: Buffer;
  /** What the statement that is parsed or bound does. */
  readonly effects: StatementEffects;
}

const STATEMENT = 'S'.charCodeAt(0);

/**
 * The named prepared statements of one client. All clients share the engine's one session and choose names alone, so
 * names get a prefix on their way. What a statement does is known from its text, which only Parse carries.
 */
export class PreparedStatements {
  readonly #prefix: string;
  readonly #effects = new Map<string, StatementEffects>();

  constructor(sessionId: number) {
    this.#prefix = `c${sessionId}_`;
  }

  /** Puts the prefix into Parse, Bind, Describe and Close; other messages pass. */
  rewrite(type: string, bytes: Buffer): RewrittenMessage {
    if (type === frontend.parse) return this.#parse(bytes);
    if (type === frontend.bind) return this.#bind(bytes);
    if (type === frontend.describe || type === frontend.close) return this.#describeOrClose(type, bytes);
    return { bytes, effects: NO_EFFECTS };
  }

  /** Messages that take all these statements out of the engine; undefined when there are none. */
  closeAll(): Buffer | undefined {
    if (this.#effects.size === 0) return undefined;
    const names = [...this.#effects.keys()];
    this.#effects.clear();
    const closes = names.map((name) => frame(frontend.close, Buffer.of(STATEMENT), this.#prefix + name));
    return Buffer.concat([...closes, syncFrame]);
  }

  #parse(bytes: Buffer): RewrittenMessage {
    const name = readCString(bytes, HEADER_LENGTH);
    const effects = readStatementEffects(readCString(bytes, name.end).text);
    if (name.text === '') return { bytes, effects };
    this.#effects.set(name.text, effects);
    // Parsing alone does nothing yet, but what cannot be run must not be parsed either.
    return {
      bytes: frame(frontend.parse, this.#prefix + name.text, bytes.subarray(name.end)),
      effects: { ...NO_EFFECTS, refusal: effects.refusal },
    };
  }

  #bind(bytes: Buffer): RewrittenMessage {
    const portal = readCString(bytes, HEADER_LENGTH);
    const name = readCString(bytes, portal.end);
    if (name.text === '') return { bytes, effects: NO_EFFECTS };
    return {
      bytes: frame(frontend.bind, portal.text, this.#prefix + name.text, bytes.subarray(name.end)),
      effects: this.#effects.get(name.text) ?? NO_EFFECTS,
    };
  }

  #describeOrClose(type: string, bytes: Buffer): RewrittenMessage {
    const isStatement = bytes[HEADER_LENGTH] === STATEMENT;
    const name = readCString(bytes, HEADER_LENGTH + 1).text;
    if (!isStatement || name === '') return { bytes, effects: NO_EFFECTS };
    if (type === frontend.close) this.#effects.delete(name);
    return { bytes: frame(type, Buffer.of(STATEMENT), this.#prefix + name), effects: NO_EFFECTS };
  }
}
