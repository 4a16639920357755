import { expect, test } from 'vitest';
import { Drops } from './chat.ts';
import { parseHaystackDate, parseLongMemEval } from './longmemeval.ts';

const item = {
  question_id: 'q-7',
  question_type: 'multi-session',
  question: 'How many kayaks do I own?',
  answer: 2,
  question_date: '2024/03/09 (Sat) 10:00',
  haystack_session_ids: ['chat 1', 'answer_2', 'answer_2', 'gone'],
  haystack_dates: [
    '2024/03/02 (Sat) 09:05',
    '2024/03/03 (Sun) 23:59',
    '2024/03/03 (Sun) 23:59',
    '2024/03/04 (Mon) 00:00',
  ],
  haystack_sessions: [
    [{ role: 'user', content: 'Hello' }],
    [
      { role: 'user', content: 'I bought two kayaks.', has_answer: true },
      { role: 'assistant', content: ' ' },
      { role: 'assistant', content: 'Two! Enjoy.', has_answer: false },
    ],
    [{ role: 'user', content: 'The same session once more.' }],
    [],
  ],
  answer_session_ids: ['answer_2', 'gone', 'nowhere'],
};

test('reads dates as they are written', () => {
  expect(parseHaystackDate('2023/05/20 (Sat) 02:21').toISOString()).toBe('2023-05-20T02:21:00.000Z');
  expect(() => parseHaystackDate('20.5.2023')).toThrow(/not a haystack date/);
});

test('a question has a haystack of its own; sessions of one id are kept apart, and both are evidence', () => {
  const drops = new Drops();
  const [chat, ...more] = parseLongMemEval([item, { ...item, question_id: 'q-8_abs' }], drops);
  expect(more).toEqual([]);
  expect(chat?.turns.map(({ turnId, role, speaker }) => [turnId, role, speaker])).toEqual([
    ['chat_1:1', 'user', undefined],
    ['answer_2:1', 'user', undefined],
    ['answer_2:3', 'assistant', undefined],
    ['answer_2.2:1', 'user', undefined],
  ]);
  expect(chat?.turns[2]?.saidAt.toISOString()).toBe('2024-03-03T23:59:02.000Z');
  expect(chat?.questions).toEqual([
    {
      questionId: 'q-7',
      text: item.question,
      category: 'multi-session',
      evidence: [['answer_2:1']],
      evidenceSessions: [['answer_2'], ['answer_2.2']],
    },
  ]);
  expect(drops.toJSON()).toEqual({
    'evidence: names a session that the haystack does not have': 2,
    'question: unanswerable (_abs)': 1,
    'turn: empty': 1,
  });
});

test('without turns that have the answer, a question is judged by sessions alone', () => {
  const drops = new Drops();
  const sessions = item.haystack_sessions.map((lines) => lines.map(({ role, content }) => ({ role, content })));
  const [chat] = parseLongMemEval([{ ...item, haystack_sessions: sessions }], drops);
  expect(chat?.questions[0]).toMatchObject({ evidence: [], evidenceSessions: [['answer_2'], ['answer_2.2']] });
  expect(drops.toJSON()).toMatchObject({ 'question: judged by sessions alone, no turn has_answer': 1 });
});

test('a question without its sessions is left out; a haystack that does not fit is refused', () => {
  const drops = new Drops();
  expect(parseLongMemEval([{ ...item, answer_session_ids: ['nowhere'] }], drops)).toEqual([]);
  expect(drops.toJSON()).toMatchObject({ 'question: no evidence': 1 });
  expect(() => parseLongMemEval([{ ...item, haystack_dates: [] }])).toThrow(/not equally many/);
});
