-- Keys made by API. The table has been there from the start and nothing has written to it, so that it is changed freely.

-- The id is part of the key: mlk_<id>_<secret><checksum>. It is looked up by it, and the hash of the secret is compared.
alter table api_key drop constraint api_key_hash_key;
alter table api_key drop column key_prefix;
alter table api_key drop column tenant_id;
alter table api_key rename column key_hash to secret_hash;
alter table api_key alter column key_id type text collate "C" using key_id::text;
alter table api_key
  -- Null is all tenants.
  add column tenant_ids text[] collate "C",
  -- The secret before the last rotation, and how long it is still good.
  add column previous_secret_hash bytea,
  add column previous_valid_until timestamptz(3),
  -- A rate of its own, in place of the usual one of a key.
  add column rate_requests integer,
  add column rate_window_seconds integer,
  -- The key that made it; kept when that one is gone.
  add column created_by text collate "C" not null,
  add column rotated_at timestamptz(3),
  add constraint api_key_tenant_ids_check check (cardinality(tenant_ids) > 0),
  add constraint api_key_scopes_check check (cardinality(scopes) > 0),
  add constraint api_key_previous_check check ((previous_secret_hash is null) = (previous_valid_until is null)),
  add constraint api_key_rate_check check (
    (rate_requests is null) = (rate_window_seconds is null) and rate_requests > 0 and rate_window_seconds > 0
  );
-- Keys are listed from the newest on, of all tenants or of some.
create index api_key_created_at_idx on api_key (created_at, key_id);
create index api_key_tenant_ids_idx on api_key using gin (tenant_ids);

-- How often a key or a tenant was changed. Every api asks for it at short intervals, and forgets what it remembers of keys
-- and tenants when it has become another: so a change is seen soon in all of them, whatever else is away.
create table access_change (
  one_row boolean not null default true,
  version bigint not null default 0,
  constraint access_change_pkey primary key (one_row),
  constraint access_change_one_row_check check (one_row)
);
insert into access_change default values;
