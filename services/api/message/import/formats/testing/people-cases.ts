import type { FormatCase } from './format-case.ts';

/** Exports of applications in which people write to each other, and of Mem0. */
export const ofPeople: readonly FormatCase[] = [
  {
    format: 'slack',
    file: 'slack-day.json',
    messages: [
      [
        'general',
        'user',
        'Hi @Ben Ito, see the plan (https://example.org/plan) & #random',
        { speaker: 'Ana' },
        '2024-05-17T09:47:01.000Z',
      ],
      ['general', 'user', 'Will do.', { speaker: 'Ben Ito', thread: '1715939221.000200' }, '2024-05-17T09:47:02.000Z'],
      ['general', 'assistant', 'Deployed 1.2.3', { speaker: 'deploy' }, '2024-05-17T09:47:03.000Z'],
    ],
    skipped: [
      ['/messages/0', 'system message: channel_join'],
      ['/messages/4', 'no text: file'],
    ],
  },
  {
    format: 'discord',
    file: 'discord-channel.json',
    messages: [
      [
        '200',
        'user',
        'Tomatoes are up!',
        {
          channel: 'seeds',
          speaker: 'Ana',
          attachments: [{ type: 'file', name: 't.jpg', url: 'https://cdn.example.org/t.jpg' }],
        },
        '2024-05-17T10:01:00.123Z',
      ],
      ['200', 'assistant', 'Water them.', { channel: 'seeds', speaker: 'gardener' }, '2024-05-17T10:02:00.000Z'],
    ],
    skipped: [
      ['/messages/0', 'system message: GuildMemberJoin'],
      ['/messages/3', 'no text: file'],
    ],
  },
  {
    format: 'telegram',
    file: 'telegram-chat.json',
    query: { timezone: 'Europe/Berlin' },
    messages: [
      ['4242', 'user', 'See https://example.org please', { chat: 'Ana', speaker: 'Ana' }, '2024-05-17T10:01:00.000Z'],
      ['4242', 'user', 'Seen.', { chat: 'Ana', speaker: 'Ben' }, '2024-05-17T10:02:00.000Z'],
    ],
    skipped: [
      ['/messages/0', 'system message: phone_call'],
      ['/messages/3', 'no text: photo'],
    ],
  },
  {
    format: 'telegram',
    file: 'telegram-all.json',
    messages: [
      ['1', 'user', 'One', { chat: 'Ben', speaker: 'Ben' }, '2024-05-17T10:01:00.000Z'],
      ['2', 'user', 'Two', { chat: 'Club', speaker: 'Cleo' }, '2024-05-17T10:01:01.000Z'],
    ],
    skipped: [],
  },
  {
    format: 'whatsapp',
    file: 'whatsapp-android-de.txt',
    query: { conversation_id: 'family', timezone: 'Europe/Berlin' },
    messages: [
      [
        'family',
        'user',
        'Guten Morgen\n\nzweite Zeile\nhttps://example.org: dritte',
        { speaker: 'Ana' },
        '2024-05-17T08:23:00.000Z',
      ],
      ['family', 'user', 'Bis dann: um neun', { speaker: 'Ben Ito' }, '2024-05-18T07:01:00.000Z'],
    ],
    skipped: [
      [1, 'system line'],
      [6, 'no text: media'],
      [8, 'system line'],
    ],
  },
  {
    format: 'whatsapp',
    file: 'whatsapp-ios-us.txt',
    query: { conversation_id: 'friends' },
    messages: [
      ['friends', 'user', 'Good morning', { speaker: 'Ana' }, '2024-05-17T10:23:50.000Z'],
      ['friends', 'user', 'Two\nlines', { speaker: 'Ben' }, '2024-05-17T15:04:05.000Z'],
    ],
    skipped: [
      [1, 'no text: media'],
      [5, 'no text: media'],
    ],
  },
  {
    format: 'mem0',
    file: 'mem0.json',
    messages: [
      [
        'ana-1',
        'user',
        'Ana is vegetarian',
        { category: 'food', categories: ['food'], user_id: 'ana-1' },
        '2024-07-26T17:29:36.630Z',
      ],
    ],
    skipped: [['/results/1', 'no text']],
  },
];
