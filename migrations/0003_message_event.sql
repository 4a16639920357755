-- What happened to messages, for GET /v1/events: a log that reaches back for a time, not for ever.

-- Written in the transaction that makes it true. A transaction that began earlier may commit later, so a row carries
-- its transaction: whoever reads only what lies below the oldest one running can never pass by a row to come.
create table message_event (
  tenant_id text collate "C" not null,
  transaction_id xid8 not null default pg_current_xact_id(),
  event_id bigint generated always as identity,
  event_type text not null,
  -- One row for all messages of a tenant that the same transaction dealt with.
  message_ids uuid[] not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  constraint message_event_pkey primary key (tenant_id, transaction_id, event_id),
  constraint message_event_event_type_check check (
    event_type in ('message.embedded', 'message.failed', 'message.archived', 'message.deleted')
  )
-- Ids do not compress: a row is kept whole as long as it fits a page.
) with (toast_tuple_target = 8160);
create index message_event_created_at_idx on message_event (created_at);

-- The last row that was pruned, in the order of reading: who has not read that far has missed something.
create table message_event_pruned (
  one_row boolean not null default true,
  transaction_id xid8 not null,
  event_id bigint not null,
  constraint message_event_pruned_pkey primary key (one_row),
  constraint message_event_pruned_one_row_check check (one_row)
);
