import { describe, expect, test } from 'vitest';
import { operationsOf, readApiDocument } from './api-operations.ts';
import { attackTable, uncovered } from './attack-table.ts';

// oxlint-disable-next-line typescript/no-explicit-any
type Editable = any;

/** What the table lacks for docs/openapi.json with one thing changed. */
function uncoveredIn(edit: (document: Editable) => void): string[] {
  const document: Editable = structuredClone(readApiDocument());
  edit(document);
  return uncovered(operationsOf(document), attackTable);
}

test('security: the table of attacks speaks of every operation, parameter and field of docs/openapi.json', () => {
  expect(operationsOf(readApiDocument()).length).toBeGreaterThan(15);
  expect(uncoveredIn(() => undefined)).toEqual([]);
});

describe('security: the build fails for', () => {
  test.each<[string, (document: Editable) => void, readonly string[]]>([
    [
      'a new operation',
      (d) => (d.paths['/v1/notes'] = { get: { operationId: 'listNotes', parameters: [] } }),
      ['listNotes: has no row'],
    ],
    [
      'a new parameter',
      (d) => d.paths['/v1/messages'].get.parameters.push({ name: 'thread_id', in: 'query' }),
      ['listMessages: query thread_id has no row'],
    ],
    [
      'a new header field',
      (d) => d.paths['/v1/events'].get.parameters.push({ name: 'X-Place', in: 'header' }),
      ['streamEvents: header X-Place has no row'],
    ],
    [
      'a new field of a body',
      (d) => (d.components.schemas.EmbeddingRetryRequest.properties.run_id = { type: 'string' }),
      ['retryFailedEmbeddings: body /run_id has no row'],
    ],
    [
      'a new field within the items of a list',
      (d) => (d.components.schemas.MessageCreate.properties.reply_to = { type: 'string' }),
      ['createMessages: body /messages/*/reply_to has no row'],
    ],
    [
      'a parameter that became an object',
      (d) =>
        (d.components.schemas.SearchRequest.properties.conversation_id = {
          properties: { id: { type: 'string' } },
        }),
      ['searchMemory: body /conversation_id/id has no row'],
    ],
    ['an operation that is gone', (d) => delete d.paths['/v1/events'], ['streamEvents: is not there']],
  ])('%s', (_, edit, expected) => {
    const before = new Set(uncoveredIn(() => undefined));
    expect(uncoveredIn(edit).filter((one) => !before.has(one))).toEqual(expected);
  });

  test('but not for a field within one that names nothing', () => {
    const edit = (d: Editable): void => {
      d.components.schemas.SearchRequest.properties.weights.properties.mood = { type: 'number' };
    };
    expect(uncoveredIn(edit)).toEqual(uncoveredIn(() => undefined));
  });
});
