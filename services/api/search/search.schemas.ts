import { z } from '@hono/zod-openapi';
import { hasAtMostJsonBytes } from '../cost/json-size.ts';
import {
  conversationIdSchema,
  createMetadataSchema,
  importanceSchema,
  instantSchema,
  nameOfTheServiceBefore,
  numberFromText,
  roleSchema,
  tenantIdSchema,
  timeZoneSchema,
} from '../http/field.schemas.ts';
import { cursorLength } from './query/cursor.ts';
import { maxPagedHits } from './query/page.ts';
import { parseMetadataFilter } from './query/parse-metadata-filter.ts';
import {
  checkClauses,
  clausesField,
  queryField,
  syntaxField,
  vectorField,
  type AskedText,
} from './query/query-text.schemas.ts';
import { timeWordCharacters } from './query/time-words.ts';
import { decayModes, defaultCandidateLimit, searchModes } from './query/search-request.ts';
import { decimal, roleWeightsField, shareField, weightsField } from './query/ranking.schemas.ts';

/** A whole number in a range, and how the description says so. */
function whole(min: number, max: number) {
  const problem = `must be ${min} to ${max}`;
  return z.int('must be a whole number').min(min, problem).max(max, problem);
}

const modeField = z.enum(searchModes).default('hybrid');
const topKField = whole(1, 100);
const candidateLimitField = whole(1, 1000);
const neighboursField = whole(0, 10);
const similarityField = decimal(-1, 1);
const greatestGroupSize = 10;
const mostGrouped = 100;
export const defaultGroupSize = 3;
const groupSizeField = whole(1, greatestGroupSize);
const halfLifeField = decimal(0.01, 36_500);
const decayModeField = z.enum(decayModes).default('half_life').openapi({
  description: 'legacy: 1/e after seven days, as the service before. none: nothing fades, decay is 1.',
});

/** What each of these says in the description, wherever it stands. */
const described = {
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
  group_size: {
    type: 'integer',
    minimum: 1,
    maximum: greatestGroupSize,
    default: defaultGroupSize,
    description: 'Hits of each conversation. By itself it groups as group_by does.',
  },
  min_confidence: {
    type: 'number',
    minimum: 0,
    maximum: 1,
    example: 0.25,
    description:
      'Least confidence of a hit: with 0.25 most questions about something that was never said have none. See docs/ranking.md.',
  },
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
  importance_min: { type: 'number', minimum: 0, maximum: 1, example: 0.2 },
  importance_max: { type: 'number', minimum: 0, maximum: 1, example: 0.9 },
  collapse: {
    type: 'boolean',
    default: true,
    description: 'Whether hits that say the same are shown as one, with the number of the others in duplicates.',
  },
  rerank: {
    type: 'boolean',
    description:
      'Whether the best hits are put into order by the reranker. True is refused when none is configured; left out, it is used when there is one.',
    example: false,
  },
} as const;

const groupByField = z.enum(['conversation']).optional().openapi({
  example: 'conversation',
  description:
    'Shows the best hits of each of the top_k best conversations, conversation by conversation, and lists these in groups. There is one page of them.',
});

const rerankField = z.boolean().optional();

/** The same as text. */
const booleanText = z.enum(['true', 'false'], { error: 'must be true or false' }).transform((text) => text === 'true');

const cursorField = z.string().max(cursorLength(maxPagedHits), 'is too long for a cursor').optional().openapi({
  description: 'next_cursor of the page before; the rest of the request as before, but for top_k and neighbours.',
});

