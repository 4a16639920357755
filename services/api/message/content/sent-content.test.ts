import { describe, expect, test } from 'vitest';
import { createMessageCreateSchema } from '../message.schemas.ts';

const schema = createMessageCreateSchema(65_536);
const stored = (message: object) => {
  const { role, content, metadata } = schema.parse({ conversation_id: 'c', ...message });
  return { role, content, metadata };
};
const refused = (message: object) =>
  schema
    .safeParse({ conversation_id: 'c', ...message })
    .error?.issues.map(({ path, message: text }) => [`/${path.join('/')}`, text]);

const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(1000)}` } };
const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Lisbon"}' } };

describe('what a model is sent is stored as text', () => {
  test.each<[string, object, object]>([
    ['a text', { role: 'user', content: ' hello ' }, { role: 'user', content: ' hello ', metadata: undefined }],
    [
      'text parts, with a blank line between them',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'one' },
          { type: 'input_text', text: 'two' },
          { type: 'output_text', text: 'three' },
        ],
      },
      { role: 'user', content: 'one\n\ntwo\n\nthree', metadata: {} },
    ],
    [
      'images and files by their names, without their data',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          image,
          { type: 'image_url', image_url: { url: 'https://example.org/a.png' } },
          { type: 'file', file: { filename: 'plan.pdf', file_data: 'JVBERi0' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: '/9j/' } },
          { type: 'hologram' },
        ],
        metadata: { topic: 'art' },
      },
      {
        role: 'user',
        content: 'What is this?',
        metadata: {
          topic: 'art',
          attachments: [
            { type: 'image_url' },
            { type: 'image_url', url: 'https://example.org/a.png' },
            { type: 'file', name: 'plan.pdf' },
            { type: 'image', media_type: 'image/jpeg' },
            { type: 'hologram' },
          ],
        },
      },
    ],
    [
      'a text with calls (OpenAI)',
      { role: 'assistant', content: 'I look.', tool_calls: [call], refusal: null, annotations: [] },
      {
        role: 'assistant',
        content: 'I look.',
        metadata: { tool_calls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Lisbon"}' }] },
      },
    ],
    [
      'calls alone (OpenAI)',
      { role: 'assistant', content: null, tool_calls: [call] },
      {
        role: 'tool',
        content: 'weather({"city":"Lisbon"})',
        metadata: { tool_calls: [{ id: 'call_1', name: 'weather' }] },
      },
    ],
    [
      'calls alone (Anthropic)',
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Lisbon' } }] },
      {
        role: 'tool',
        content: 'weather({"city":"Lisbon"})',
        metadata: { tool_calls: [{ id: 'toolu_1', name: 'weather' }] },
      },
    ],
    [
      'what a tool answered (OpenAI)',
      { role: 'tool', content: '22 degrees', tool_call_id: 'call_1', name: 'weather' },
      { role: 'tool', content: '22 degrees', metadata: { tool_results: [{ id: 'call_1', name: 'weather' }] } },
    ],
    [
      'what a tool answered (Anthropic)',
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: '22 degrees' }, image] },
        ],
      },
      {
        role: 'tool',
        content: '22 degrees',
        metadata: { tool_results: [{ id: 'toolu_1' }], attachments: [{ type: 'image_url' }] },
      },
    ],
    [
      'a developer’s text as the system’s, a speaker’s name',
      { role: 'developer', content: 'Be short.', name: 'ops' },
      { role: 'system', content: 'Be short.', metadata: { speaker: 'ops' } },
    ],
    [
      'a function’s answer as a tool’s',
      { role: 'function', content: '22', name: 'weather' },
      { role: 'tool', content: '22', metadata: { tool_results: [{ name: 'weather' }] } },
    ],
    [
      'a refusal',
      { role: 'assistant', content: null, refusal: 'No.' },
      { role: 'assistant', content: 'No.', metadata: {} },
    ],
  ])('%s', (_, message, expected) => {
    expect(stored(message)).toEqual(expected);
  });
});

const noText = expect.stringContaining('has no text to store');

describe('what cannot be stored is refused where it stands', () => {
  test.each<[string, object, readonly unknown[]]>([
    ['nothing but an image', { role: 'user', content: [image] }, [['/content', noText]]],
    ['an empty list', { role: 'user', content: [] }, [['/content', noText]]],
    ['nothing', { role: 'assistant', content: null }, [['/content', noText]]],
    ['blank texts', { role: 'user', content: [{ type: 'text', text: ' ' }] }, [['/content', noText]]],
    ['no part', { role: 'user', content: [{ type: 'text', text: 'a' }, 7] }, [['/content/1', expect.any(String)]]],
    ['a part without a type', { role: 'user', content: [{ text: 'a' }] }, [['/content/0/type', expect.any(String)]]],
    [
      'a text part without text',
      { role: 'user', content: [{ type: 'text' }] },
      [['/content/0/text', expect.any(String)]],
    ],
    [
      'a call without a name',
      { role: 'assistant', content: 'a', tool_calls: [{ id: '1' }] },
      [['/tool_calls/0', expect.any(String)]],
    ],
    [
      'texts that are too long together',
      { role: 'user', content: Array.from({ length: 3 }, () => ({ type: 'text', text: 'x'.repeat(40_000) })) },
      [['/content', 'must have at most 100000 characters']],
    ],
    [
      'arguments beyond the size of metadata',
      { role: 'assistant', content: 'a', tool_calls: [{ function: { name: 'f', arguments: 'x'.repeat(70_000) } }] },
      [['/metadata', 'is larger than 65536 bytes as JSON']],
    ],
    [
      'metadata of the name that the content needs',
      { role: 'user', content: 'a', name: 'Ana', metadata: { speaker: 'Ben' } },
      [['/metadata/speaker', expect.stringContaining('leave it out')]],
    ],
    [
      'a NUL in a part',
      { role: 'user', content: [{ type: 'text', text: 'a\0' }] },
      [['/content', 'must not contain the NUL character']],
    ],
  ])('%s', (_, message, expected) => {
    expect(refused(message)).toEqual(expected);
  });
});
