import { besideExpensiveWork, type Attack, type AttackContext } from '../attack.ts';
import { exchange, flood, requestBytes } from '../connection.ts';
import { storeMessages, untilEmbedded } from './store-messages.ts';

// Refused as too much, answered, or sent away with Retry-After: never failed.
const refusedOrServed = ['200', '422', '429', '503', 'under way at the end'];
// Words that PostgreSQL's English dictionary leaves out.
const stopWords =
  `i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers
  herself it its itself they them their theirs themselves what which who whom this that these those am is are was were
  be been being have has had having do does did doing a an the and but if or because as until while of at by for with
  about against between into through during before after above below to from up down in out on off over under again
  further then once here there when where why how all any both each few more most other some such no nor not only own
  same so than too very s t can will just don should now`.split(/\s+/);
const maxQueryCharacters = 10_000;
const sideBySide = 20;

const search = (context: AttackContext, body: object): Buffer =>
  requestBytes({ method: 'POST', path: '/v1/memory/search', key: context.keys.attacker, body });

/** As many of the words as a query may be long. */
function longest(first: string, words: Iterable<string>): string {
  let query = first;
  for (const word of words) {
    if (query.length + 1 + word.length > maxQueryCharacters) break;
    query += ` ${word}`;
  }
  return query;
}

function* repeated(words: readonly string[]): Generator<string> {
  for (;;) yield* words;
}

function* differentWords(count: number): Generator<string> {
  for (let n = 0; n < count; n += 1) yield (n + 46_656).toString(36).slice(-3);
}

async function shortMessages(context: AttackContext): Promise<void> {
  await storeMessages(context, 3000, (n) => ({
    content: `Note ${n}: the apple tree of my aunt bears ${n % 90} kilos, she said to me.`,
    metadata: { topic: `topic-${n % 7}`, number: n },
  }));
  await untilEmbedded(context);
}

/** The most conditions and values that a filter may have, none of which an index answers. */
const worstFilter = {
  or: Array.from({ length: 40 }, (_, n) => ({
    key: ['a', 'b', `c${n}`],
    in: ['x', 'y', 'z', n],
  })),
};

const worstOptions = { top_k: 100, candidate_limit: 1000, neighbours: 10, diversity: 1 };

export const attacks: readonly Attack[] = [
  {
    name: 'as many excluded stop words as a query may be long, 20 side by side',
    seconds: 8,
    prepare: shortMessages,
    run: (context) => {
      const query = longest('apple', repeated(stopWords.map((word) => `-${word}`)));
      return flood(context, sideBySide, [search(context, { query, query_syntax: 'operators' })]);
    },
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
  {
    name: '31 excluded stop words, 20 side by side',
    seconds: 8,
    prepare: shortMessages,
    run: (context) => {
      const excluded = stopWords.slice(0, 31).map((word) => `-${word}`);
      return flood(context, sideBySide, [
        search(context, { query: `apple ${excluded.join(' ')}`, query_syntax: 'operators' }),
      ]);
    },
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
  {
    name: 'the longest phrase, required, 20 side by side',
    seconds: 8,
    prepare: shortMessages,
    run: (context) => {
      const phrase = longest('the apple', repeated(['tree', 'of', 'my', 'aunt', 'bears'])).slice(0, -3);
      return flood(context, sideBySide, [search(context, { query: `+"${phrase}"`, query_syntax: 'operators' })]);
    },
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
  {
    name: 'the most conditions, candidates, hits and neighbours, 20 side by side',
    seconds: 8,
    prepare: shortMessages,
    run: (context) =>
      flood(context, sideBySide, [
        search(context, { query: 'apple tree of my aunt', filter: worstFilter, ...worstOptions }),
        search(context, { query: 'apple tree of my aunt', ...worstOptions }),
      ]),
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
  {
    name: '2500 different words over 70 messages of 30 kB',
    seconds: 8,
    prepare: async (context) => {
      const words = [...differentWords(30_000)];
      await storeMessages(context, 70, (n) => ({ content: words.slice(n * 300, n * 300 + 7500).join(' ') }));
      await untilEmbedded(context);
    },
    run: async (context) => {
      const request = search(context, { query: longest('abc', differentWords(2500)), mode: 'lexical' });
      const { outcome } = await exchange(context, request);
      context.count(outcome);
      await flood(context, 4, [request]);
    },
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
  {
    name: 'all that a search may ask for, over 600 messages of 30 kB, 20 side by side',
    seconds: 8,
    prepare: async (context) => {
      const words = [...differentWords(30_000)];
      await storeMessages(context, 600, (n) => ({
        content: words.slice((n % 70) * 300, (n % 70) * 300 + 7500).join(' '),
      }));
      await untilEmbedded(context);
    },
    run: (context) => {
      const query = [...differentWords(32)].join(' ');
      return flood(context, sideBySide, [search(context, { query, ...worstOptions })]);
    },
    outcomes: refusedOrServed,
    latency: besideExpensiveWork,
  },
];
