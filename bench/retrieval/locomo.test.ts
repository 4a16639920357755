import { expect, test } from 'vitest';
import { Drops } from './chat.ts';
import { namesIn, parseDate, parseLocomo } from './locomo.ts';

test.each([
  ['D8:6; D9:17', ['D8:6', 'D9:17']],
  ['D:11:26', ['D11:26']],
  ['D4:05', ['D4:5']],
  ['none', []],
])('reads the ids in %j', (entry, names) => {
  expect(namesIn(entry)).toEqual(names);
});

test('reads session dates, noon and midnight too', () => {
  expect(parseDate('1:56 pm on 8 May, 2023').toISOString()).toBe('2023-05-08T13:56:00.000Z');
  expect(parseDate('12:05 am on 1 January, 2024').toISOString()).toBe('2024-01-01T00:05:00.000Z');
  expect(() => parseDate('yesterday')).toThrow(/not a session date/);
});

const file = [
  {
    sample_id: 'c1',
    conversation: {
      speaker_a: 'Ida',
      speaker_b: 'Bo',
      session_10_date_time: '9:00 am on 3 March, 2024',
      session_10: [{ speaker: 'Bo', dia_id: 'D10:1', text: 'It floats!' }],
      session_2_date_time: '9:00 am on 2 March, 2024',
      session_2: [
        { speaker: 'Ida', dia_id: 'D2:1', text: 'I bought a kayak.' },
        { speaker: 'Bo', dia_id: 'D2:2', text: 'Nice!', blip_caption: 'a photo of a lake' },
        { speaker: 'Bo', dia_id: 'D2:3', text: ' ' },
        { speaker: 'Bo', dia_id: 'D2:2', text: 'Said again under the same name.' },
      ],
    },
    qa: [
      { question: 'What did Ida buy?', category: 4, evidence: ['D2:1; D7:1', 'D10:01'] },
      { question: 'What did Bo say of cars?', category: 5, evidence: ['D2:2'] },
      { question: 'No evidence?', category: 1, evidence: [] },
      { question: 'Broken evidence?', category: 1, evidence: ['D', 'D2'] },
    ],
  },
];

test('reads turns in the order of their sessions, with who said them and when', () => {
  const [chat] = parseLocomo(file);
  expect(chat?.turns).toMatchObject([
    { turnId: 'D2:1', session: 'session_2', role: 'user', speaker: 'Ida', text: 'I bought a kayak.' },
    {
      turnId: 'D2:2',
      session: 'session_2',
      role: 'assistant',
      speaker: 'Bo',
      text: 'Nice! [shares a photo of a lake]',
    },
    { turnId: 'D10:1', session: 'session_10', role: 'assistant', speaker: 'Bo', text: 'It floats!' },
  ]);
  expect(chat?.turns.map((turn) => turn.saidAt.toISOString().slice(0, 19))).toEqual([
    '2024-03-02T09:00:00',
    '2024-03-02T09:00:01',
    '2024-03-03T09:00:00',
  ]);
});

test('leaves out what cannot be judged, and counts it', () => {
  const drops = new Drops();
  const [chat] = parseLocomo(file, drops);
  expect(chat?.questions).toEqual([
    {
      questionId: 'q1',
      text: 'What did Ida buy?',
      category: '4 single-hop',
      evidence: [['D2:1'], ['D10:1']],
      evidenceSessions: [['session_2'], ['session_10']],
    },
  ]);
  expect(drops.toJSON()).toEqual({
    'evidence: an entry without a turn in it': 2,
    'evidence: names a turn that the chat does not have': 1,
    'question: category 5, unanswerable': 1,
    'question: no evidence': 2,
    'turn: empty': 1,
    'turn: its name is taken': 1,
  });
});

test('a file of another shape is refused', () => {
  expect(() => parseLocomo([{ sample_id: 1 }])).toThrow(/sample_id/);
});
