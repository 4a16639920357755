import { expect, test } from 'vitest';
import { metricNames } from './metrics.ts';
import { differences, groupsOf, intervalOf, parseResults, type QuestionResult, type Results } from './results.ts';
import { comparisonOf, reportOf } from './tables.ts';

function question(chatId: string, questionId: string, category: string, value: number | null): QuestionResult {
  return { chatId, questionId, category, values: metricNames.map(() => value) };
}

const good = [question('a', '1', 'x', 1), question('a', '2', 'y', 0.5), question('b', '1', 'y', 0)];
const bad = [question('a', '1', 'x', 0.5), question('a', '2', 'y', null), question('b', '9', 'y', 1)];

function results(run: string, questions: Record<string, QuestionResult[]>): Results {
  return {
    version: 2,
    file: { name: 'chats.json', sha256: '00', format: 'locomo', chats: 2, turns: 9 },
    dropped: { 'question: no evidence': 3 },
    run,
    startedAt: '2026-01-01T00:00:00.000Z',
    target: 'http://127.0.0.1:1',
    failedToEmbed: 0,
    load: { before: 0.5, after: 1 },
    metrics: [...metricNames],
    variants: Object.entries(questions).map(([name, asked]) => ({
      name,
      request: {},
      questions: asked,
      groups: groupsOf(asked),
    })),
  };
}

test('groups are all questions, then categories, then chats', () => {
  const groups = groupsOf(good);
  expect(groups.map(({ name, questions }) => [name, questions])).toEqual([
    ['all', 3],
    ['category x', 1],
    ['category y', 2],
    ['chat a', 2],
    ['chat b', 1],
  ]);
  expect(groups.map((group) => intervalOf(group, 'MRR')?.mean)).toEqual([0.5, 1, 0.25, 0.75, 0]);
});

test('differences are of questions that both have, where both have a value', () => {
  const paired = differences(good, bad);
  expect(paired.map(({ chatId, questionId, values }) => [chatId, questionId, values[0]])).toEqual([
    ['a', '1', 0.5],
    ['a', '2', null],
  ]);
});

test('what is written is read again, and nothing else', () => {
  const written = results('one', { default: good });
  expect(parseResults(JSON.stringify(written))).toEqual(written);
  expect(() => parseResults(JSON.stringify({ ...written, metrics: [] }))).toThrow(/metrics/);
});

test('the report shows groups, variants, and what was left out', () => {
  const report = reportOf(results('one', { default: good, 'no-context': bad }));
  expect(report).toContain('3 × question: no evidence');
  expect(report).toMatch(/\| category y +\| +2 \| +25\.0 \[0\.0, 50\.0\]/);
  expect(report).toMatch(/\| no-context +\| +2 \|/);
});

test('a comparison is signed, and says what has no counterpart', () => {
  const comparison = comparisonOf(results('new', { default: bad, lexical: good }), results('old', { default: good }));
  expect(comparison).toContain('This run minus old');
  expect(comparison).toContain('### default (2 questions have no counterpart');
  expect(comparison).toMatch(/\| all +\| +2 \| -50\.0 \[-50\.0, -50\.0\]/);
  expect(comparison).not.toContain('### lexical');
});
