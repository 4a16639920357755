import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readChats } from './read-chats.ts';

const locomo = {
  sample_id: 'c1',
  conversation: {
    speaker_a: 'Ida',
    session_1_date_time: '9:00 am on 2 March, 2024',
    session_1: [{ speaker: 'Ida', dia_id: 'D1:1', text: 'Hello' }],
  },
  qa: [{ question: 'Who says hello?', category: 4, evidence: ['D1:1'] }],
};

test('finds the format by content', async () => {
  expect(readChats([locomo])).toMatchObject({ format: 'locomo', chats: [{ chatId: 'c1' }], dropped: {} });
  const item = {
    question_id: 'q',
    question_type: 'multi-session',
    question: 'Which?',
    haystack_session_ids: ['s'],
    haystack_dates: ['2024/03/02 (Sat) 09:05'],
    haystack_sessions: [[{ role: 'user', content: 'This one.', has_answer: true }]],
    answer_session_ids: ['s'],
  };
  expect(readChats([item])).toMatchObject({ format: 'longmemeval', chats: [{ chatId: 'q' }] });
  const set: unknown = JSON.parse(await readFile(new URL('../../e2e/retrieval/chats.json', import.meta.url), 'utf8'));
  const own = readChats(set);
  expect(own).toMatchObject({ format: 'chat-set', chats: [{ chatId: 'set' }], dropped: {} });
  expect(own.chats[0]?.questions.length).toBeGreaterThanOrEqual(80);
});

test('a chat without a question is left out and counted', () => {
  const silent = { ...locomo, sample_id: 'c2', qa: [] };
  expect(readChats([silent, locomo])).toMatchObject({
    chats: [{ chatId: 'c1' }],
    dropped: { 'chat: no question left': 1 },
  });
});

test.each([[[]], [{}], [null], ['text'], [[{ something: 1 }]]])('%j is refused', (json) => {
  expect(() => readChats(json)).toThrow(/none of the formats locomo, longmemeval, chat-set/);
});
