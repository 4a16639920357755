import { frameHeaderLength, frame, frontend, readCString, syncFrame } from '../wire/frames.ts';
import { noEffects, readStatementEffects, type StatementEffects } from '../sql/statement-effects.ts';

export interface RewrittenMessage {
  readonly bytes: Buffer;
  /** What the statement that is parsed or bound does. */
  readonly effects: StatementEffects;
}

const statementKind = 'S'.charCodeAt(0);

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
    return { bytes, effects: noEffects };
  }

  /** Messages that take all these statements out of the engine; undefined when there are none. */
  closeAll(): Buffer | undefined {
    if (this.#effects.size === 0) return undefined;
    const names = [...this.#effects.keys()];
    this.#effects.clear();
    const closes = names.map((name) => frame(frontend.close, Buffer.of(statementKind), this.#prefix + name));
    return Buffer.concat([...closes, syncFrame]);
  }

  #parse(bytes: Buffer): RewrittenMessage {
    const name = readCString(bytes, frameHeaderLength);
    const effects = readStatementEffects(readCString(bytes, name.end).text);
    if (name.text === '') return { bytes, effects };
    this.#effects.set(name.text, effects);
    // Parsing alone does nothing yet, but what cannot be run must not be parsed either.
    return {
      bytes: frame(frontend.parse, this.#prefix + name.text, bytes.subarray(name.end)),
      effects: { ...noEffects, refusal: effects.refusal },
    };
  }

  #bind(bytes: Buffer): RewrittenMessage {
    const portal = readCString(bytes, frameHeaderLength);
    const name = readCString(bytes, portal.end);
    if (name.text === '') return { bytes, effects: noEffects };
    return {
      bytes: frame(frontend.bind, portal.text, this.#prefix + name.text, bytes.subarray(name.end)),
      effects: this.#effects.get(name.text) ?? noEffects,
    };
  }

  #describeOrClose(type: string, bytes: Buffer): RewrittenMessage {
    const isStatement = bytes[frameHeaderLength] === statementKind;
    const name = readCString(bytes, frameHeaderLength + 1).text;
    if (!isStatement || name === '') return { bytes, effects: noEffects };
    if (type === frontend.close) this.#effects.delete(name);
    return { bytes: frame(type, Buffer.of(statementKind), this.#prefix + name), effects: noEffects };
  }
}
