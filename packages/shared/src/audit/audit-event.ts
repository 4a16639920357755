import type { AuditAction, AuditObjectType, AuditOutcome } from '../db/schema.ts';

export interface AuditActor {
  /** The id of the key, which tells keys apart and is no secret; `system:…` for what a service does by itself. */
  readonly id: string;
  /** The name of the key as of then. */
  readonly name: string;
}

/** Whom an entry speaks of, known when a request begins. */
export interface AuditOrigin {
  /** Undefined where no known key was sent. */
  readonly actor: AuditActor | undefined;
  readonly requestId: string | undefined;
  /** Of the caller, behind the proxies that are trusted. */
  readonly address: string | undefined;
}

/** Names and values of what was changed. Never content, never a secret. */
export type AuditChanges = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface AuditEntry {
  /** Undefined for what is of no tenant, or of all. */
  readonly tenantId: string | undefined;
  readonly action: AuditAction;
  readonly objectType: AuditObjectType;
  readonly objectId: string | undefined;
  readonly outcome: AuditOutcome;
  readonly changes: AuditChanges;
}

/** The actor of what a service does by itself. */
export function systemOrigin(service: string): AuditOrigin {
  const id = `system:${service}`;
  return { actor: { id, name: id }, requestId: undefined, address: undefined };
}

// Half of what the table takes, whose text of JSON has blanks.
const maxChangesBytes = 4096;
const maxNames = 20;
const maxNameCharacters = 64;

/** The changes as JSON; where they are too long, their names alone, which says that values were left out. */
export function changesText(changes: AuditChanges): string {
  const text = JSON.stringify(changes);
  if (Buffer.byteLength(text) <= maxChangesBytes) return text;
  const names = Object.keys(changes).map((name) => name.slice(0, maxNameCharacters).toWellFormed());
  return JSON.stringify({ left_out: names.slice(0, maxNames) });
}

/** An entry with whom it speaks of. */
export interface AuditEvent extends AuditOrigin, AuditEntry {
  /** When it happened; now if not given. */
  readonly at?: Date;
}
