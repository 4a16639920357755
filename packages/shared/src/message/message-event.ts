/** What can happen to a message after it was stored. */
export const messageEventTypes = [
  'message.updated',
  'message.embedded',
  'message.failed',
  'message.archived',
  'message.deleted',
] as const;

export type MessageEventType = (typeof messageEventTypes)[number];

/** Something that happened to messages of one tenant, in one transaction. */
export interface MessageEvents {
  readonly tenantId: string;
  readonly type: MessageEventType;
  readonly messageIds: readonly string[];
}

/** Ids in one row of the log: as many as fit one page of the table with the rest of the row. */
export const maxIdsPerRow = 480;
