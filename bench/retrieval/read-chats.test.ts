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

test('reads messages with groups of evidence, and until when a question may look', () => {
  const message = { session: 's1', role: 'user', speaker: null, at: '2025-03-01T08:00:00Z' };
  const file = {
    name: 'set',
    lang: 'en',
    chats: [
      {
        id: 'c1',
        messages: [
          { ...message, id: 'm1', text: 'Blue, please.' },
          { ...message, id: 'm2', text: 'Green.', session: 's2', speaker: 'Ida' },
          { ...message, id: 'm3', text: ' ' },
        ],
        questions: [
          {
            id: 'q1',
            kind: 'preference',
            text: 'Which colour?',
            evidence: [['m1', 'm2', 'm3'], ['m9']],
            before: '2025-03-02T08:00:00Z',
          },
          { id: 'q2', kind: 'preference', text: 'Which one?', evidence: [['m9']] },
        ],
      },
    ],
  };
  expect(readChats(file)).toEqual({
    format: 'judged-messages',
    chats: [
      {
        chatId: 'c1',
        turns: [
          expect.objectContaining({ turnId: 'm1', session: 's1', speaker: undefined, text: 'Blue, please.' }),
          expect.objectContaining({ turnId: 'm2', session: 's2', speaker: 'Ida' }),
        ],
        questions: [
          {
            questionId: 'q1',
            text: 'Which colour?',
            category: 'preference',
            evidence: [['m1', 'm2']],
            evidenceSessions: [['s1', 's2']],
            askedAt: new Date('2025-03-02T08:00:00Z'),
          },
        ],
      },
    ],
    dropped: {
      'evidence: names a turn that the chat does not have': 3,
      'question: no evidence': 1,
      'turn: empty': 1,
    },
  });
});

test('a chat without a question is left out and counted', () => {
  const silent = { ...locomo, sample_id: 'c2', qa: [] };
  expect(readChats([silent, locomo])).toMatchObject({
    chats: [{ chatId: 'c1' }],
    dropped: { 'chat: no question left': 1 },
  });
});

test.each([[[]], [{}], [null], ['text'], [[{ something: 1 }]]])('%j is refused', (json) => {
  expect(() => readChats(json)).toThrow(/none of the formats locomo, longmemeval, judged-messages, chat-set/);
});
