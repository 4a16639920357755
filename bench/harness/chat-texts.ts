import { createRandom } from './random.ts';

/** The words that English chats have most of, most frequent first; what follows them is made up. */
const frequent =
  `the i you and to a it of that in is my we for have on was what do be so with me this are just not but at
like about they can he she up all there if one out will know get go when your how good really time would had think then
them from now been want see our some who did here too back more day work an as her got make were which his him their
its no yes could come love new right need people thing things great life next last going home year much tell after
let try feel look well take over down friend family week trip way help started because weekend nice long first again`
    .trim()
    .split(/\s+/);

const onsets = 'b br c ch d dr f fl g gr h j k l m n p pl r s sh st t tr v w z'.split(' ');
const vowels = 'a e i o u ai ea oo ou'.split(' ');
const codas = ['', '', 'n', 'r', 's', 't', 'l', 'm', 'nd', 'st'];

export interface ChatTexts {
  /** A message's text: about 30 words, some of a few, some of a hundred; the same for the same number. */
  message(number: number, topic: number): string;
  /** A question of six to twelve words, some of them rare. */
  question(number: number, topic: number): string;
}

export const topics = 400;

/**
 * Chat-like texts without a chat: words drawn by Zipf's law (exponent 1, as in English) from 30 000, half of those of
 * content from a topic's own 60, so that words of one topic meet and common words are in most messages.
 *
 * Source of the law: G. Zipf, Human Behavior and the Principle of Least Effort (1949).
 */
export function createChatTexts(vocabulary = 30_000): ChatTexts {
  const random = createRandom(7);
  const words = [...frequent, ...Array.from({ length: vocabulary - frequent.length }, () => coin(random))];
  const zipf = (draw: () => number): string => words[Math.floor(words.length ** draw()) - 1] ?? 'the';
  const topicWords = Array.from({ length: topics }, (_, topic) => {
    const own = createRandom(1000 + topic);
    return Array.from({ length: 60 }, () => words[frequent.length + Math.floor(own() ** 2 * 8000)] ?? 'thing');
  });
  const text = (draw: () => number, topic: number, length: number): string => {
    const own = topicWords[topic % topics] ?? [];
    const one = () => (draw() < 0.22 ? (own[Math.floor(draw() ** 2 * own.length)] ?? 'thing') : zipf(draw));
    return Array.from({ length }, one).join(' ');
  };
  return {
    message(number, topic) {
      const draw = createRandom(number * 2 + 1);
      // Log-normal: half of the messages have fewer than 24 words.
      const length = Math.round(Math.min(400, Math.max(3, 24 * Math.exp(0.6 * gaussian(draw)))));
      return `${sentences(text(draw, topic, length))}.`;
    },
    question(number, topic) {
      const draw = createRandom(-number - 1);
      return `what did i tell you about ${text(draw, topic, 4 + Math.floor(draw() * 4))}?`;
    },
  };
}

function coin(random: () => number): string {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const syllables = 1 + Math.floor(random() * 3);
  return Array.from({ length: syllables }, () => pick(onsets) + pick(vowels) + pick(codas)).join('');
}

function sentences(text: string): string {
  return text.replaceAll(/((?:\S+ ){11})/g, (part: string) => `${part.trimEnd()}. `);
}

/** Box and Muller. */
function gaussian(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}
