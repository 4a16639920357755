-- Who did what, to what, and how it ended. A row is written in the transaction of what it tells, and stays when that is
-- gone. It holds ids, never content and no secrets.
create table audit_event (
  -- A UUIDv7 of the time `at`: the order of ids is that of time, to the millisecond.
  id uuid not null,
  at timestamptz(3) not null,
  -- Null for what is of no tenant, or of all.
  tenant_id text collate "C",
  -- The key, and its name as of then. Null where no known key was sent.
  actor_id text collate "C",
  actor_name text,
  action text not null,
  object_type text not null,
  object_id text collate "C",
  request_id text,
  address text,
  outcome text not null,
  changes jsonb not null,
  constraint audit_event_pkey primary key (id),
  constraint audit_event_outcome_check check (outcome in ('success', 'refused', 'failed')),
  constraint audit_event_changes_check check (octet_length(changes::text) <= 8192)
);
create index audit_event_tenant_idx on audit_event (tenant_id, id) where tenant_id is not null;
create index audit_event_object_idx on audit_event (object_id, id) where object_id is not null;

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit_event is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_event_never_changed before update or truncate on audit_event
  for each statement execute function refuse_audit_change();

-- The age holds also for somebody who makes the setting himself.
create function refuse_audit_delete() returns trigger language plpgsql as $$
begin
  if current_setting('memory.prunes_audit', true) = 'on' and old.at < now() - interval '7 days' then return old; end if;
  raise exception 'audit_event is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_event_deleted_by_age_alone before delete on audit_event
  for each row execute function refuse_audit_delete();

-- The one way to delete: the oldest rows first, of those that are older than `keep_days`. A role that may call it needs no
-- right to delete. It names the schema itself, since it runs as its owner.
do $$
begin
  execute format($function$
    create function prune_audit_events(keep_days integer, max_rows integer) returns integer
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set memory.prunes_audit = 'on'
    as $body$
    declare
      deleted integer;
    begin
      if keep_days is null or keep_days < 7 then raise exception 'keep_days must be at least 7'; end if;
      delete from %1$I.audit_event
      where at < now() - make_interval(days => keep_days) and id = any(array(
        select id from %1$I.audit_event order by id limit max_rows for update skip locked
      ));
      get diagnostics deleted = row_count;
      return deleted;
    end
    $body$
  $function$, current_schema());
end
$$;
revoke all on function prune_audit_events(integer, integer) from public;
