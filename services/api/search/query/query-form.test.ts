import { expect, test } from 'vitest';
import { queryFormOf } from './query-form.ts';

test.each([
  ['Where do I live?', true],
  ["I'm looking for the recipe", true],
  ['Wo wohnt meine Schwester?', true],
  ['¿Dónde vive mi hermana?', true],
  ['我喜欢什么？', true],
  ['Where does Ana live?', false],
  ['Is the EU larger than the US, Mia?', false],
  ['What did Ana say to Ben about sailing?', false],
  // What others say within the query.
  ["She told the car: 'I need my usual light, it's too dim.'", false],
  ['He said “I like it”, did Ana agree?', false],
  ["What does Ana's brother do in the '90s?", false],
  ["'I' is a word: where do we go?", true],
  ['', false],
])('%j is in the first person: %j', (text, expected) => {
  expect(queryFormOf(text).isFirstPerson).toBe(expected);
});

test.each([
  ['Which library did you recommend?', true],
  ['What was it that you recommended?', true],
  ['you just told me the command', true],
  ['How big did you want the pool to be?', true],
  ['What did Nordhost cost in your comparison?', true],
  ['Show your second suggestion again', true],
  ['What did the assistant say of tabs?', true],
  ['Do you know where I live?', false],
])('%j asks for a reply: %j', (text, expected) => {
  expect(queryFormOf(text).asksForReply).toBe(expected);
});

test.each([
  ['Any rules for recipes?', true],
  ['How should I address the user?', true],
  ['How should replies be formatted?', true],
  ['Wie soll ich dich ansprechen?', true],
  ['¿Cómo debo responderte?', true],
  ['有什么规则？', true],
  ['Should I call Ana?', true],
  ['Where did we sail?', false],
  ['What does Ana write?', false],
])('%j asks for instructions: %j', (text, expected) => {
  expect(queryFormOf(text).asksForInstructions).toBe(expected);
});

test('a long query of quotes is read in no time that grows with its square', () => {
  const form = queryFormOf(`${"'a ".repeat(3000)} my`);
  expect(form.isFirstPerson).toBe(false);
  expect(form.words.has('my')).toBe(true);
});
