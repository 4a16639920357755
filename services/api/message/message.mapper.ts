import type { z } from '@hono/zod-openapi';
import type { Kept, MessageWithStatus, NewMessage } from './message.ts';
import type { createdMessageSchema, listedMessageSchema, MessageCreate, messageSchema } from './message.schemas.ts';

/** From the wire to the domain. */
export function toNewMessage(body: MessageCreate, tenantId: string): NewMessage {
  return {
    tenantId,
    conversationId: body.conversation_id,
    role: body.role,
    content: body.content,
    metadata: body.metadata ?? {},
    importanceOverride: body.importance_override ?? body.importance ?? undefined,
    externalId: body.external_id ?? undefined,
    createdAt: body.created_at ?? undefined,
    expiresAt: body.expires_at ?? undefined,
  };
}

/** From the domain to the wire: a message that was stored, now or before. */
export function toOutcomeBody(outcome: Kept): z.input<typeof createdMessageSchema> {
  const body = toMessageBody(outcome.message);
  return outcome.kind === 'duplicate' ? { ...body, duplicate: true } : body;
}

/** From the domain to the wire: a message on the paths that the service before had. */
export function toMessageBody(message: MessageWithStatus): z.input<typeof messageSchema> {
  return { ...toListedBody(message), message_metadata: message.metadata };
}

/** From the domain to the wire: a message in a list. */
export function toListedBody(message: MessageWithStatus): z.input<typeof listedMessageSchema> {
  return {
    id: message.id,
    tenant_id: message.tenantId,
    conversation_id: message.conversationId,
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    importance_score: message.importance,
    embedding_status: message.embeddingStatus,
    external_id: message.externalId ?? null,
    created_at: message.createdAt.toISOString(),
    updated_at: message.updatedAt.toISOString(),
    expires_at: message.expiresAt?.toISOString() ?? null,
  };
}
