import { z } from '@hono/zod-openapi';
import {
  conversationIdSchema,
  createMetadataSchema,
  importanceSchema,
  instantSchema,
  numberFromText,
  roleSchema,
  tenantIdSchema,
} from '../http/field.schemas.ts';
import {
  candidateLimitField,
  cursorField,
  decayModeField,
  described,
  createFilterField,
  halfLifeField,
  modeField,
  neighboursField,
  queryField,
  rerankField,
  rerankTextField,
  shareField,
  similarityField,
  topKField,
  weightsField,
} from './search-field.schemas.ts';
import { defaultCandidateLimit } from './search.ts';

/** What both ways of asking have in common. */
const common = {
  tenant_id: tenantIdSchema.optional(),
  query: queryField,
  mode: modeField,
  conversation_id: conversationIdSchema.optional(),
  role: roleSchema.optional(),
  created_after: instantSchema.optional().openapi({ description: 'Inclusive.' }),
  created_before: instantSchema.optional().openapi({ description: 'Exclusive.' }),
  decay_mode: decayModeField,
  cursor: cursorField,
};

interface Checked {
  readonly mode: string;
  readonly decay_mode: string;
  readonly importance_min?: number | undefined;
  readonly min_importance?: number | undefined;
  readonly half_life_days?: number | undefined;
  readonly similarity_min?: number | undefined;
}

/** Fields that cannot be sent together. */
function checkTogether(value: Checked, context: z.core.$RefinementCtx): void {
  const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
  if (value.importance_min !== undefined && value.min_importance !== undefined) {
    refuse('min_importance', 'is another name of importance_min: send one of the two');
  }
  if (value.half_life_days !== undefined && value.decay_mode !== 'half_life') {
    refuse('half_life_days', `means nothing with the decay_mode ${value.decay_mode}`);
  }
  if (value.similarity_min !== undefined && value.mode === 'lexical') {
    refuse('similarity_min', 'means nothing with the mode lexical, which compares words alone');
  }
}

const importanceFromText = numberFromText(importanceSchema).optional().openapi(described.importance);

export const searchQuerySchema = z
  .strictObject({
    ...common,
    top_k: numberFromText(topKField).default(5).openapi(described.top_k),
    candidate_limit: numberFromText(candidateLimitField)
      .default(defaultCandidateLimit)
      .openapi(described.candidate_limit),
    importance_min: importanceFromText,
    min_importance: importanceFromText,
    importance_max: importanceFromText,
    neighbours: numberFromText(neighboursField).default(0).openapi(described.neighbours),
    similarity_min: numberFromText(similarityField).optional().openapi(described.similarity_min),
    score_min: numberFromText(shareField).optional().openapi(described.score_min),
    diversity: numberFromText(shareField).default(0).openapi(described.diversity),
    half_life_days: numberFromText(halfLifeField).optional().openapi(described.half_life_days),
    rerank: rerankTextField.openapi(described.rerank),
  })
  .superRefine(checkTogether);

const oneOrMore = <Schema extends z.ZodType>(schema: Schema) =>
  z.array(schema).min(1, 'must name at least one').max(100, 'must name at most 100');

/** @param maxMetadataBytes of the JSON text of what is asked about metadata, in UTF-8. */
export function createSearchBodySchema(maxMetadataBytes: number) {
  return z
    .strictObject({
      ...common,
      top_k: topKField.default(5),
      candidate_limit: candidateLimitField.default(defaultCandidateLimit),
      conversation_ids: oneOrMore(conversationIdSchema).optional(),
      roles: oneOrMore(roleSchema).optional(),
      importance_min: importanceSchema.optional(),
      min_importance: importanceSchema.optional(),
      importance_max: importanceSchema.optional(),
      metadata: createMetadataSchema(maxMetadataBytes)
        .optional()
        .openapi({ description: 'What the metadata of a hit must contain.' }),
      filter: createFilterField(maxMetadataBytes).optional(),
      neighbours: neighboursField.default(0).openapi(described.neighbours),
      weights: weightsField.default({}),
      similarity_min: similarityField.optional().openapi(described.similarity_min),
      score_min: shareField.optional().openapi(described.score_min),
      diversity: shareField.default(0).openapi(described.diversity),
      half_life_days: halfLifeField.optional().openapi(described.half_life_days),
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
