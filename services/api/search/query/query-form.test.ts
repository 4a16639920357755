import { expect, test } from 'vitest';
import { latinShareOf, queryFormOf } from './query-form.ts';

test.each([
  ['Where do I live?', true],
  ["I'm looking for the recipe", true],
  ['Wo wohnt meine Schwester?', true],
  ['¿Dónde vive mi hermana?', true],
  ['我喜欢什么？', true],
  ['Where does Ana live?', false],
  ['Is the EU larger than the US, Mia?', false],
  ['When did World War I end?', false],
  ['Dove sono i libri di Ana?', false],
  ['Which books did I read?', true],
  ['so i went there', true],
  ['Did Meg fork it on github.io?', false],
  ['私人の記録', false],
  ['아내가 일어나는 시간', false],
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
  ['Could you recommend a restaurant?', false],
  ['Can you tell me where Ana lives?', false],
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
  ['Welche Regeln gibt es?', true],
  ['What did Ana answer?', false],
  ['What should Ana cook?', false],
])('%j asks for instructions: %j', (text, expected) => {
  expect(queryFormOf(text).asksForInstructions).toBe(expected);
});

test.each([
  ['Where?', 1],
  ['42', 1],
  ['我喜欢什么', 0],
  ['abc где', 0.5],
])('the share of Latin letters of %j is %j', (text, expected) => {
  expect(latinShareOf(text)).toBe(expected);
});

test('what stands between quotes far apart is the asker’s own', () => {
  expect(queryFormOf(`"${'word '.repeat(100)}my garden"`).isFirstPerson).toBe(true);
  expect(queryFormOf(`"${'word '.repeat(10)}my garden"`).isFirstPerson).toBe(false);
});

test('a long query of quotes is read in no time that grows with its square', () => {
  const form = queryFormOf(`${"'a ".repeat(3000)} my`);
  expect(form.isFirstPerson).toBe(false);
  expect(form.words.has('my')).toBe(true);
});
