-- Messages that could not be embedded: when each was given up, and the index they are listed and retried by.

-- Null while it is pending, and for one given up by a worker of the release before.
alter table embedding_pending add column failed_at timestamptz(3);

-- Ids are UUIDv7, so their order is that of arrival.
create index embedding_pending_failed_idx on embedding_pending (tenant_id, generation, message_id)
  where state = 'failed';
