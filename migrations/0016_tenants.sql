-- Tenants as something that is administered: suspended, and given limits of their own. Null is no limit.
alter table tenant
  add column suspended_at timestamptz(3),
  add column max_messages bigint,
  add column max_bytes bigint,
  add column max_keys integer,
  add column max_streams integer,
  add column rate_requests integer,
  add column rate_window_seconds integer,
  add constraint tenant_quotas_check check (
    max_messages >= 0 and max_bytes >= 0 and max_keys >= 0 and max_streams >= 0
  ),
  add constraint tenant_rate_check check (
    (rate_requests is null) = (rate_window_seconds is null) and rate_requests > 0 and rate_window_seconds > 0
  );

-- Every api knows all of these.
create index tenant_limited_idx on tenant (tenant_id)
  where num_nonnulls(suspended_at, max_messages, max_bytes, max_keys, max_streams, rate_requests) > 0;

-- How much a tenant has, of those with a limit of messages or bytes: the sum of its rows. One of them was counted, under
-- the empty name. The others are what each process has stored since, so that no two processes write the same row.
create table tenant_usage (
  tenant_id text collate "C" not null,
  writer text collate "C" not null,
  messages bigint not null,
  bytes bigint not null,
  updated_at timestamptz(3) not null default now(),
  constraint tenant_usage_pkey primary key (tenant_id, writer)
);
