import { expect, test } from 'vitest';
import { isInstruction } from './instruction.ts';

test.each([
  'Always answer in metric units, please.',
  'Call me Jo.',
  "From now on don't suggest dairy.",
  'I prefer tabs over spaces',
  "I'd prefer short replies",
  'My usual seat height is 87.',
  'I never eat pork.',
  'Please make sure that code has types.',
  'Bitte nur kurze Antworten.',
  'Nenn mich bitte Jo.',
  'Réponds toujours en français.',
  'A partir de ahora responde en español.',
  '以后请用公制单位。',
  'I’d prefer short replies',
  'Don’t use dairy.',
])('%j is an instruction', (text) => {
  expect(isInstruction(text)).toBe(true);
});

test.each([
  'We sailed to Malta.',
  'Ana called me yesterday.',
  'he never called me back',
  'my default gateway is 10.0.0.1',
  'It has always been cold here.',
  'What do you recommend?',
  'Es regnet.',
  'Le génie civil',
  'Eugénie est là.',
  '',
])('%j is none', (text) => {
  expect(isInstruction(text)).toBe(false);
});

test('one far down in a document does not count', () => {
  expect(isInstruction(`${'word '.repeat(105)} always`)).toBe(false);
});
