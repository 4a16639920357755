import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSingleMessageSchema } from '../message/message.schemas.ts';
import { toFieldErrors } from './validation-hook.ts';

const schema = createSingleMessageSchema(1000);

const instant = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.string(),
  fc.constant(null),
);
const content = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.oneof(fc.record({ type: fc.constantFrom('text', 'image_url'), text: fc.string() }), fc.jsonValue())),
  fc.jsonValue(),
);
/** Messages that are nearly right, whatever is wrong with them, and things that are none. */
const bodies = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record(
      {
        tenant_id: fc.oneof(fc.constant('acme'), fc.string()),
        conversation_id: fc.oneof(fc.constant('c'), fc.string()),
        role: fc.oneof(fc.constantFrom('user', 'assistant', 'tool', 'developer', 'function'), fc.jsonValue()),
        content,
        metadata: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
        importance: fc.oneof(fc.double(), fc.jsonValue()),
        importance_override: fc.option(fc.double({ min: -1, max: 2 })),
        created_at: instant,
        expires_at: instant,
        external_id: fc.oneof(fc.string(), fc.jsonValue()),
        on_conflict: fc.oneof(fc.constantFrom('error', 'ignore', 'update'), fc.jsonValue()),
        tool_calls: fc.jsonValue(),
        unknown: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue() },
);

test('a body checked at once is taken for the same, and refused for the same reasons, as one checked in promises', async () => {
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      const [atOnce, inPromises] = [schema.safeParse(body), await schema.safeParseAsync(body)];
      const errorsOf = ({ error }: typeof atOnce) => error && toFieldErrors(error, 'body');
      expect({ data: atOnce.data, errors: errorsOf(atOnce) }).toEqual({
        data: inPromises.data,
        errors: errorsOf(inPromises),
      });
    }),
    { numRuns: 2000 },
  );
});
