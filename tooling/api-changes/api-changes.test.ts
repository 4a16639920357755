import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { breakingChanges, type ApiDocument, type BreakingChange } from './breaking-changes.ts';
import { breakingItems, unnamedChanges } from './named-changes.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const parse = (name: string): ApiDocument => JSON.parse(read(name)) as ApiDocument;
const text = ({ operation, subject, what }: BreakingChange): string => `${operation}: ${subject} ${what}`;

const released = parse('docs/openapi.released.json');

test('what docs/openapi.json breaks of the last release is named under "Breaking" in CHANGELOG.md', () => {
  expect(Object.keys(released.paths).length).toBeGreaterThan(10);
  const changes = breakingChanges(released, parse('docs/openapi.json'));
  expect(unnamedChanges(changes, read('CHANGELOG.md')).map(text)).toEqual([]);
});

/** The released document with one thing changed. */
function changed(edit: (document: Editable) => void): ApiDocument {
  const copy = structuredClone(released) as unknown as Editable;
  edit(copy);
  return copy;
}

// oxlint-disable-next-line typescript/no-explicit-any
type Editable = any;
const search = (document: Editable): Editable => document.paths['/v1/memory/search'].get;
const parameter = (document: Editable, name: string): Editable =>
  search(document).parameters.find((one: { name: string }) => one.name === name);
const schema = (document: Editable, name: string): Editable => document.components.schemas[name];

describe('is breaking', () => {
  test.each<[string, (document: Editable) => void, string]>([
    ['a path that is gone', (d) => delete d.paths['/v1/events'], 'GET /v1/events:  is gone'],
    ['a method that is gone', (d) => delete d.paths['/v1/messages/{id}'].delete, 'DELETE /v1/messages/{id}:  is gone'],
    ['another operationId', (d) => (search(d).operationId = 'find'), 'GET /v1/memory/search: operationId is find now'],
    [
      'a key where none was asked for',
      (d) => (d.paths['/livez'].get.security = [{ apiKey: [] }]),
      'GET /livez: security asks for a key now',
    ],
    ['a parameter that is gone', (d) => search(d).parameters.pop(), 'GET /v1/memory/search: rerank is gone'],
    [
      'a parameter that is required now',
      (d) => (parameter(d, 'mode').required = true),
      'GET /v1/memory/search: mode is required now',
    ],
    [
      'a new parameter that is required',
      (d) => search(d).parameters.push({ name: 'new', in: 'query', required: true, schema: { type: 'string' } }),
      'GET /v1/memory/search: new is required now',
    ],
    [
      'a narrower limit',
      (d) => (parameter(d, 'top_k').schema.maximum = 20),
      'GET /v1/memory/search: top_k (request) has maximum 20 now',
    ],
    [
      'a value of an enumeration that is gone',
      (d) => parameter(d, 'mode').schema.enum.shift(),
      'GET /v1/memory/search: mode (request) may not be "hybrid" now',
    ],
    [
      'an enumeration where there was none',
      (d) => (parameter(d, 'query').schema.enum = ['a']),
      'GET /v1/memory/search: query (request) may only be ["a"] now',
    ],
    [
      'a type that is not taken now',
      (d) => (schema(d, 'SearchRequest').properties.top_k.type = 'string'),
      'POST /v1/memory/search: /top_k (request) may not be integer now',
    ],
    [
      'a pattern',
      (d) => (schema(d, 'SearchRequest').properties.query.pattern = 'x'),
      'POST /v1/memory/search: /query (request) has another pattern now',
    ],
    [
      'a field of a request that is gone',
      (d) => delete schema(d, 'SearchRequest').properties.mode,
      'POST /v1/memory/search: /mode (request) is gone',
    ],
    [
      'a field of a request that is required now',
      (d) => (schema(d, 'EmbeddingRetryRequest').required = ['message_ids']),
      'POST /v1/admin/embeddings/retry: /message_ids (request) is required now',
    ],
    [
      'an item of a list',
      (d) => (schema(d, 'EmbeddingRetryRequest').properties.message_ids.items.maxLength = 1),
      'POST /v1/admin/embeddings/retry: /message_ids/* (request) has maxLength 1 now',
    ],
    [
      'other fields that are refused now',
      (d) => (schema(d, 'SearchRequest').properties.filter.additionalProperties = false),
      'POST /v1/memory/search: /filter (request) may not have other fields now',
    ],
    ['a body that is gone', (d) => delete d.paths['/v1/messages'].post.requestBody, 'POST /v1/messages: body is gone'],
    [
      'a media type that is not taken now',
      (d) => delete d.paths['/v1/messages/import'].post.requestBody.content['application/json'],
      'POST /v1/messages/import: application/json is no media type of the request now',
    ],
    [
      'a success that is not answered now',
      (d) => delete d.paths['/v1/messages'].post.responses['200'],
      'POST /v1/messages: 200 is not answered now',
    ],
    [
      'a field of an answer that is gone',
      (d) => delete schema(d, 'Message').properties.message_metadata,
      'GET /v1/messages/{id}: /message_metadata (answer) is gone',
    ],
    [
      'a field of an answer that may be missing now',
      (d) => schema(d, 'ListedMessage').required.shift(),
      'GET /v1/messages: /items/*/id (answer) may be missing now',
    ],
    [
      'a field of an answer that may be null now',
      (d) => (schema(d, 'ListedMessage').properties.id.type = ['string', 'null']),
      'GET /v1/messages: /items/*/id (answer) may be null now',
    ],
    [
      'another format of an answer',
      (d) => (schema(d, 'ListedMessage').properties.created_at.format = 'date'),
      'GET /v1/messages: /items/*/created_at (answer) has another format now',
    ],
  ])('%s', (_, edit, expected) => {
    const changes = breakingChanges(released, changed(edit));
    expect(changes.map(text)).toContain(expected);
    // Each fails the build until it is named.
    expect(unnamedChanges(changes, read('CHANGELOG.md')).map(text)).toContain(expected);
  });
});

