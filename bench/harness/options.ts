import { parseArgs } from 'node:util';

/** An option of the command line. Its default says what it takes; a list may be given more than once. */
type OptionSpec =
  | { readonly number: number | undefined; readonly help: string }
  | { readonly text: string | undefined; readonly help: string }
  | { readonly list: readonly string[]; readonly help: string };
type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<Spec> = Spec extends { readonly number: infer Default }
  ? number | Extract<Default, undefined>
  : Spec extends { readonly text: infer Default }
    ? string | Extract<Default, undefined>
    : readonly string[];
export type Options<Specs extends OptionSpecs> = { readonly [Name in keyof Specs]: ValueOf<Specs[Name]> };

/** `batchSize` is `--batch-size`. */
const flagOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** @throws when an option is unknown, or no number above 0 where it should be one. */
export function parseOptions<Specs extends OptionSpecs>(specs: Specs, args: readonly string[]): Options<Specs> {
  const names = Object.entries(specs);
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      names.map(([name, spec]) => [flagOf(name), { type: 'string' as const, multiple: 'list' in spec }]),
    ),
  });
  const valueOf = (name: string, spec: OptionSpec): unknown => {
    const given = values[flagOf(name)];
    if ('list' in spec) return given ?? spec.list;
    if ('text' in spec) return given ?? spec.text;
    return given === undefined ? spec.number : toNumber(name, String(given));
  };
  // Each name has the kind of value that its own default says.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(names.map(([name, spec]) => [name, valueOf(name, spec)])) as Options<Specs>;
}

const mayBeZero: ReadonlySet<string> = new Set(['warmup', 'first', 'stored', 'probes']);

function toNumber(name: string, text: string): number {
  const number = Number(text);
  const isEnough = mayBeZero.has(name) ? number >= 0 : number > 0;
  if (text.trim() === '' || !Number.isFinite(number) || !isEnough) {
    throw new Error(`--${flagOf(name)} must be a number above 0`);
  }
  return number;
}

/** Reads the command line of a bench; `--help` prints what it is and its options, and ends. */
export function readOptions<Specs extends OptionSpecs>(about: string, specs: Specs): Options<Specs> {
  const args = process.argv.slice(2);
  if (!args.includes('--help')) return parseOptions(specs, args);
  const lines = Object.entries(specs).map(([name, spec]) => {
    const preset = 'list' in spec ? '' : String(('number' in spec ? spec.number : spec.text) ?? '');
    return `  ${`--${flagOf(name)} ${preset}`.padEnd(28)} ${spec.help}`;
  });
  console.log(`${about}\n\n${lines.join('\n')}`);
  process.exit();
}
