import { beforeAll, describe, expect, test } from 'vitest';
import {
  questionKinds,
  readChats,
  type ChatTurn,
  type JudgedChat,
  type JudgedQuestion,
  type QuestionKind,
} from './chats.ts';

let chats: readonly JudgedChat[];
let turns: readonly ChatTurn[];
let questions: readonly JudgedQuestion[];
beforeAll(async () => {
  chats = await readChats();
  turns = chats.flatMap(({ sessions }) => sessions).flatMap((session) => session.turns);
  questions = chats.flatMap((chat) => chat.questions);
});

/** Words that carry meaning, roughly. */
function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/\p{L}{4,}/gu));
}

const emptyWords = wordsOf('with that this they what which does have from back will their there been being after next');

describe('the chats and their judged questions', () => {
  test('are enough to judge by', () => {
    expect(chats.length).toBeGreaterThanOrEqual(4);
    expect(turns.length).toBeGreaterThanOrEqual(300);
    expect(questions.length).toBeGreaterThanOrEqual(80);
    const counts = questionKinds.map((kind) => questions.filter((question) => question.kind === kind).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(10);
    expect(questions.filter(({ kind }) => !questionKinds.includes(kind))).toEqual([]);
  });

  test('every turn has a name of its own, and every piece of evidence is a turn of the same chat', () => {
    expect(new Set(turns.map(({ id }) => id)).size).toBe(turns.length);
    const strays = chats.flatMap(({ sessions, questions: asked }) => {
      const own = new Set(sessions.flatMap((session) => session.turns.map(({ id }) => id)));
      return asked.filter(({ evidence }) => evidence.length === 0 || evidence.some((id) => !own.has(id)));
    });
    expect(strays).toEqual([]);
  });

  test('a question of several hops has several turns as evidence', () => {
    expect(ofKind('multi-hop').filter(({ evidence }) => evidence.length < 2)).toEqual([]);
  });

  test('what a paraphrase asks for is said in other words', () => {
    const shared = ofKind('paraphrase').flatMap((question) => [
      ...wordsOf(question.text)
        .difference(emptyWords)
        .intersection(wordsOf(evidenceOf(question).join(' '))),
    ]);
    expect(shared).toEqual([]);
  });

  test('a long tail is the tail of something long', () => {
    const lengths = ofKind('long-tail')
      .flatMap(evidenceOf)
      .map((text) => text.length);
    expect(Math.min(...lengths)).toBeGreaterThan(1000);
  });
});

function ofKind(kind: QuestionKind): JudgedQuestion[] {
  return questions.filter((question) => question.kind === kind);
}

function evidenceOf(question: JudgedQuestion): string[] {
  return turns.filter(({ id }) => question.evidence.includes(id)).map(({ text }) => text);
}
