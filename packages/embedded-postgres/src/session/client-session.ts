import {
  combineEffects,
  readStatementEffects,
  type ListenChange,
  type StatementEffects,
} from '../sql/statement-effects.ts';
import { FrontendSplitter } from '../wire/frontend-splitter.ts';
import { frameHeaderLength, errorFrame, frontend, readCString } from '../wire/frames.ts';
import { readStartupPacket } from '../wire/startup-packet.ts';
import { ClientOutput } from './client-output.ts';
import { PreparedStatements } from './prepared-statements.ts';
import { engineUser, noSettings, type SessionSettings } from './session-settings.ts';

/** Messages of one client that the engine runs without another client in between. */
export interface Unit {
  readonly bytes: Buffer;
  readonly effects: StatementEffects;
  /** Whether it is one simple query, and so answers with ReadyForQuery of its own. */
  readonly isSimpleQuery: boolean;
  /** The last message: Query, FunctionCall, Sync or Flush. */
  readonly end: Buffer;
  /** Whether its answer ends with ReadyForQuery: the last message is not Flush. */
  readonly isComplete: boolean;
  /** When the last of it arrived, by `process.hrtime`. */
  readonly arrivedNs: bigint;
  /** Why it is not run any more. */
  readonly cancelled?: string;
}

export interface SessionEvents {
  /** The start-up packet is fine: greet the client. */
  started(): void;
  unit(unit: Unit): void;
  /** The client says goodbye, after all its units. */
  terminated(): void;
  /** Another client's unit is to be cancelled: the one of this session, for a client that knows its key. */
  cancelRequested(sessionId: number, key: number): void;
  /** The session is over: nothing more is read or sent. */
  closed(): void;
}

export interface ClientLink {
  /** Takes over the bytes. */
  send(bytes: Uint8Array<ArrayBuffer>): void;
  end(): void;
}

const unitEnds: ReadonlySet<string> = new Set([frontend.query, frontend.functionCall, frontend.sync, frontend.flush]);
/** Leftovers of a COPY that was refused; PostgreSQL ignores them as well. */
const ignoredTypes: ReadonlySet<string> = new Set([frontend.copyData, frontend.copyDone, frontend.copyFail]);

/** One client of the engine: reads its messages into units, and holds what must stay its own. */
export class ClientSession {
  readonly id: number;
  readonly statements: PreparedStatements;
  readonly output: ClientOutput;
  settings: SessionSettings = noSettings;
  /** The engine may hold settings of this client that {@link settings} does not: read them before another runs. */
  settingsStale = false;
  /** Names with a dot of settings that this client may have set. */
  readonly customSettings = new Set<string>();
  /** LISTEN and UNLISTEN of the transaction that is open. */
  readonly listenChanges: ListenChange[] = [];
  /** PostgreSQL's setting of that name, 0 for none; undefined: to be read. */
  statementTimeoutMs: number | undefined;
  readonly #link: ClientLink;
  readonly #events: SessionEvents;
  readonly #splitter = new FrontendSplitter();
  #started = false;
  #closed = false;
  #messages: Buffer[] = [];
  #effects: StatementEffects[] = [];

  constructor(id: number, link: ClientLink, events: SessionEvents) {
    this.id = id;
    this.#link = link;
    this.#events = events;
    this.statements = new PreparedStatements(id);
    this.output = new ClientOutput((bytes) => {
      if (!this.#closed) link.send(bytes);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  receive(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
    try {
      for (let next = this.#splitter.next(); next && !this.#closed; next = this.#splitter.next()) {
        if (this.#started) this.#message(next.type, next.bytes);
        else this.#startup(next.bytes);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.fail('08P01', error.message);
    }
  }

  /** The client sends nothing more. What it has sent is still run. */
  finish(): void {
    if (!this.#closed) this.#events.terminated();
  }

  /** Sends the client the reason, and cuts it off. */
  fail(sqlState: string, message: string): void {
    this.output.write(errorFrame('FATAL', sqlState, message));
    this.output.flush();
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#link.end();
    this.#events.closed();
  }

  #startup(packet: Buffer): void {
    const startup = readStartupPacket(packet);
    if (startup.kind === 'encryption-request') {
      this.output.write(Buffer.from('N'));
      this.output.flush();
    } else if (startup.kind === 'cancel-request') {
      this.#events.cancelRequested(startup.sessionId, startup.key);
      this.close();
    } else if (startup.kind === 'unsupported') this.fail('0A000', `unsupported protocol ${startup.version}`);
    else if (startup.database !== engineUser) this.fail('3D000', `database "${startup.database}" does not exist`);
    else {
      const user = startup.user === engineUser ? undefined : startup.user;
      this.settings = { values: startup.settings, user, role: undefined };
      const given = startup.settings.findLast(([name]) => name === 'statement_timeout')?.[1] ?? '';
      // Drivers give milliseconds; anything else is left to PostgreSQL to read.
      if (/^\d{1,9}$/.test(given)) this.statementTimeoutMs = Number(given);
      this.#started = true;
      this.#splitter.expectMessages();
      this.#events.started();
    }
  }

  #message(type: string, bytes: Buffer): void {
    if (ignoredTypes.has(type)) return;
    if (type === frontend.terminate) {
      this.#events.terminated();
    } else if (type === frontend.query) {
      this.#messages.push(bytes);
      this.#effects.push(readStatementEffects(readCString(bytes, frameHeaderLength).text));
    } else {
      const rewritten = this.statements.rewrite(type, bytes);
      this.#messages.push(rewritten.bytes);
      this.#effects.push(rewritten.effects);
    }
    if (unitEnds.has(type)) this.#finishUnit(type, bytes);
  }

  #finishUnit(type: string, end: Buffer): void {
    const [only] = this.#messages;
    const bytes = this.#messages.length === 1 && only ? only : Buffer.concat(this.#messages);
    const unit: Unit = {
      bytes,
      effects: combineEffects(this.#effects),
      isSimpleQuery: type === frontend.query,
      end,
      isComplete: type !== frontend.flush,
      arrivedNs: process.hrtime.bigint(),
    };
    this.#messages = [];
    this.#effects = [];
    this.#events.unit(unit);
  }
}
