import { wordsOf } from './parse-query.ts';

/** What the form of a query tells about what it asks for, whatever its subject is. */
export interface QueryForm {
  /** Its words as they were written, in lower case: they tell whether somebody is named. */
  readonly words: ReadonlySet<string>;
  /** Somebody who chats asks, and not somebody who reads the chat: I, we, my. */
  readonly isFirstPerson: boolean;
  /** It asks for what the assistant said, such as what it recommended. */
  readonly asksForReply: boolean;
  /** It asks for rules, preferences and wishes that hold for long. */
  readonly asksForInstructions: boolean;
}

// Pronouns and possessives. Those are left out that are another common word, a name or an abbreviation in lower case: us,
// eu, mon, ben.
const firstPerson = new Set(
  [
    'me my mine myself we our ours ourselves',
    'ich mich mir mein meine meinen meinem meiner meines wir uns unser unsere unseren unserem unserer',
    'je moi nous notre',
    'yo mis nosotros nosotras nuestro nuestra nuestros nuestras',
    'mio miei mie nostro nostra nostri nostre',
    'meu minha meus minhas nós nosso nossa nossos nossas',
    'ik mij mijn wij ons onze',
    'jag mig jeg vår våra våre',
    'mnie mój moja moje nasz nasza nasze',
    'я мне меня мой моя моё мои мы нам наш наша',
  ].flatMap((language) => language.split(' ')),
);
// After these, I is a numeral. In lower case it is a word of other languages, too, unless there are English words beside it.
const numbered = new Set(['war', 'type', 'part', 'chapter', 'phase', 'volume']);
const englishWords = new Set(
  'the a is was do did does am are have had to what where when how why there it so then'.split(' '),
);

/** Whether the text has `I`, or the Spanish `mi` that is no unit of length. */
function saysI(text: string): boolean {
  const tokens = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  const isEnglish = tokens.some((token) => englishWords.has(token.toLowerCase()));
  return tokens.some((token, index) => {
    const before = tokens[index - 1]?.toLowerCase() ?? '';
    if (token === 'I') return !numbered.has(before);
    return (token === 'i' && isEnglish) || (token.toLowerCase() === 'mi' && !/^\d+$/u.test(before));
  });
}

// Languages without spaces, or with endings on the pronoun.
const firstPersonPart = /我|私[はがのをも]|僕|俺|(?<!\p{L})(?:저는|제가|나는|내가|우리)/u;

const replyVerbs = new Set(
  'said told suggested recommended gave wrote explained mentioned listed proposed described advised answered replied'.split(
    ' ',
  ),
);
const replyNouns = new Set(
  'suggestion suggestions recommendation recommendations advice answer reply replies list plan table explanation comparison calculation estimate code example'.split(
    ' ',
  ),
);

/** Whether the words ask for what the one spoken to has said: you recommended, your first suggestion. */
function namesReply(words: readonly string[]): boolean {
  return words.some((word, index) => {
    const next = words.slice(index + 1, index + 3);
    if (word === 'did' && next[0] === 'you') return true;
    if (word === 'you') return next.some((other) => replyVerbs.has(other));
    return word === 'your' ? next.some((other) => replyNouns.has(other)) : word === 'assistant';
  });
}

const instructionWords = new Set(
  [
    'rule rules preference preferences prefer prefers preferred instruction instructions allowed forbidden avoid always never tone units',
    'regel regeln vorliebe vorlieben anweisung anweisungen immer nie règle règles préférence préférences consigne consignes toujours jamais',
    'regla reglas preferencia preferencias instrucción instrucciones siempre nunca',
  ].flatMap((words) => words.split(' ')),
);
const addressing = new Set(
  [
    'call called address addressed answer answers answered reply replies write format formatted style',
    'nennen ansprechen anreden antworten schreiben appeler répondre écrire llamar llamarte responder responderte escribir',
  ].flatMap((words) => words.split(' ')),
);
const obliging = new Set(
  'should must may want wants wish like likes soll sollen darf möchte möchtest dois doit devrais voudrais debo debe debería quieres'.split(
    ' ',
  ),
);
const chineseInstructions = /规则|规矩|偏好|称呼/u;

/** "Any rules for recipes?", "How should I address the user?" */
function namesInstructions(words: readonly string[]): boolean {
  const [asks, has] = [words.some((word) => addressing.has(word)), words.some((word) => obliging.has(word))];
  return (asks && has) || words.some((word) => instructionWords.has(word) || chineseInstructions.test(word));
}

// A longer query is read up to here: its form shows before.
const readCharacters = 2000;
const maxQuoted = 400;
const opening = new Set('"“„«\'‘');
const closing = new Set('"”“»\'’');
const edge = /^$|[\s.,;:!?()]/u;

/** The text without what it quotes: that is not the asker's own word. An apostrophe within a word closes nothing. */
function withoutQuotes(text: string): string {
  let own = '';
  for (let at = 0; at < text.length; at += 1) {
    const isOpen = opening.has(text.charAt(at)) && edge.test(text.charAt(at - 1));
    const end = isOpen ? endOfQuote(text, at) : undefined;
    own += end === undefined ? text.charAt(at) : ' ';
    at = end ?? at;
  }
  return own;
}

function endOfQuote(text: string, start: number): number | undefined {
  for (let at = start + 2; at < text.length && at <= start + maxQuoted; at += 1) {
    if (closing.has(text.charAt(at)) && edge.test(text.charAt(at + 1))) return at;
  }
  return undefined;
}

/** @param text the query without its exclusions */
export function queryFormOf(text: string): QueryForm {
  const own = withoutQuotes(text.slice(0, readCharacters));
  const words = wordsOf(own);
  const isFirstPerson = words.some((word) => firstPerson.has(word)) || saysI(own) || firstPersonPart.test(own);
  return {
    words: new Set(wordsOf(text)),
    isFirstPerson,
    asksForReply: namesReply(words),
    asksForInstructions: namesInstructions(words),
  };
}

// Stems of English words that say how something is asked for, and not what for.
const askingTerms = new Set(
  'much mani long old often far kind sort type name call tell told know rememb remind say said mention thing rule prefer instruct style unit avoid'.split(
    ' ',
  ),
);

/** Whether a term of a query belongs to the asking: that nobody said it tells nothing. */
export function isAskingTerm(term: string): boolean {
  return askingTerms.has(term);
}

const letter = /\p{L}/gu;
const latinLetter = /\p{sc=Latin}/gu;

/** Share of the letters that are Latin, 0 to 1; 1 of a text without letters. */
export function latinShareOf(text: string): number {
  const read = text.slice(0, readCharacters);
  const letters = read.match(letter)?.length ?? 0;
  return letters === 0 ? 1 : (read.match(latinLetter)?.length ?? 0) / letters;
}
