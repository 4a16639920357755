import { AppError } from '@memory-layer/shared/errors/app-error';
import type { ImportStatus } from '@memory-layer/shared/message/import-statuses';
import { refusalOf } from '../../http/json-body.ts';
import { malformedJson } from '../../http/json-position.ts';
import { toAppError, toProblem } from '../../http/errors.ts';
import { toMessageError } from '../message.mapper.ts';
import {
  hasExpired,
  isKept,
  isSound,
  storeSound,
  type Arrival,
  type CheckedMessage,
  type Outcome,
  type StoredMessage,
} from '../message.ts';
import type { Slicer } from '../../http/time-slicer.ts';
import type { FairSlots } from '../../cost/fair-slots.ts';
import { createOrderedNames } from './ordered-names.ts';
import type { MessageImportOptions, MessageImportService } from './message-import.service.ts';
import type { Place } from './formats/format.ts';
import type { InputLine } from './ndjson-lines.ts';

export interface LineCheck {
  /** A message out of the JSON value of a line; or why there is none. */
  readonly check: (value: unknown) => CheckedMessage;
  /** Names and values of a line; one of more is an error. */
  readonly maxLineParts: number;
}

export interface ImportStreamDeps extends LineCheck {
  readonly service: Pick<MessageImportService, 'store'>;
  /** The place of the next message of the stream. */
  readonly arrive: () => Arrival;
  /** Counts the stream as a request of a tenant, once. @returns why it is refused. */
  readonly admit: (tenantId: string) => Promise<AppError | undefined>;
  /** Called with the messages that are durable now. */
  readonly onStored: (messages: readonly StoredMessage[]) => Promise<void>;
  /** Called for errors of the server. */
  readonly onFault: (error: AppError) => void;
  /** Of all streams of this process. */
  readonly slots: FairSlots;
  /** Whose turn it is among those that wait for a slot. */
  readonly slotKey: string;
  readonly slicer: Slicer;
  /** Lines that are stored together at most. */
  readonly linesPerGroup: number;
}

type StreamOptions = Omit<MessageImportOptions, 'slot'> & { readonly tally: ImportTally };
type GroupOptions = StreamOptions & MessageImportOptions;

/** Counts of an import, for its log line and the last line of its answer. */
export type ImportTally = Record<ImportStatus, number>;

export function emptyTally(): ImportTally {
  return { stored: 0, duplicate: 0, updated: 0, archived: 0, expired: 0, skipped: 0, conflict: 0, error: 0 };
}

type LineOutcome = Outcome | AppError | 'expired';

const charactersPerGroup = 65_536;
/** Groups of one stream whose outcomes have not been taken. Enough for every writer to have some. */
const groupsUnderWay = 16;
/** Lines under way and outcomes that were not taken, of one stream, in characters: beyond it no more is read. */
export const maxHeldCharacters = 1_048_576;

/**
 * Stores the messages of the lines, a group at a time, and says what became of each line, in their order. Lines are
 * read as far as outcomes are taken, so that what is held stays the same however long the input is.
 */
export async function* importLines(
  lines: AsyncIterable<readonly InputLine[]>,
  deps: ImportStreamDeps,
  options: StreamOptions,
): AsyncGenerator<string> {
  const groups = inGroups(lines, deps.linesPerGroup);
  const underWay: Promise<string>[] = [];
  const names = createOrderedNames();
  let heldCharacters = 0;
  let reading: Promise<unknown> | undefined;
  let isEnded = false;

  async function startNext(): Promise<void> {
    const next = await groups.next();
    if (next.done === true) {
      isEnded = true;
      return;
    }
    const characters = charactersOf(next.value);
    heldCharacters += characters;
    const checked = await checkGroup(next.value, deps);
    // Without a slot: the group that is waited for may need one.
    await names.free(checked);
    const slot = deps.slots.open(deps.slotKey);
    await slot.take();
    const text = importGroup(next.value, checked, deps, { ...options, slot }).finally(() => slot.giveBack());
    names.hold(checked, text);
    void text.then((known) => (heldCharacters += known.length - characters));
    underWay.push(text);
  }

  try {
    for (;;) {
      const hasRoom = underWay.length < groupsUnderWay && heldCharacters < maxHeldCharacters;
      if (!isEnded && hasRoom) reading ??= startNext().finally(() => (reading = undefined));
      const [first] = underWay;
      if (first === undefined) {
        if (reading === undefined) return;
        await reading;
        continue;
      }
      const text = await Promise.race([first, ...(reading === undefined ? [] : [reading.then(() => undefined)])]);
      if (text === undefined) continue;
      void underWay.shift();
      heldCharacters -= text.length;
      yield text;
    }
  } finally {
    // Nobody waits for an input that breaks now.
    reading?.catch(() => undefined);
    void groups.return(undefined).catch(() => undefined);
  }
}

async function* inGroups(
  lines: AsyncIterable<readonly InputLine[]>,
  linesPerGroup: number,
): AsyncGenerator<readonly InputLine[], undefined, undefined> {
  for await (const some of lines) {
    let group: InputLine[] = [];
    let characters = 0;
    for (const line of some) {
      const length = charactersOf([line]);
      if (group.length === linesPerGroup || (group.length > 0 && characters + length > charactersPerGroup)) {
        yield group;
        [group, characters] = [[], 0];
      }
      group.push(line);
      characters += length;
    }
    if (group.length > 0) yield group;
  }
}

