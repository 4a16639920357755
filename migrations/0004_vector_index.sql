-- The index segments of large tenants: each is an HNSW index, partial to one tenant, one generation and a range of
-- message ids. What no ready segment covers is searched exactly, so a row too few here costs time and nothing else.

create table vector_index (
  tenant_id text collate "C" not null,
  generation integer not null,
  index_name text collate "C" not null,
  -- Covers after_id < message_id <= through_id. The ready segments of a tenant and generation do not overlap.
  after_id uuid not null,
  through_id uuid not null,
  state text not null,
  -- Vectors in the range when they were last counted.
  vectors integer not null,
  counted_at timestamptz not null default now(),
  constraint vector_index_pkey primary key (tenant_id, generation, index_name),
  constraint vector_index_state_check check (state in ('building', 'ready', 'dropping')),
  constraint vector_index_range_check check (after_id < through_id)
);
