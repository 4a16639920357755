import { z } from '@hono/zod-openapi';
import { hasAtMostJsonBytes } from '../cost/json-size.ts';
import { hasAtMost, textProblem } from '../http/field.schemas.ts';
import { parseMetadataFilter } from './filter/parse-metadata-filter.ts';
import { clauseProblem, parseSearchText } from './lexical/search-text.ts';
import { cursorLength } from './page/search-cursor.ts';
import { maxPagedHits } from './page/search-page.ts';
import { decayModes } from './ranking/decay.ts';
import { defaultCandidateLimit, searchModes } from './search.ts';

const maxQueryCharacters = 10_000;

export const queryField = z
  .string()
  .superRefine((text, context) => {
    const problem = textProblem(text) ?? lengthProblem(text) ?? clauseProblem(parseSearchText(text));
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({
    minLength: 1,
    maxLength: maxQueryCharacters,
    description:
      'What to look for. `+"a phrase"` must be in a hit; `-word` and `-"a phrase"` must not; `"a phrase"` is favoured, and must be there when the query has nothing else. At most 32 of them.',
    example: 'Where does my sister live?',
  });

function lengthProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be blank';
  return hasAtMost(text, maxQueryCharacters) ? undefined : `must have at most ${maxQueryCharacters} characters`;
}

/** A whole number in a range, and how the description says so. */
function whole(min: number, max: number) {
  const problem = `must be ${min} to ${max}`;
  return z.int('must be a whole number').min(min, problem).max(max, problem);
}

function decimal(min: number, max: number) {
  const problem = `must be ${min} to ${max}`;
  return z.number().min(min, problem).max(max, problem);
}

export const modeField = z.enum(searchModes).default('hybrid');
export const topKField = whole(1, 100);
export const candidateLimitField = whole(1, 1000);
export const neighboursField = whole(0, 10);
export const similarityField = decimal(-1, 1);
export const shareField = decimal(0, 1);
export const halfLifeField = decimal(0.01, 36_500);
export const decayModeField = z.enum(decayModes).default('half_life').openapi({
  description: 'legacy: 1/e after seven days, as the service before. none: nothing fades, decay is 1.',
});

/** What each of these says in the description, wherever it stands. */
export const described = {
  top_k: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
  candidate_limit: { type: 'integer', minimum: 1, maximum: 1000, default: defaultCandidateLimit },
  neighbours: {
    type: 'integer',
    minimum: 0,
    maximum: 10,
    default: 0,
    description: 'So many messages before and after each hit are shown with it.',
  },
  similarity_min: {
    type: 'number',
    minimum: -1,
    maximum: 1,
    example: 0.3,
    description: 'Least plain cosine similarity of a hit. What is not embedded has none, so it is no hit.',
  },
  score_min: { type: 'number', minimum: 0, maximum: 1, example: 0.4, description: 'Least score of a hit.' },
  diversity: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'How much hits are to differ from those before them: 0 not at all, 1 as much as they can.',
  },
  half_life_days: {
    type: 'number',
    minimum: 0.01,
    maximum: 36_500,
    example: 30,
    description: 'Age at which decay is one half; the configured one if left out.',
  },
  importance: { type: 'number', minimum: 0, maximum: 1, example: 0.5 },
  rerank: {
    type: 'boolean',
    description:
      'Whether the best hits are put into order by the reranker. True is refused when none is configured; left out, it is used when there is one.',
    example: false,
  },
} as const;

export const rerankField = z.boolean().optional();

/** The same as text. */
export const rerankTextField = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true')
  .optional();

export const cursorField = z.string().max(cursorLength(maxPagedHits), 'is too long for a cursor').optional().openapi({
  description: 'next_cursor of the page before; the rest of the request as before, but for top_k and neighbours.',
  example: 'AQGb9VwCAAGaIHBP_4cqGT2bPuqHgFghT2K3jpR0PpL9LZ4gBCnZbx4iiA',
});

const weight = z
  .number()
  .min(0, 'must be 0 to 1000')
  .max(1000, 'must be 0 to 1000')
  .optional()
  .openapi({ example: 0.5 });

export const weightsField = z
  .strictObject({
    relevance: weight,
    importance: weight,
    decay: weight,
    vector: weight,
    lexical: weight,
    speaker: weight,
    substance: weight,
    context: weight,
    date: weight,
  })
  .openapi({
    description:
      'Parts of the score (relevance, importance, decay), parts of the relevance (vector, lexical, speaker, substance), and strengths, 1 as measured (context, date); what is left out is as configured. See docs/ranking.md.',
  });

/** @param maxBytes of its JSON text, in UTF-8. */
export function createFilterField(maxBytes: number) {
  return z
    .unknown()
    .transform((value, context) => {
      if (!hasAtMostJsonBytes(value, maxBytes)) {
        context.addIssue({ code: 'custom', message: `is larger than ${maxBytes} bytes as JSON` });
        return z.NEVER;
      }
      const parsed = parseMetadataFilter(value);
      if (parsed.ok) return parsed.filter;
      for (const { path, message } of parsed.problems) context.addIssue({ code: 'custom', path: [...path], message });
      return z.NEVER;
    })
    .openapi({
      type: 'object',
      additionalProperties: true,
      description:
        'What must hold for the metadata of a hit: {"key": "a.b", OPERATOR: VALUE, …} with eq, ne, in, gt, gte, lt, lte, exists; {"and": […]}, {"or": […]}, {"not": {…}}. See docs/search.md.',
      example: {
        and: [
          { key: 'topic', in: ['work', 'family'] },
          { key: 'due', lt: '2026-07-01' },
        ],
      },
    });
}
