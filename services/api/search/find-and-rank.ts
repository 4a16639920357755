import type { GiveWay } from '../cost/give-way.ts';
import { planOfTime } from './plan/time-plan.ts';
import { scoredAtMost } from './plan/lexical-plan.ts';
import type { PlannedSearch } from './plan/search-planner.ts';
import { createSearchPlan, type SearchPlan } from './plan/search-plan.ts';
import type { QueryForm } from './query/query-form.ts';
import type { Candidate } from './ranking/candidate.ts';
import { alikeCandidates, collapse, uncollapsed, type FoundHits } from './ranking/collapse.ts';
import { diversify } from './ranking/diversity.ts';
import { createEchoTest, mayEcho, textKey } from './ranking/echo.ts';
import { rank, type RankedCandidate, type RankingOptions } from './ranking/rank.ts';
import { ownRelevance } from './ranking/relevance.ts';
import type { CandidateReader } from './candidate-reader.ts';
import type { SearchRepository } from './sql/search.repository.ts';

export interface FindOptions extends Omit<RankingOptions, 'echoes'> {
  /** The query as it was sent. */
  readonly query: string;
  /** Number of the best candidates that are ranked with their neighbours. */
  readonly neighbourhoods: number;
  /** Hits that will be shown, those of earlier pages included. */
  readonly count: number;
  /** Hits that are needed, for the reranker too, those of earlier pages included. */
  readonly wanted: number;
  /** Any of them may be shown, however far down: the best of each conversation are. */
  readonly isGrouped: boolean;
  /** Whether hits that say the same are shown as one. */
  readonly collapse: boolean;
  readonly isShown: (id: string) => boolean;
  /** Between two statements. */
  readonly giveWay: GiveWay;
}

// Best candidates among which diversity chooses. Each is compared with each chosen one.
const diverseCandidates = 100;
// Best candidates that may repeat the query. In the mode `vector` the scores exclude none.
const mayEchoCandidates = 100;
// When repeated texts leave a page short, one more search takes this many times the candidates.
const widening = 5;
const mostCandidates = 1000;

/** Everything that may be shown, best first: each text once and diversified, as the options say. */
export function findAndRank(
  readCandidates: CandidateReader,
  planned: PlannedSearch,
  options: FindOptions,
): Promise<FoundHits> {
  const { plan, parts } = planned;
  return readCandidates(plan, async (repository) => {
    const narrow = await find(repository, planned, plan, options);
    const limit = scoredAtMost(Math.min(mostCandidates, plan.limit * widening), parts.lexical.statistics);
    const isShort = narrow.isFull && narrow.ranked.length < options.wanted;
    const isCollapsed =
      narrow.repeatIds.length > 0 || narrow.ranked.some(({ duplicateIds }) => duplicateIds.length > 0);
    const isWidened = isShort && isCollapsed && limit > plan.limit;
    const found = isWidened ? await find(repository, planned, createSearchPlan({ ...parts, limit }), options) : narrow;
    return { ...found, ranked: await diversified(repository, plan, found.ranked, options) };
  });
}

async function find(
  repository: SearchRepository,
  { parts }: PlannedSearch,
  plan: SearchPlan,
  options: FindOptions,
): Promise<FoundHits> {
  const ofTime = options.weights.time > 0 ? planOfTime(parts, options.time) : undefined;
  const [found, saidThen] = await Promise.all([
    repository.findCandidates(plan),
    ofTime === undefined ? [] : repository.findCandidates(ofTime),
  ]);
  await options.giveWay();
  const first = withoutRepeats([...found, ...saidThen]);
  const around = await repository.findNeighbourhood(plan, mostPromising(first, options));
  await options.giveWay();
  const candidates = withoutRepeats([...first, ...around.candidates]);
  const rankWith = (echoes: ReadonlySet<string>) => rank(candidates, around.neighbourhood, { ...options, echoes });
  const ranked = rankWith(new Set());
  const { echoes, keyOf } = await compareTexts(repository, plan, { ranked, candidates, options });
  const reranked = echoes.size === 0 ? ranked : rankWith(echoes);
  const collapsed = options.collapse ? collapse(reranked, keyOf, options.isShown) : uncollapsed(reranked);
  return { ...collapsed, isFull: found.length >= plan.limit };
}

