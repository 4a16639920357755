import { z } from '@hono/zod-openapi';

export function decimal(min: number, max: number) {
  const problem = `must be ${min} to ${max}`;
  return z.number().min(min, problem).max(max, problem);
}

export const shareField = decimal(0, 1);

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
    length: weight,
    role: weight,
    recency: weight,
    session: weight,
    context: weight,
    date: weight,
    time: weight,
    echo: weight,
  })
  .openapi({
    description:
      'Parts of the score (relevance, importance, decay), parts of the relevance (vector, lexical, speaker, length, role, recency, session), and strengths, 1 as measured (context, date, time, echo); what is left out is as configured. See docs/ranking.md.',
  });

export const roleWeightsField = z
  .strictObject({
    user: shareField.optional().openapi({ example: 1 }),
    assistant: shareField.optional().openapi({ example: 0.2 }),
    system: shareField.optional().openapi({ example: 0.5 }),
    tool: shareField.optional().openapi({ example: 0 }),
  })
  .optional()
  .openapi({
    description:
      'What messages of each role gain, 0 to 1, times weights.role; a role that is left out gains nothing. Without it, users’ messages gain where the replies of the assistant are much longer.',
    example: { user: 1, assistant: 0.2 },
  });
