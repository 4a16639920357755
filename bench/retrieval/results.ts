import { z } from 'zod';
import { bootstrap, type Sample } from './bootstrap.ts';
import { metricNames, type MetricName } from './metrics.ts';

const questionSchema = z.object({
  chatId: z.string(),
  questionId: z.string(),
  category: z.string(),
  /** In the order of `metricNames`. */
  values: z.array(z.number().nullable()).length(metricNames.length),
});
const intervalSchema = z.object({ mean: z.number(), low: z.number(), high: z.number() });
const groupSchema = z.object({
  /** `all`, `category …` or `chat …`. */
  name: z.string(),
  questions: z.int(),
  intervals: z.array(intervalSchema.nullable()),
});
const variantSchema = z.object({
  name: z.string(),
  request: z.record(z.string(), z.unknown()),
  questions: z.array(questionSchema),
  groups: z.array(groupSchema),
});
const resultsSchema = z.object({
  version: z.literal(2),
  file: z.object({ name: z.string(), sha256: z.string(), format: z.string(), chats: z.int(), turns: z.int() }),
  dropped: z.record(z.string(), z.int()),
  run: z.string(),
  startedAt: z.string(),
  target: z.string(),
  failedToEmbed: z.int(),
  load: z.object({ before: z.number(), after: z.number() }),
  metrics: z.array(z.enum(metricNames)).length(metricNames.length),
  variants: z.array(variantSchema),
});

export type QuestionResult = z.output<typeof questionSchema>;
export type Group = z.output<typeof groupSchema>;
export type VariantResult = z.output<typeof variantSchema>;
export type Results = z.output<typeof resultsSchema>;

/** Reads `results.json` of an earlier run. @throws when it is none, or one with other metrics. */
export function parseResults(text: string): Results {
  return resultsSchema.parse(JSON.parse(text));
}

/** Some files have hundreds of chats, of one question each: a row a chat is printed up to here. */
const maxChatRows = 20;

/** Means over questions with their intervals: of all, of each category, of each chat. */
export function groupsOf(questions: readonly QuestionResult[]): Group[] {
  const byCategory = Map.groupBy(questions, ({ category }) => `category ${category}`);
  const byChat = Map.groupBy(questions, ({ chatId }) => `chat ${chatId}`);
  const showsChats = byChat.size > 1 && byChat.size <= maxChatRows && byChat.size < questions.length;
  return [
    ['all', questions] as const,
    ...[...byCategory].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ...(showsChats ? byChat : []),
  ].map(([name, members]) => ({ name, questions: members.length, intervals: bootstrap(members) }));
}

/** Differences, question by question, of those that both have: `results` minus `others`. */
export function differences(
  results: readonly QuestionResult[],
  others: readonly QuestionResult[],
): (QuestionResult & Sample)[] {
  const keyOf = ({ chatId, questionId }: QuestionResult): string => JSON.stringify([chatId, questionId]);
  const other = new Map(others.map((question) => [keyOf(question), question.values]));
  return results.flatMap((question) => {
    const values = other.get(keyOf(question));
    const minus = (value: number | null, n: number): number | null => {
      const subtracted = values?.[n] ?? null;
      return value === null || subtracted === null ? null : value - subtracted;
    };
    return values === undefined ? [] : [{ ...question, values: question.values.map(minus) }];
  });
}

/** @returns the mean and interval of one metric. */
export function intervalOf(group: Group, metric: MetricName): Group['intervals'][number] {
  return group.intervals[metricNames.indexOf(metric)] ?? null;
}