describe('is not breaking', () => {
  test.each<[string, (document: Editable) => void]>([
    ['a document like it', () => undefined],
    ['a new operation', (d) => (d.paths['/v1/new'] = { get: { responses: {} } })],
    ['a new parameter', (d) => search(d).parameters.push({ name: 'new', in: 'query', schema: { type: 'string' } })],
    ['a wider limit', (d) => (parameter(d, 'top_k').schema.maximum = 200)],
    ['a new value of an enumeration of a request', (d) => parameter(d, 'mode').schema.enum.push('new')],
    ['a new value of an enumeration of an answer', (d) => schema(d, 'Problem').properties.code.enum.push('new')],
    ['a new field of a request', (d) => (schema(d, 'SearchRequest').properties.new = { type: 'string' })],
    ['a new field of an answer', (d) => (schema(d, 'Message').properties.new = { type: 'string' })],
    ['a new type of a request', (d) => (schema(d, 'SearchRequest').properties.mode.type = ['string', 'null'])],
    [
      'an integer where a number was answered',
      (d) => (schema(d, 'ListedMessage').properties.importance_score.type = 'integer'),
    ],
    ['an error that is not answered now', (d) => delete search(d).responses['504']],
    ['words', (d) => (search(d).description = 'other words')],
  ])('%s', (_, edit) => {
    expect(breakingChanges(released, changed(edit)).map(text)).toEqual([]);
  });
});

describe('a breaking change is named', () => {
  const change = { operation: 'GET /v1/messages', subject: '/items/*/id', what: '(answer) is gone' };
  const changelog = (items: string, heading = '[Unreleased]') =>
    `# Changelog\n\n## ${heading}\n\n### Added\n\n- x\n\n### Breaking\n\n${items}\n\n## [0.0.1] - 2020-01-01\n`;

  test.each([
    ['by its operation and its subject', changelog('- `GET /v1/messages` does not answer `/items/*/id`.'), []],
    ['in a release that is not out', changelog('- `GET /v1/messages`: `/items/*/id`', '[0.2.0] - Unreleased'), []],
    ['not by its operation alone', changelog('- `GET /v1/messages` is better'), [change]],
    ['not in two items', changelog('- `GET /v1/messages`\n- `/items/*/id`'), [change]],
    ['not elsewhere', '## [Unreleased]\n\n### Added\n\n- `GET /v1/messages` `/items/*/id`\n', [change]],
    ['not in an older release', changelog('- `GET /v1/messages` `/items/*/id`', '[0.2.0] - 2026-01-01'), [change]],
  ])('%s', (_, text_, expected) => {
    expect(unnamedChanges([change], text_)).toEqual(expected);
  });

  test('in items of several lines', () => {
    expect(breakingItems(changelog('- one\n  more\n- two'))).toEqual(['one\n  more\n', 'two\n\n']);
  });
});
