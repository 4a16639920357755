import { Readable } from 'node:stream';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { toAppError } from '../../http/problem.ts';
import type { NewMessage, Outcome } from '../message.ts';
import { toOutcomeLine } from './import-outcome.ts';
import type { MessageImportOptions, MessageImportService } from './message-import.service.ts';
import type { InputLine } from './ndjson-lines.ts';

export interface ImportStreamDeps {
  readonly service: MessageImportService;
  /** A message out of the JSON value of a line, admitted for its tenant; or why there is none. */
  readonly check: (value: unknown) => Promise<NewMessage | AppError>;
  /** Told of what was our fault. */
  readonly onFault: (error: AppError) => void;
}

/** Counts of an import, for its log line. */
export interface ImportTally {
  stored: number;
  duplicate: number;
  error: number;
}

const linesAtOnce = 500;
// Enough for every writer to have one, and for others to be read and checked meanwhile.
const groupsUnderWay = 16;

/**
 * Stores the messages of the lines, a group at a time, and tells what became of each line, in their order. Lines are
 * read as far as outcomes are taken, so that what is held stays the same however long the input is.
 */
export async function* importLines(
  lines: AsyncIterable<readonly InputLine[]>,
  deps: ImportStreamDeps,
  options: MessageImportOptions & { readonly tally: ImportTally },
): AsyncGenerator<string> {
  const groups = Readable.from(inGroups(lines), { objectMode: true, highWaterMark: 1 });
  const texts = groups.map((group: readonly InputLine[]) => importGroup(group, deps, options), {
    concurrency: groupsUnderWay,
  });
  for await (const text of texts) yield String(text);
}

async function* inGroups(lines: AsyncIterable<readonly InputLine[]>): AsyncGenerator<readonly InputLine[]> {
  for await (const some of lines) {
    for (let first = 0; first < some.length; first += linesAtOnce) yield some.slice(first, first + linesAtOnce);
  }
}

async function importGroup(
  group: readonly InputLine[],
  { service, check, onFault }: ImportStreamDeps,
  options: MessageImportOptions & { readonly tally: ImportTally },
): Promise<string> {
  const checked: (NewMessage | AppError)[] = [];
  for (const { text } of group) checked.push(text instanceof AppError ? text : await checkLine(text, check));
  const accepted = checked.filter((one): one is NewMessage => !(one instanceof AppError));
  const outcomes = (await service.store(accepted, options)).values();
  return group
    .map(({ number }, n) => {
      const refused = checked[n];
      const outcome = refused instanceof AppError ? refused : outcomeOf(outcomes.next().value, onFault);
      options.tally[outcome instanceof AppError || outcome.kind === 'conflict' ? 'error' : outcome.kind] += 1;
      return toOutcomeLine(number, outcome, options.requestId);
    })
    .join('');
}

async function checkLine(text: string, check: ImportStreamDeps['check']): Promise<NewMessage | AppError> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return new AppError('malformed_json', 'The line is not valid JSON.', { cause: error });
  }
  return check(value);
}

function outcomeOf(
  settled: PromiseSettledResult<Outcome> | undefined,
  onFault: ImportStreamDeps['onFault'],
): Outcome | AppError {
  if (settled === undefined) throw new Error('a line of the import has no outcome');
  if (settled.status === 'fulfilled') return settled.value;
  const error = toAppError(settled.reason);
  if (error.status >= 500) onFault(error);
  return error;
}