function charactersOf(lines: readonly InputLine[]): number {
  return lines.reduce((sum, { text }) => sum + (typeof text === 'string' ? text.length : 0), 0);
}

/** Never rejects: the outcomes say what failed. */
async function importGroup(
  group: readonly InputLine[],
  checked: readonly CheckedMessage[],
  deps: ImportStreamDeps,
  options: GroupOptions,
): Promise<string> {
  const outcomes = await outcomesOf(checked, deps, options);
  return group
    .map((line, n) => {
      if (isSkipped(line.text)) {
        options.tally.skipped += 1;
        return toSkippedLine(line, line.text.skipped);
      }
      const outcome = outcomes[n] ?? noOutcome();
      options.tally[statusOf(outcome)] += 1;
      return toOutcomeLine(line, outcome, options.requestId);
    })
    .join('');
}

/** Never rejects. @returns the messages of the lines, with their places, or why they are none. */
async function checkGroup(group: readonly InputLine[], deps: ImportStreamDeps): Promise<readonly CheckedMessage[]> {
  const { admit, arrive, onFault, slicer } = deps;
  try {
    const checked = await slicer.map(group, (line): CheckedMessage => {
      const message = checkLine(line, deps);
      return isSound(message) ? { ...message, arrival: arrive() } : message;
    });
    const refusals = new Map<string, AppError | undefined>();
    for (const { tenantId } of checked.filter(isSound)) {
      if (!refusals.has(tenantId)) refusals.set(tenantId, await admit(tenantId));
    }
    return checked.map((one) => (isSound(one) ? (refusals.get(one.tenantId) ?? one) : one));
  } catch (error) {
    const failure = faultOf(error, onFault);
    return group.map(() => failure);
  }
}

/** Never rejects. */
async function outcomesOf(
  checked: readonly CheckedMessage[],
  { service, onFault, onStored }: ImportStreamDeps,
  options: GroupOptions,
): Promise<readonly LineOutcome[]> {
  try {
    const isOver = checked.map((one) => isSound(one) && hasExpired(one.expiresAt));
    const kept = checked.filter((_, n) => isOver[n] !== true);
    const settled = await storeSound(kept, (messages) => service.store(messages, options));
    const outcomes = settled.map((one) => (one instanceof AppError ? one : settledOutcome(one, onFault)));
    await onStored(outcomes.flatMap((one) => (one instanceof AppError || one.kind !== 'stored' ? [] : [one.message])));
    const next = outcomes.values();
    return isOver.map((over) => (over ? 'expired' : (next.next().value ?? noOutcome())));
  } catch (error) {
    const failure = faultOf(error, onFault);
    return checked.map(() => failure);
  }
}

function noOutcome(): AppError {
  return new AppError('internal', 'a line of the import has no outcome');
}

function statusOf(outcome: LineOutcome): ImportStatus {
  if (outcome === 'expired') return outcome;
  return outcome instanceof AppError || outcome.kind === 'refused' ? 'error' : outcome.kind;
}

function settledOutcome(
  settled: PromiseSettledResult<Outcome>,
  onFault: ImportStreamDeps['onFault'],
): Outcome | AppError {
  return settled.status === 'fulfilled' ? settled.value : faultOf(settled.reason, onFault);
}

function faultOf(error: unknown, onFault: ImportStreamDeps['onFault']): AppError {
  const failure = toAppError(error);
  if (failure.status >= 500) onFault(failure);
  return failure;
}

/** @returns the message of the line, or an error: also for a skipped line, which stores nothing. */
export function checkLine({ text }: InputLine, { check, maxLineParts }: LineCheck): CheckedMessage {
  if (text instanceof AppError) return text;
  if (isSkipped(text)) return new AppError('invalid_request', text.skipped);
  const refusal = refusalOf(text, maxLineParts);
  if (refusal !== undefined) return refusal;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return malformedJson(error, 'The line', text);
  }
  return check(value);
}

function isSkipped(text: InputLine['text']): text is { readonly skipped: string } {
  return typeof text === 'object' && 'skipped' in text;
}

/** One line of the answer: what became of one line of the input, or of the input itself. */
export function toOutcomeLine(line: InputLine | undefined, outcome: LineOutcome, requestId: string): string {
  const place = line === undefined ? {} : placeOf(line);
  return `${JSON.stringify({ ...place, ...toBody(outcome, requestId) })}\n`;
}

function toSkippedLine(line: InputLine, reason: string): string {
  return `${JSON.stringify({ ...placeOf(line), status: 'skipped', reason })}\n`;
}

export function placeOf({ number, place }: InputLine): Place {
  return place ?? { line: number };
}

function toBody(outcome: LineOutcome, requestId: string): object {
  if (outcome === 'expired') return { status: outcome };
  if (outcome instanceof AppError) {
    const { code, detail, errors } = toProblem(outcome, { instance: '', requestId });
    return { status: 'error', code, detail, errors };
  }
  if (isKept(outcome)) return { status: outcome.kind, id: outcome.message.id };
  const failure = toBody(toMessageError(outcome, ''), requestId);
  if (outcome.kind === 'refused') return failure;
  const differs = outcome.differs.map((field) => `/${field}`);
  return { ...failure, status: outcome.kind, existing_id: outcome.existingId, differs };
}
