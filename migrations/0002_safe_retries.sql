-- What a client sent again is looked for among the archived messages too.
create index archived_message_external_id_idx on archived_message (tenant_id, external_id) where external_id is not null;

-- The status follows from the recorded outcomes; a column that could disagree with them is worse than none.
alter table idempotency_key drop column status;
