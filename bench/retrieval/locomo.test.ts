import { expect, test } from 'vitest';
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

test('reads a chat, leaves out what cannot be judged, and counts what it dropped', () => {
  const [chat] = parseLocomo([
    {
      sample_id: 'c1',
      conversation: {
        speaker_a: 'Ida',
        speaker_b: 'Bo',
        session_1_date_time: '9:00 am on 2 March, 2024',
        session_1: [
          { speaker: 'Ida', dia_id: 'D1:1', text: 'I bought a kayak.' },
          { speaker: 'Bo', dia_id: 'D1:2', text: 'Nice!', blip_caption: 'a photo of a lake' },
        ],
      },
      qa: [
        { question: 'What did Ida buy?', category: 4, evidence: ['D1:1; D7:1'] },
        { question: 'What did Bo say of cars?', category: 5, evidence: ['D1:2'] },
        { question: 'No evidence?', category: 1, evidence: [] },
      ],
    },
  ]);
  expect(chat?.turns.map((turn) => turn.text)).toEqual(['I bought a kayak.', 'Nice! [shares a photo of a lake]']);
  expect(chat?.questions).toEqual([{ text: 'What did Ida buy?', category: 4, evidence: ['D1:1'] }]);
  expect(chat?.droppedEvidence).toBe(1);
});
