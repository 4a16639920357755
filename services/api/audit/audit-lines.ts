import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { AuditPage, AuditRecord } from './audit.ts';
import type { AuditEventBody } from './audit.schemas.ts';

export interface AuditLinesOptions {
  /** Read before the answer begins, so that what goes wrong there is an answer of its own. */
  readonly first: AuditPage;
  /** Entries of all pages. */
  readonly limit: number;
  /** Reads the page behind an id, of that many entries. */
  readonly read: (after: string, limit: number) => Promise<AuditPage>;
  /** What an error is to the client; the answer ends with it. */
  readonly onError: (error: unknown) => AppError;
}

export function toAuditBody(record: AuditRecord): AuditEventBody {
  const { id, name = id } = record.actor;
  return {
    id: record.id,
    at: record.at.toISOString(),
    tenant_id: record.tenantId ?? null,
    actor: id === undefined || name === undefined ? null : { id, name },
    action: record.action,
    object: { type: record.objectType, id: record.objectId ?? null },
    outcome: record.outcome,
    request_id: record.requestId ?? null,
    address: record.address ?? null,
    changes: { ...record.changes },
  };
}

/**
 * The lines of an answer, a page at a time: none is read before the client has taken the one before. Its last line says
 * where to go on, also when it ends early; an answer without it was cut off.
 */
export async function* auditLines({ first, limit, read, onError }: AuditLinesOptions): AsyncGenerator<string> {
  let left = limit;
  let page = first;
  let next = page.next;
  for (;;) {
    if (page.items.length > 0) yield page.items.map((record) => `${JSON.stringify(toAuditBody(record))}\n`).join('');
    left -= page.items.length;
    next = page.next;
    if (next === undefined || left <= 0) break;
    try {
      page = await read(next, left);
    } catch (error) {
      yield lastLine(next, onError(error));
      return;
    }
  }
  yield lastLine(next);
}

function lastLine(next: string | undefined, error?: AppError): string {
  return `${JSON.stringify({ next_cursor: next ?? null, ...(error && { code: error.code }) })}\n`;
}