/** @param maxBytes of its JSON text, in UTF-8. */
function createFilterField(maxBytes: number) {
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

/** What both ways of asking have in common. */
const common = {
  tenant_id: tenantIdSchema.optional(),
  query: queryField,
  query_syntax: syntaxField,
  mode: modeField,
  conversation_id: conversationIdSchema.optional(),
  role: roleSchema.optional(),
  created_after: instantSchema.optional().openapi({ description: 'Inclusive.', example: '2026-01-01T00:00:00.000Z' }),
  created_before: instantSchema.optional().openapi({ description: 'Exclusive.', example: '2030-01-01T00:00:00.000Z' }),
  reference_time: instantSchema.optional().openapi({
    description: `The moment from which times in the query count, such as last week; the moment of the search if left out. Times are read in the first ${timeWordCharacters} characters.`,
    example: '2026-06-10T12:00:00.000Z',
  }),
  timezone: timeZoneSchema.default('UTC').openapi({ description: 'Where the days of these times begin and end.' }),
  decay_mode: decayModeField,
  cursor: cursorField,
};

interface Checked extends AskedText {
  readonly top_k: number;
  readonly group_by?: string | undefined;
  readonly group_size?: number | undefined;
  readonly cursor?: string | undefined;
  readonly rerank?: boolean | undefined;
  readonly diversity?: number | undefined;
  readonly mode: string;
  readonly decay_mode: string;
  readonly importance_min?: number | undefined;
  readonly min_importance?: number | undefined;
  readonly half_life_days?: number | undefined;
  readonly similarity_min?: number | undefined;
  readonly vector?: readonly number[] | null | undefined;
}

/** Fields that cannot be sent together. */
function checkTogether(value: Checked, context: z.core.$RefinementCtx): void {
  const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
  checkClauses(value, refuse);
  checkGroups(value, refuse);
  if (value.importance_min !== undefined && value.min_importance !== undefined) {
    refuse('min_importance', 'is another name of importance_min: send one of the two');
  }
  if (value.half_life_days !== undefined && value.decay_mode !== 'half_life') {
    refuse('half_life_days', `means nothing with the decay_mode ${value.decay_mode}`);
  }
  if (value.similarity_min !== undefined && value.mode === 'lexical') {
    refuse('similarity_min', 'means nothing with the mode lexical, which compares words alone');
  }
  if (value.vector && value.mode === 'lexical') {
    refuse('vector', 'means nothing with the mode lexical, which compares words alone');
  }
}

function checkGroups(value: Checked, refuse: (name: string, message: string) => void): void {
  const { group_by: groupBy, group_size: size, top_k: groups } = value;
  if (groupBy === undefined && size === undefined) return;
  const hits = groups * (size ?? defaultGroupSize);
  const field = size === undefined ? 'top_k' : 'group_size';
  if (hits > mostGrouped) refuse(field, `makes ${hits} grouped hits: at most ${mostGrouped} are shown`);
  if ((value.diversity ?? 0) > 0) refuse('diversity', 'cannot be combined with group_by');
  if (value.cursor !== undefined) refuse('cursor', 'cannot be combined with group_by, which has one page');
  if (value.rerank === true) refuse('rerank', 'cannot be combined with group_by');
}

const importanceFromText = numberFromText(importanceSchema).optional();

export const searchQuerySchema = z
  .strictObject({
    ...common,
    top_k: numberFromText(topKField).default(5).openapi(described.top_k),
    candidate_limit: numberFromText(candidateLimitField)
      .default(defaultCandidateLimit)
      .openapi(described.candidate_limit),
    importance_min: importanceFromText.openapi(described.importance_min),
    min_importance: nameOfTheServiceBefore(importanceFromText.openapi(described.importance_min), 'importance_min'),
    importance_max: importanceFromText.openapi(described.importance_max),
    neighbours: numberFromText(neighboursField).default(0).openapi(described.neighbours),
    group_by: groupByField,
    group_size: numberFromText(groupSizeField).optional().openapi(described.group_size),
    similarity_min: numberFromText(similarityField).optional().openapi(described.similarity_min),
    score_min: numberFromText(shareField).optional().openapi(described.score_min),
    min_confidence: numberFromText(shareField).optional().openapi(described.min_confidence),
    diversity: numberFromText(shareField).default(0).openapi(described.diversity),
    half_life_days: numberFromText(halfLifeField).optional().openapi(described.half_life_days),
    collapse: booleanText.default(true).openapi(described.collapse),
    rerank: booleanText.optional().openapi(described.rerank),
  })
  .superRefine(checkTogether);

const oneOrMore = <Schema extends z.ZodType>(schema: Schema) =>
  z.array(schema).min(1, 'must name at least one').max(100, 'must name at most 100');

/** @param maxMetadataBytes of the JSON text of what is asked about metadata, in UTF-8. */
export function createSearchBodySchema(maxMetadataBytes: number) {
  return z
    .strictObject({
      ...common,
      vector: vectorField,
      top_k: topKField.default(5),
      candidate_limit: candidateLimitField.default(defaultCandidateLimit),
      conversation_ids: oneOrMore(conversationIdSchema).optional(),
      roles: oneOrMore(roleSchema).optional(),
      importance_min: importanceSchema.optional().openapi(described.importance_min),
      min_importance: nameOfTheServiceBefore(importanceSchema.optional(), 'importance_min'),
      importance_max: importanceSchema.optional().openapi(described.importance_max),
      must: clausesField('Texts that every hit has: their words in this order, side by side.', ['red car']),
      must_not: clausesField('Texts that no hit has.', ['sail boat']),
      phrases: clausesField('Texts that are favoured: each counts as one more word.', ['by the sea']),
      metadata: createMetadataSchema(maxMetadataBytes)
        .optional()
        .openapi({ description: 'What the metadata of a hit must contain.' }),
      filter: createFilterField(maxMetadataBytes).optional(),
      neighbours: neighboursField.default(0).openapi(described.neighbours),
      group_by: groupByField,
      group_size: groupSizeField.optional().openapi(described.group_size),
      weights: weightsField.default({}),
      role_weights: roleWeightsField,
      similarity_min: similarityField.optional().openapi(described.similarity_min),
      score_min: shareField.optional().openapi(described.score_min),
      min_confidence: shareField.optional().openapi(described.min_confidence),
      diversity: shareField.default(0).openapi(described.diversity),
      half_life_days: halfLifeField.optional().openapi(described.half_life_days),
      collapse: z.boolean().default(true).openapi(described.collapse),
      rerank: rerankField.openapi(described.rerank),
    })
    .superRefine(checkTogether)
    .refine((value) => value.conversation_id === undefined || value.conversation_ids === undefined, {
      path: ['conversation_ids'],
      message: 'cannot be combined with conversation_id',
    })
    .refine((value) => value.role === undefined || value.roles === undefined, {
      path: ['roles'],
      message: 'cannot be combined with role',
    })
    .openapi('SearchRequest');
}

const exampleQuestion = { tenant_id: 'acme', query: 'Where does my sister live?' };

export const searchExamples = {
  plain: { summary: 'A question', value: exampleQuestion },
  filtered: {
    summary: 'With filters, and the messages around each hit',
    value: {
      ...exampleQuestion,
      top_k: 10,
      conversation_ids: ['chat-42', 'chat-43'],
      roles: ['user'],
      created_after: '2026-01-01T00:00:00.000Z',
      filter: {
        or: [
          { key: 'topic', in: ['work', 'family'] },
          { key: 'priority', gte: 2 },
        ],
      },
      neighbours: 2,
    },
  },
  ranked: {
    summary: 'With a ranking of its own',
    value: {
      ...exampleQuestion,
      weights: { relevance: 0.9, importance: 0.1, decay: 0 },
      similarity_min: 0.2,
      diversity: 0.3,
    },
  },
};
