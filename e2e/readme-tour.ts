import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

// README.md holds the commands; behind each stands a comment with the statuses and fields of its answer, and then the
// answer itself, which is written here.

export interface TourStep {
  readonly command: string;
  /** Statuses of all its requests, each once, in ascending order. */
  readonly statuses: string;
  /** Paths of the fields that are shown, as `items[].score`; none shows the answer as it is. */
  readonly fields: readonly string[];
  /** The answer that the page has. */
  readonly shown: string;
}

export interface TourServer {
  readonly url: string;
  readonly apiKey: string;
}

interface Run {
  readonly statuses: string;
  readonly output: string;
}

const step =
  /```sh\n(?<command>(?:(?!```)[^])*)```\n\n<!-- answers (?<statuses>[\d ]+)(?:: (?<fields>[^>]+?))? -->\n*(?:```\w*\n(?<shown>(?:(?!```)[^])*)```\n*)?/g;
const statusLine = /^#status (?<status>\d+)\n/gm;
const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g;
const maxWidth = 118;
/** Scores differ a little with the processor and the moment; the page keeps what it has within this. */
const tolerance = 0.05;

const run = promisify(execFile);

/** The page with the answers that its commands get now. @param answer gives a step the text of its answer. */
export async function renderTour(page: string, answer: (step: TourStep) => Promise<string>): Promise<string> {
  let text = '';
  let end = 0;
  for (const match of page.matchAll(step)) {
    const { command = '', statuses = '', fields = '', shown = '' } = match.groups ?? {};
    const picked = fields.split(', ').filter((field) => field !== '');
    const shownAnswer = await answer({ command, statuses, fields: picked, shown });
    const comment = match[0].slice(match[0].indexOf('<!--'), match[0].indexOf('-->') + 3);
    const language = picked.length > 0 ? 'json' : 'text';
    text += `${page.slice(end, match.index)}\`\`\`sh\n${command}\`\`\`\n\n${comment}\n\n\`\`\`${language}\n${shownAnswer}\`\`\`\n\n`;
    end = match.index + match[0].length;
  }
  return text + page.slice(end);
}

/** Runs a command as somebody at a shell does, and notes the status of each request. */
export async function runInShell(command: string, { url, apiKey }: TourServer): Promise<Run> {
  const noting = `curl() { command curl -w '\\n#status %{http_code}\\n' "$@"; }\n`;
  const env = { PATH: process.env['PATH'] ?? '', URL: url, KEY: apiKey };
  const { stdout } = await run('bash', ['-c', noting + command], { env });
  const statuses = new Set([...stdout.matchAll(statusLine)].map((match) => match.groups?.['status'] ?? ''));
  return {
    statuses: [...statuses].toSorted((a, b) => Number(a) - Number(b)).join(' '),
    output: stdout.replaceAll(statusLine, '').replaceAll(/\n{3,}/g, '\n\n'),
  };
}

/** Ids as the page has them, in the order in which they are first shown. */
export class TourIds {
  readonly #real: string[] = [];

  toPage(text: string): string {
    return text.replaceAll(uuid, (id) => {
      if (!this.#real.includes(id)) this.#real.push(id);
      return shownId(this.#real.indexOf(id));
    });
  }

  toReal(text: string): string {
    return text.replaceAll(uuid, (id) => this.#real.find((_, index) => shownId(index) === id) ?? id);
  }
}

const shownId = (index: number) => `0192f0c1-2a3b-7c4d-8e5f-${String(index + 1).padStart(12, '0')}`;

/** What the page shows of an answer, with moments, cursors and places in the event log of no meaning. */
export function show(output: string, { fields, shown }: TourStep, ids: TourIds): string {
  const answers = output.split('\n').filter((line) => line !== '');
  const lines =
    fields.length === 0 ? output.trim().split('\n') : answers.flatMap((line) => layOut(JSON.parse(line), fields));
  const before = shown.split('\n');
  const kept = lines.map((line, index) => keepNear(line, before[index] ?? ''));
  const text = kept
    .join('\n')
    .replaceAll(/"next_cursor": "[^"]+"/g, '"next_cursor": "AQGiCfn_…"')
    .replaceAll(/^id: .+$/gm, 'id: 8817-412-3')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (moment) => (isRecent(moment) ? '2026-01-31T12:00:00.000Z' : moment));
  return `${ids.toPage(text)}\n`;
}

const isRecent = (moment: string) => Math.abs(Date.now() - Date.parse(moment)) < 3_600_000;

/** The number that the page has, where it is near the one that came. */
function keepNear(line: string, before: string): string {
  const numbers = /(?<=": )-?\d+(?:\.\d+)?/g;
  const old = [...before.matchAll(numbers)].map(([text]) => text);
  let index = 0;
  return line.replaceAll(numbers, (text) => {
    const kept = old[index++];
    return kept !== undefined && Math.abs(Number(kept) - Number(text)) <= tolerance ? kept : text;
  });
}

/** JSON of the fields that are shown, in lines; an object that fits stands in one. */
function layOut(value: unknown, fields: readonly string[], indent = '', path = ''): string[] {
  const inOneLine = inline(value, fields, path);
  const isTop = path === '';
  const isPlain = typeof value !== 'object' || value === null;
  const fits = indent.length + inOneLine.length <= maxWidth && !(isTop && /\[ ?\{/.test(inOneLine));
  if (isPlain || fits) return [indent + inOneLine];
  const inner = `${indent}  `;
  const nested = (of: unknown, at: string, start: string): string[] => {
    const [first = '', ...rest] = layOut(of, fields, inner, at);
    return [`${inner}${start}${first.trimStart()}`, ...rest];
  };
  if (Array.isArray(value)) {
    return [`${indent}[`, ...commas(value.map((item) => nested(item, `${path}[]`, ''))), `${indent}]`];
  }
  const { entries, isCut } = pick(value, fields, path);
  const lines = commas([
    ...entries.map(([key, of]) => nested(of, join(path, key), `"${key}": `)),
    ...(isCut ? [[`${inner}…`]] : []),
  ]);
  return [`${indent}{`, ...lines, `${indent}}`];
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);

function commas(parts: readonly string[][]): string[] {
  return parts.flatMap((lines, index) =>
    index === parts.length - 1 ? lines : [...lines.slice(0, -1), `${lines.at(-1)},`],
  );
}

function inline(value: unknown, fields: readonly string[], path: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => inline(item, fields, `${path}[]`)).join(', ')}]`;
  if (typeof value === 'number') return String(Number(value.toFixed(3)));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const { entries, isCut } = pick(value, fields, path);
  const parts = entries.map(([key, of]) => `"${key}": ${inline(of, fields, join(path, key))}`);
  return `{ ${[...parts, ...(isCut ? ['…'] : [])].join(', ')} }`;
}

/** The fields of an object that are shown: those named, and those that hold one that is named. */
function pick(value: unknown, fields: readonly string[], path: string) {
  const all = Object.entries(typeof value === 'object' && value !== null ? value : {});
  const entries = all.filter(([key]) => {
    const at = join(path, key);
    return fields.some((field) => field === at || field.startsWith(`${at}[`) || field.startsWith(`${at}.`));
  });
  return { entries, isCut: entries.length < all.length };
}
