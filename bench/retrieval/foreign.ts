import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { createRandom } from '../harness/random.ts';
import { table } from '../harness/table.ts';
import type { Chat, Question } from './chat.ts';
import { createProgress } from './ingest.ts';
import { fitLogistic, probability, type Sample } from './logistic.ts';
import { tenantNames, type MeasureOptions } from './measure.ts';
import { createMemoryClient } from './memory-client.ts';
import { readChats } from './read-chats.ts';
import { percent } from './tables.ts';
import type { Variant } from './variants.ts';

type ForeignOptions = Pick<MeasureOptions, 'target' | 'run' | 'out'> & {
  readonly suite: string;
  /** Questions about other chats that each set is asked. */
  readonly foreign: number;
  /** Names of the sets to fit on; undefined: all. */
  readonly fit: string | undefined;
  /** How questions are asked: as in the first of these. */
  readonly variants: readonly Variant[];
};

/** What the confidence of a hit is made from, in the order of the coefficients. */
const featureNames = ['vector', 'lexical', 'speaker', 'bestVector', 'bestLexical'] as const;
const breakdownSchema = z.looseObject({
  nearby: z.object({ vector: z.number(), lexical: z.number() }),
  speaker: z.number(),
  confidence: z.number(),
});
const answerSchema = z.looseObject({
  evidence: z.array(z.array(z.string())),
  ranking: z.array(z.looseObject({ turn: z.string(), breakdown: breakdownSchema })),
});
type Breakdown = z.output<typeof breakdownSchema>;

interface Judged {
  readonly features: readonly number[];
  /** As the product has it. */
  readonly confidence: number;
}

interface SetSamples {
  readonly name: string;
  /** Evidence among the first ten hits of the set's own questions. */
  readonly right: readonly Judged[];
  /** The first ten hits of each foreign question. */
  readonly foreign: readonly (readonly Judged[])[];
}

const judgedHits = 10;

/**
 * Asks each set of a measured suite questions about other chats, and tells how well the confidence keeps what is right
 * apart from what such questions find: of the product's coefficients, of those fitted on all sets, and of those fitted on
 * all other sets.
 */
export async function reportForeign(options: ForeignOptions): Promise<string> {
  const files = (await readdir(options.suite)).filter((name) => name.endsWith('.json')).toSorted();
  const sets = await Promise.all(
    files.map(async (file) => {
      const { chats } = readChats(JSON.parse(await readFile(join(options.suite, file), 'utf8')));
      return { name: basename(file, '.json'), chats };
    }),
  );
  const samples: SetSamples[] = [];
  for (const set of sets) {
    const asked = sets.flatMap(({ chats }) =>
      chats.flatMap((chat) => chat.questions.map((question) => ({ chat, question }))),
    );
    const foreign = await askForeign(set, asked, options);
    const right = await rightHits(join(options.out, set.name, `${options.variants[0]?.name ?? ''}.ndjson`));
    samples.push({ name: set.name, right, foreign });
  }
  const names = options.fit?.split(',');
  const fitting = samples.filter(({ name }) => names?.includes(name) ?? true);
  const fitted = fit(fitting);
  const header = ['', 'right hits', ...thresholds.flatMap((least) => [`lost at ${least}`, `cut at ${least}`])];
  const tableBy = (confidenceOf: (set: SetSamples) => (hit: Judged) => number): string =>
    table(
      header,
      samples.map((set) => [set.name, String(set.right.length), ...outcomes(set, confidenceOf(set))]),
    );
  return [
    '# Confidence, in percent: right hits lost, and foreign questions without a hit',
    'The product:',
    tableBy(
      () =>
        ({ confidence }) =>
          confidence,
    ),
    `Fitted: ${['constant', ...featureNames].map((name, n) => `${name} ${(fitted[n] ?? 0).toFixed(1)}`).join(', ')}. Each set by a fit without it:`,
    tableBy((set) => {
      const others = fit(fitting.filter((other) => other !== set));
      return ({ features }) => probability(others, features);
    }),
  ].join('\n\n');
}

const thresholds = [0.1, 0.25, 0.5];

interface NamedSet {
  readonly name: string;
  readonly chats: readonly Chat[];
}

interface Asked {
  readonly chat: Chat;
  readonly question: Question;
}

/** Asks chats of the set, in turns, questions drawn from all others. */
async function askForeign(
  { name, chats }: NamedSet,
  all: readonly Asked[],
  { target, run, foreign, variants: [variant] }: ForeignOptions,
): Promise<Judged[][]> {
  const client = createMemoryClient(target);
  const tenantOf = tenantNames(`${run}-${name}`);
  const random = createRandom(1);
  const progress = createProgress(`asked (${name}, foreign)`, foreign, (line) => console.error(line));
  const found: Judged[][] = [];
  for (let n = 0; n < foreign; n += 1) {
    const chat = chats[n % chats.length];
    if (chat === undefined) break;
    const others = all.filter((asked) => asked.chat !== chat);
    const { question } = others[Math.floor(random() * others.length)] ?? {};
    if (question === undefined) break;
    const asked = { ...variant?.request, query: question.text, top_k: judgedHits };
    const hits = await client.search(tenantOf(chat), asked);
    found.push(judgedOf(hits.map(({ breakdown, confidence }) => breakdownSchema.parse({ ...breakdown, confidence }))));
    progress(found.length);
  }
  return found;
}

async function rightHits(file: string): Promise<Judged[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const { evidence, ranking } = answerSchema.parse(JSON.parse(line));
    const wanted = new Set(evidence.flat());
    const first = ranking.slice(0, judgedHits);
    return judgedOf(first.map(({ breakdown }) => breakdown)).filter((_, n) => wanted.has(first[n]?.turn ?? ''));
  });
}

function judgedOf(hits: readonly Breakdown[]): Judged[] {
  const best = (side: 'vector' | 'lexical') => Math.max(0, ...hits.map(({ nearby }) => nearby[side]));
  const [bestVector, bestLexical] = [best('vector'), best('lexical')];
  return hits.map(({ nearby, speaker, confidence }) => {
    return { features: [nearby.vector, nearby.lexical, speaker, bestVector, bestLexical], confidence };
  });
}

/** Every set counts as much as any other, and what is right as much as what is foreign. */
function fit(sets: readonly SetSamples[]): readonly number[] {
  const samples = sets.flatMap(({ right, foreign }): Sample[] => {
    const wrong = foreign.flat();
    return [
      ...right.map(({ features }) => ({ features, isPositive: true, weight: 1 / right.length })),
      ...wrong.map(({ features }) => ({ features, isPositive: false, weight: 1 / wrong.length })),
    ];
  });
  return fitLogistic(samples);
}

function outcomes({ right, foreign }: SetSamples, confidenceOf: (hit: Judged) => number): string[] {
  return thresholds.flatMap((least) => {
    const isCut = (hit: Judged) => confidenceOf(hit) < least;
    return [
      percent(right.filter(isCut).length / Math.max(1, right.length)),
      percent(foreign.filter((hits) => hits.every(isCut)).length / Math.max(1, foreign.length)),
    ];
  });
}
