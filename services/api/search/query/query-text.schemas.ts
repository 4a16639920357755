import { z } from '@hono/zod-openapi';
import { requestLimits } from '../../cost/request-cost.ts';
import { hasAtMost, textProblem } from '../../http/field.schemas.ts';
import { withFewMarks } from '../../words/letters.ts';
import { clauseProblem, querySyntaxes, toSearchText, type QuerySyntax } from './parse-query.ts';

const maxQueryCharacters = 10_000;
// The model reads a query in compatibility forms (NFKC), in which one character may become eighteen, and a mark two.
const maxReadCharacters = 2 * maxQueryCharacters;

export const queryField = z
  .string()
  .superRefine((text, context) => {
    const problem = textProblem(text) ?? lengthProblem(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .openapi({
    minLength: 1,
    maxLength: maxQueryCharacters,
    description:
      'A question, a sentence or some words. Quoted phrases are favoured. Nothing in it is an operator, unless query_syntax says so.',
    example: 'Where does my sister live?',
  });

export const syntaxField = z.enum(querySyntaxes).default('text').openapi({
  description:
    'operators: in the query, `+"a phrase"` must be in a hit; `-word` and `-"a phrase"` must not; `"a phrase"` is favoured, and must be there when the query has nothing else.',
});

// As many components as the largest models give.
const maxComponents = 4096;

export const vectorField = z
  .array(z.number().openapi({ example: 0.0381 }))
  .min(1, 'must have the number of components that the model has')
  .max(maxComponents, `must have at most ${maxComponents} components`)
  .refine((components) => components.every((value) => Number.isFinite(Math.fround(value))), {
    error: 'has a component that single precision cannot hold',
  })
  .refine((components) => components.some((value) => Math.fround(value) !== 0), { error: 'has no direction' })
  .nullable()
  .default(null)
  .openapi({
    description:
      "The vector of the query, of any length, made by the model that the messages' vectors are of: nothing is embedded for this search. Without it the query is embedded.",
  });

const maxClauseCharacters = 1000;

/** Texts of one kind of clause. */
export function clausesField(description: string, example: string[]) {
  const clause = z
    .string()
    .superRefine((text, context) => {
      const problem = textProblem(text) ?? clauseLengthProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    })
    .openapi({ minLength: 1, maxLength: maxClauseCharacters, example: example[0] });
  const { queryClauses } = requestLimits;
  return z
    .array(clause)
    .max(queryClauses, `must have at most ${queryClauses} texts`)
    .optional()
    .openapi({ description, example });
}

function clauseLengthProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be blank';
  return hasAtMost(text, maxClauseCharacters) ? undefined : `must have at most ${maxClauseCharacters} characters`;
}

function lengthProblem(text: string): string | undefined {
  if (text.trim() === '') return 'must not be blank';
  if (!hasAtMost(text, maxQueryCharacters)) return `must have at most ${maxQueryCharacters} characters`;
  const isReadable = hasAtMost(withFewMarks(text).normalize('NFKC'), maxReadCharacters);
  return isReadable ? undefined : `must have at most ${maxReadCharacters} characters once it is normalised (NFKC)`;
}

/** The fields of a search that hold text. */
export interface AskedText {
  readonly query: string;
  readonly query_syntax: QuerySyntax;
  readonly must?: readonly string[] | undefined;
  readonly must_not?: readonly string[] | undefined;
  readonly phrases?: readonly string[] | undefined;
}

/** Refuses too many clauses, in the query and in the lists together. */
export function checkClauses(
  { query, query_syntax: syntax, must = [], must_not: mustNot = [], phrases = [] }: AskedText,
  refuse: (name: string, message: string) => void,
): void {
  const problem = clauseProblem(toSearchText({ query, syntax, must, mustNot, phrases }));
  if (problem !== undefined) refuse(syntax === 'operators' ? 'query' : 'must', problem);
}
