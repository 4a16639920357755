import { AppError } from '@memory-layer/shared/errors/app-error';
import { refusalOf } from '../../http/json-body.ts';
import { toAppError, toProblem } from '../../http/errors.ts';
import { toMessageError } from '../message.mapper.ts';
import { isKept, isSound, storeSound, type Arrival, type CheckedMessage, type Outcome } from '../message.ts';
import type { Slicer } from '../../http/time-slicer.ts';
import type { FairSlots } from '../../cost/fair-slots.ts';
import { createOrderedNames } from './ordered-names.ts';
import type { MessageImportOptions, MessageImportService } from './message-import.service.ts';
import type { InputLine } from './ndjson-lines.ts';

export interface ImportStreamDeps {
  readonly service: Pick<MessageImportService, 'store'>;
  /** The place of the next message of the stream. */
  readonly arrive: () => Arrival;
  /** A message out of the JSON value of a line; or why there is none. */
  readonly check: (value: unknown) => CheckedMessage;
  /** Names and values of a line; one of more is an error. */
  readonly maxLineParts: number;
  /** Counts the stream as a request of a tenant, once. @returns why it is refused. */
  readonly admit: (tenantId: string) => Promise<AppError | undefined>;
  /** Called for what was our fault. */
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

/** Counts of an import, for its log line. */
export type ImportTally = Record<ImportStatus, number>;

/** What becomes of a line. */
export const importStatuses = ['stored', 'duplicate', 'updated', 'archived', 'conflict', 'error'] as const;
type ImportStatus = (typeof importStatuses)[number];

export function emptyTally(): ImportTally {
  return { stored: 0, duplicate: 0, updated: 0, archived: 0, conflict: 0, error: 0 };
}

const charactersPerGroup = 65_536;
/** Groups of one stream whose outcomes have not been taken. Enough for every writer to have some. */
const groupsUnderWay = 16;
/** Lines under way and outcomes that were not taken, of one stream, in characters: beyond it no more is read. */
export const maxHeldCharacters = 1_048_576;

/**
 * Stores the messages of the lines, and says what became of each line, in their order. Groups of lines are stored side
 * by side; what depends on the order is decided before: places are given as lines are read, and a group waits for an
 * earlier one that has an external id of its own. Lines are read as far as outcomes are taken, so that what is held
 * stays the same however long the input is.
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
    .map(({ number }, n) => {
      const outcome = outcomes[n] ?? new AppError('internal', 'a line of the import has no outcome');
      options.tally[statusOf(outcome)] += 1;
      return toOutcomeLine(number, outcome, options.requestId);
    })
    .join('');
}

/** Never rejects. @returns the messages of the lines, with their places, or why they are none. */
async function checkGroup(group: readonly InputLine[], deps: ImportStreamDeps): Promise<readonly CheckedMessage[]> {
  const { admit, onFault, slicer } = deps;
  try {
    const checked = await slicer.map(group, ({ text }) => (text instanceof AppError ? text : checkLine(text, deps)));
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
  { service, onFault }: ImportStreamDeps,
  options: GroupOptions,
): Promise<readonly (Outcome | AppError)[]> {
  try {
    const settled = await storeSound(checked, (messages) => service.store(messages, options));
    return settled.map((one) => (one instanceof AppError ? one : settledOutcome(one, onFault)));
  } catch (error) {
    const failure = faultOf(error, onFault);
    return checked.map(() => failure);
  }
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

function checkLine(text: string, { arrive, check, maxLineParts }: ImportStreamDeps): CheckedMessage {
  const refusal = refusalOf(text, maxLineParts);
  if (refusal !== undefined) return refusal;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return new AppError('malformed_json', 'The line is not valid JSON.', { cause: error });
  }
  const message = check(value);
  return isSound(message) ? { ...message, arrival: arrive() } : message;
}

function statusOf(outcome: Outcome | AppError): ImportStatus {
  return outcome instanceof AppError || outcome.kind === 'refused' ? 'error' : outcome.kind;
}

/** One line of the answer: what became of one line of the input. */
function toOutcomeLine(line: number, outcome: Outcome | AppError, requestId: string): string {
  return `${JSON.stringify({ line, ...toBody(outcome, requestId) })}\n`;
}

function toBody(outcome: Outcome | AppError, requestId: string): object {
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