interface Compared {
  /** Ids of questions that repeat the query. */
  readonly echoes: ReadonlySet<string>;
  /** Equal for candidates that say the same; undefined for a candidate whose text was not read. */
  readonly keyOf: (id: string) => string | undefined;
}

interface ComparedParts {
  readonly ranked: readonly RankedCandidate[];
  readonly candidates: readonly Candidate[];
  readonly options: FindOptions;
}

/** Reads the texts of candidates that may say the same as others or as the query: few or none in most searches. */
async function compareTexts(
  repository: SearchRepository,
  plan: SearchPlan,
  { ranked, candidates, options }: ComparedParts,
): Promise<Compared> {
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const repeatsQuery = options.weights.echo > 0 ? createEchoTest(options.query) : undefined;
  const suspects = repeatsQuery === undefined ? [] : suspectedEchoes(ranked, byId, options.form);
  // A candidate that repeats the query ranks lower, and another one takes its place.
  const shown = options.wanted + suspects.length + 1;
  const compared = options.diversity > 0 ? Math.max(diverseCandidates, shown) : shown;
  const groups = options.isGrouped ? ranked.length : compared;
  const alike = options.collapse ? alikeCandidates(ranked, byId, groups) : [];
  const ids = [...new Set([...suspects, ...alike])];
  const rows = await repository.listTexts({ tenant: plan.tenant, ids, signal: plan.signal });
  const contents = new Map(rows.flatMap(({ hash, content }) => (content === null ? [] : [[hash, content] as const])));
  const keys = new Map([...contents].map(([hash, content]) => [hash, textKey(content)]));
  const hashes = new Map(rows.map(({ id, hash }) => [id, hash]));
  const isEcho = (id: string) => repeatsQuery?.(contents.get(hashes.get(id) ?? '') ?? '') === true;
  return {
    echoes: new Set(suspects.filter(isEcho)),
    keyOf: (id) => {
      const hash = hashes.get(id);
      // `I live in Lisbon.` says something else when another speaker says it.
      return hash === undefined ? undefined : JSON.stringify([byId.get(id)?.speaker, keys.get(hash) ?? { hash }]);
    },
  };
}

function suspectedEchoes(
  ranked: readonly RankedCandidate[],
  byId: ReadonlyMap<string, Candidate>,
  { words, asksForInstructions }: QueryForm,
): string[] {
  // A question is no instruction: it lacks the term of those.
  const missing = asksForInstructions ? 1 : 0;
  return ranked.slice(0, mayEchoCandidates).flatMap(({ id }) => {
    const candidate = byId.get(id);
    return candidate !== undefined && mayEcho(candidate, words.size, missing) ? [id] : [];
  });
}

/** Orders candidates by diversity, if the options ask for it. */
async function diversified<Item extends RankedCandidate>(
  repository: SearchRepository,
  { tenant, generation, signal }: SearchPlan,
  ranked: readonly Item[],
  { diversity, count }: FindOptions,
): Promise<readonly Item[]> {
  if (diversity === 0 || ranked.length < 2) return ranked;
  const compared = ranked.slice(0, diverseCandidates);
  const ids = compared.map((candidate) => candidate.id);
  const vectors = await repository.listMeanVectors({
    tenantId: tenant.id,
    partition: tenant.partition,
    generation,
    ids,
    signal,
  });
  return [...diversify(compared, vectors, { diversity, count }), ...ranked.slice(diverseCandidates)];
}

function mostPromising(candidates: readonly Candidate[], options: FindOptions): string[] {
  if (options.weights.context === 0) return [];
  return (
    [...ownRelevance(candidates, { ...options, echoes: new Set() })]
      // Ties by id, since rows come in any order: pages choose the same.
      .toSorted(([id, a], [otherId, b]) => b - a || (id < otherId ? -1 : 1))
      .slice(0, options.neighbourhoods)
      .map(([id]) => id)
  );
}

function withoutRepeats(candidates: readonly Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.id, candidate])).values()];
}
