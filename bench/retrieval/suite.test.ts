import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { metricNames } from './metrics.ts';
import { groupsOf, type Results } from './results.ts';
import { suiteReport } from './suite.ts';

/** Two questions, of which a variant answers the given share. */
function results(file: string, shares: Readonly<Record<string, number>>): Results {
  const variants = Object.entries(shares).map(([name, share]) => {
    const questions = ['q1', 'q2'].map((questionId) => {
      return { chatId: 'c', questionId, category: 'x', values: metricNames.map(() => share) };
    });
    return { name, request: {}, questions, groups: groupsOf(questions) };
  });
  return {
    version: 2,
    file: { name: file, sha256: '00', format: 'judged-messages', chats: 1, turns: 9 },
    dropped: {},
    run: 'run',
    startedAt: '2026-01-01T00:00:00.000Z',
    target: 'http://127.0.0.1:1',
    failedToEmbed: 0,
    load: { before: 0, after: 0 },
    metrics: [...metricNames],
    variants,
  };
}

const sets = [
  results('people.json', { default: 0.8, lexical: 0.7, bm25: 0.6 }),
  results('assistant.json', { default: 0.4, lexical: 0.3, bm25: 0.5 }),
];

test('each set is compared with the best of what is beside it', async () => {
  const report = await suiteReport(sets, undefined);
  expect(report).toMatch(/people +\| +2 \| +80\.0 \| +70\.0 \| +60\.0 \| +\+10\.0 \[\+10\.0, \+10\.0\] lexical/);
  expect(report).toMatch(/assistant +\| +2 \| +40\.0 \| +30\.0 \| +50\.0 \| +-10\.0 \[-10\.0, -10\.0\] bm25/);
});

test('the folder of an earlier run adds the differences to it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'suite-'));
  try {
    for (const { file } of sets) {
      const own = join(folder, file.name.replace('.json', ''));
      await mkdir(own);
      await writeFile(join(own, 'results.json'), JSON.stringify(results(file.name, { default: 0.3 })));
    }
    const report = await suiteReport(sets, folder);
    expect(report).toContain('# people.json');
    expect(report).toMatch(/all +\| +2 \| +\+10\.0 \[\+10\.0, \+10\.0\]/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
