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
  turns = chats.flatMap(turnsOf);
  questions = chats.flatMap((chat) => chat.questions);
});

/** Words that carry meaning, roughly. */
function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/\p{L}{4,}/gu));
}

const emptyWords = wordsOf('with that this they what which does have from back will their there been being after next');

describe('the chats and their judged questions', () => {
  test('are enough to judge by', () => {
    expect(chats.length).toBeGreaterThanOrEqual(9);
    expect(turns.length).toBeGreaterThanOrEqual(500);
    expect(questions.length).toBeGreaterThanOrEqual(220);
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

  test.each([
    ['multi-hop', 2],
    ['multi-turn', 3],
  ] as const)('a question of the kind %s has %i turns or more as evidence', (kind, least) => {
    expect(ofKind(kind).filter(({ evidence }) => evidence.length < least)).toEqual([]);
  });

  test.each(['paraphrase', 'implicit'] as const)(
    'what a question of the kind %s needs is said in other words',
    (kind) => {
      const shared = ofKind(kind).flatMap((question) => [
        ...wordsOf(question.text)
          .difference(emptyWords)
          .intersection(wordsOf(textsOf(question).join(' '))),
      ]);
      expect(shared).toEqual([]);
    },
  );

  test('a long tail is the tail of something long', () => {
    const lengths = ofKind('long-tail')
      .flatMap(textsOf)
      .map((text) => text.length);
    expect(Math.min(...lengths)).toBeGreaterThan(1000);
  });

  test.each(['assistant-fact', 'instruction', 'changed'] as const)(
    'the user said what the kind %s asks for',
    (kind) => {
      expect(ofKind(kind).filter((question) => evidenceOf(question).some(({ role }) => role !== 'user'))).toEqual([]);
    },
  );

  test('a reply that is asked for is a long one of an assistant', () => {
    const replies = ofKind('assistant-reply').flatMap(evidenceOf);
    expect(replies.filter(({ role, text }) => role !== 'assistant' || text.length < 800)).toEqual([]);
  });
});

describe('the chats with an assistant that replies at length', () => {
  test('are several, and not all of them say who speaks', () => {
    expect(verboseChats().length).toBeGreaterThanOrEqual(4);
    const speakers = verboseChats().map((chat) => new Set(turnsOf(chat).map(({ speaker }) => speaker)));
    expect(speakers.filter((names) => names.has(''))).toEqual([new Set(['']), new Set([''])]);
  });

  test('have users who write much less', () => {
    const lengths = verboseChats().map((chat) => medianLength(chat, 'user'));
    expect(Math.max(...lengths)).toBeLessThan(250);
  });

  test.each([
    ['headings', /^(?:## |\*\*)/m],
    ['lists', /^- /m],
    ['numbered steps', /^1\. /m],
    ['tables', /^\| --- /m],
  ])('have %s in most replies', (_, form) => {
    const replies = verboseChats().flatMap(turnsOf).filter(isReply);
    expect(replies.filter(({ text }) => form.test(text)).length).toBeGreaterThan(replies.length / 2);
  });

  test.each(['ts', 'js', 'sql', 'sh', 'r', 'latex', 'text'])('have code in %s', (language) => {
    const texts = verboseChats().flatMap(turnsOf).filter(isReply);
    expect(texts.filter(({ text }) => text.includes(`\n\`\`\`${language}\n`)).length).toBeGreaterThan(0);
  });
});

/** Chats whose assistant mostly replies with 800 characters and more. */
function verboseChats(): JudgedChat[] {
  return chats.filter((chat) => medianLength(chat, 'assistant') >= 800);
}

function medianLength(chat: JudgedChat, role: ChatTurn['role']): number {
  const said = turnsOf(chat).filter((turn) => turn.role === role);
  const lengths = said.map(({ text }) => text.length).toSorted((a, b) => a - b);
  return lengths[Math.floor(lengths.length / 2)] ?? 0;
}

function turnsOf(chat: JudgedChat): ChatTurn[] {
  return chat.sessions.flatMap((session) => session.turns);
}

function isReply({ role }: ChatTurn): boolean {
  return role === 'assistant';
}

function ofKind(kind: QuestionKind): JudgedQuestion[] {
  return questions.filter((question) => question.kind === kind);
}

function evidenceOf(question: JudgedQuestion): ChatTurn[] {
  return turns.filter(({ id }) => question.evidence.includes(id));
}

function textsOf(question: JudgedQuestion): string[] {
  return evidenceOf(question).map(({ text }) => text);
}
