import { describe, expect, test } from 'vitest';
import { importFormats } from './catalog.ts';
import type { MappedMessage } from './format.ts';

/** What the reader of a format makes of the messages of one group. */
function read(format: string, values: readonly unknown[], fields: Readonly<Record<string, unknown>> = {}) {
  const options = { conversationId: 'c', timezone: 'UTC', dateOrder: undefined, sample: values.join('\n') };
  const reader = importFormats.get(format)?.reader(options);
  const pieces = [
    { kind: 'begin', path: [], fields } as const,
    ...values.map((value, n) => ({ kind: 'item', path: [n + 1], value }) as const),
    { kind: 'end', path: [], fields } as const,
  ];
  return pieces.flatMap((piece) =>
    [...(reader?.take(piece) ?? [])].map(({ result }) => result as Partial<MappedMessage>),
  );
}

describe('a message without a time', () => {
  test('has that of the one before it, so that it stays in its place', () => {
    const messages = [
      { id: '1', role: 'user', parts: [{ type: 'text', text: 'one' }] },
      { id: '2', role: 'user', parts: [{ type: 'text', text: 'two' }], createdAt: '2024-05-17T10:00:00.000Z' },
      { id: '3', role: 'assistant', parts: [{ type: 'text', text: 'three' }] },
      { id: '4', role: 'user', parts: [{ type: 'text', text: 'four' }], createdAt: '2024-05-17T10:00:01.000Z' },
    ];
    expect(read('ai-sdk', messages, { id: 'chat' }).map((message) => [message.content, message.created_at])).toEqual([
      ['one', undefined],
      ['two', '2024-05-17T10:00:00.000Z'],
      ['three', '2024-05-17T10:00:00.000Z'],
      ['four', '2024-05-17T10:00:01.000Z'],
    ]);
  });

  test('has no time of another conversation', () => {
    const memories = [
      { id: '1', memory: 'one', user_id: 'ana', created_at: '2024-05-17T10:00:00Z' },
      { id: '2', memory: 'two', user_id: 'ben' },
    ];
    expect(read('mem0', memories).map((message) => message.created_at)).toEqual([
      '2024-05-17T10:00:00.000Z',
      undefined,
    ]);
  });
});

test('a call comes before what it was answered, where neither has an id', () => {
  const content = [
    { type: 'tool_use', name: 'forecast', input: {} },
    { type: 'tool_result', name: 'forecast', content: [{ type: 'text', text: 'Sunny' }] },
    { type: 'text', text: 'A hat.' },
  ];
  const message = { uuid: 'm', sender: 'assistant', created_at: '2024-05-17T09:00:05Z', content };
  expect(read('claude', [message], { uuid: 'c' }).map((one) => one.content)).toEqual([
    'forecast({})',
    'Sunny',
    'A hat.',
  ]);
});

describe('Slack', () => {
  const said = (more: object) => ({ type: 'message', user: 'U1', ts: '1715939221.000200', text: '', ...more });
  const users = [{ id: 'U1', name: 'deploy', is_bot: true }];

  test.each([
    ['blocks', { blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'Build <https://a.org|7> failed' } }] }],
    [
      'rich text',
      {
        blocks: [
          {
            type: 'rich_text',
            elements: [
              { type: 'rich_text_section', elements: [{ type: 'text', text: 'Build 7 (https://a.org) failed' }] },
            ],
          },
        ],
      },
    ],
    ['attachments', { attachments: [{ fallback: 'Build 7 (https://a.org) failed' }] }],
  ])('%s are read where there is no text', (_, more) => {
    expect(read('slack', [said(more)]).map(({ content }) => content)).toEqual(['Build 7 (https://a.org) failed']);
  });

  test('a user that is an application is an assistant', () => {
    expect(read('slack', [said({ text: 'Deployed.' })], { users }).map(({ role }) => role)).toEqual(['assistant']);
    expect(read('slack', [said({ text: 'Deployed.' })]).map(({ role }) => role)).toEqual(['user']);
  });
});

test.each([
  '<Media omitted>',
  '<Medien ausgeschlossen>',
  '<Multimedia omitido>',
  '<Mídia oculta>',
  '<Médias omis>',
  '<Media weggelaten>',
  '<pominięto multimedia>',
  '<Без медиафайлов>',
  '<Medya dahil edilmedi>',
  '<省略多媒体文件>',
])('%s is no text', (line) => {
  expect(read('whatsapp', [`17.05.24, 10:23 - Ana: ${line}`])).toEqual([{ skipped: 'no text: media' }]);
});

test('a tag is text', () => {
  expect(read('whatsapp', ['17.05.24, 10:23 - Ana: <div>']).map(({ content }) => content)).toEqual(['<div>']);
});
