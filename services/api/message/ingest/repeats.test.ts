import { instantOf } from '@memory-layer/shared/time/instant';
import { describe, expect, test } from 'vitest';
import type { NewMessage, OnConflict } from '../message.ts';
import { toMessageRow } from './message-row.ts';
import { compareRepeats, withChanges, type ExistingMessage } from './repeats.ts';

const now = instantOf(new Date('2026-06-10T12:00:00Z'));
const later = instantOf(new Date('2026-06-11T12:00:00Z'));

const rowOf = (sent: Partial<NewMessage>, onConflict: OnConflict = 'error', id = 'new') => {
  const message: NewMessage = {
    tenantId: 'acme',
    conversationId: 'chat',
    role: 'user',
    content: 'We board at nine.',
    metadata: undefined,
    importanceOverride: undefined,
    externalId: 'a1',
    createdAt: undefined,
    expiresAt: undefined,
    ...sent,
  };
  return toMessageRow(message, 1, now, id, onConflict);
};

const row = rowOf({});
const existing: ExistingMessage = {
  id: 'old',
  tenantId: 'acme',
  conversationId: 'chat',
  role: 'user',
  metadata: {},
  importance: 0.5,
  externalId: 'a1',
  createdAt: now,
  updatedAt: now,
  expiresAt: undefined,
  contentHash: row.contentHash,
  embeddingStatus: 'completed',
};

const compare = (rows: readonly ReturnType<typeof rowOf>[], stored: Partial<ExistingMessage> = {}) => {
  const { outcomes, changes } = compareRepeats(
    new Map([['a1', { ...existing, ...stored }]]),
    rows,
    ({ externalId = '' }) => externalId,
  );
  return { outcomes: rows.map((each) => outcomes.get(each)), change: changes.get('old'), changes };
};

describe('a message sent again', () => {
  test.each<[string, Partial<NewMessage>, Partial<ExistingMessage>?]>([
    ['what was sent before', {}],
    ['no expiry, which it does not have', { expiresAt: null }],
    ['metadata that are the same once they are stored', { metadata: { n: -0 } }, { metadata: { n: 0 } }],
  ])('with %s is a duplicate', (_, sent, stored = {}) => {
    expect(compare([rowOf(sent)], stored).outcomes).toMatchObject([{ kind: 'duplicate', message: { id: 'old' } }]);
  });

  test.each([
    ['conversation_id', { conversationId: 'other' }],
    ['role', { role: 'assistant' }],
    ['content', { content: 'We board at ten.' }],
    ['importance_override', { importanceOverride: 0.9 }],
    ['metadata', { metadata: { gate: 12 } }],
    ['created_at', { createdAt: later }],
    ['expires_at', { expiresAt: later }],
  ] as const)('with another %s is a conflict', (field, sent) => {
    expect(compare([rowOf(sent)]).outcomes).toEqual([{ kind: 'conflict', existingId: 'old', differs: [field] }]);
  });

  test('without the expiry that it has is a conflict only when it says so', () => {
    expect(compare([rowOf({ expiresAt: null }), row], { expiresAt: later }).outcomes).toMatchObject([
      { kind: 'conflict', differs: ['expires_at'] },
      { kind: 'duplicate' },
    ]);
  });

  test('changes nothing when the message is archived', () => {
    const rows = [rowOf({ importanceOverride: 0.9 }, 'update'), rowOf({ importanceOverride: 0.9 }, 'ignore')];
    const { outcomes, changes } = compare(rows, { archivedAt: now });
    expect(outcomes).toMatchObject([{ kind: 'conflict' }, { kind: 'archived' }]);
    expect(changes.size).toBe(0);
  });
});

describe('several changes of one message', () => {
  test('are one change, in which the last of each field counts', () => {
    const rows = [
      rowOf({ importanceOverride: 0.9, expiresAt: later }, 'update'),
      rowOf({ metadata: { speaker: 'Ana' } }, 'update'),
      rowOf({ createdAt: later, expiresAt: null }, 'update'),
    ];
    const { outcomes, change } = compare(rows);
    expect(outcomes).toMatchObject([{ kind: 'updated' }, { kind: 'updated' }, { kind: 'updated' }]);
    expect(change).toMatchObject({ importance: 0.9, createdAt: later, expiresAt: null });
    expect(change?.metadataJson).toBe('{"speaker":"Ana"}');
    // The words of a row that sends no metadata lack those of the speaker.
    expect(change?.index).toEqual(rows[1]?.index);
    expect(change?.index).not.toEqual(rows[2]?.index);
  });

  test('are compared with what those before them have left', () => {
    const again = { importanceOverride: 0.9 };
    expect(compare([rowOf(again, 'update'), rowOf(again)]).outcomes).toMatchObject([
      { kind: 'updated' },
      { kind: 'duplicate' },
    ]);
  });

  test('are answered with the message as it is now, or looked for again when it is gone', () => {
    const { outcomes, changes } = compare([rowOf({ importanceOverride: 0.9 }, 'update')]);
    const [outcome = { kind: 'refused' }] = outcomes;
    const changed = { importance: 0.9, metadata: {}, createdAt: now, updatedAt: later, expiresAt: undefined };
    expect(withChanges(outcome, changes, new Map([['old', changed]]))).toMatchObject({
      kind: 'updated',
      message: { id: 'old', importance: 0.9, updatedAt: later },
    });
    expect(withChanges(outcome, changes, new Map())).toBeUndefined();
  });
});
