-- Checking a foreign key of every pending row and vector cost two fifths of storing a message. Both are written only
-- together with their message or while it is locked, so nothing is left to check; what follows a deleted message is
-- deleted here, a statement at a time instead of a row at a time.
alter table embedding drop constraint embedding_message_fkey;
alter table embedding_pending drop constraint embedding_pending_message_fkey;

create function delete_what_follows_message() returns trigger language plpgsql as $$
declare
  of_tenant record;
begin
  -- A tenant at a time, so that each statement names one and reads one partition by its index.
  for of_tenant in select tenant_id, array_agg(id) as ids from gone group by tenant_id loop
    delete from embedding where tenant_id = of_tenant.tenant_id and message_id = any(of_tenant.ids);
    delete from embedding_pending where tenant_id = of_tenant.tenant_id and message_id = any(of_tenant.ids);
  end loop;
  return null;
end
$$;
create trigger message_deleted after delete on message referencing old table as gone
  for each statement execute function delete_what_follows_message();

-- Most messages have no metadata, and an index entry for none costs as much as one for some.
drop index message_metadata_idx;
create index message_metadata_idx on message using gin (metadata jsonb_path_ops) where metadata <> '{}';
