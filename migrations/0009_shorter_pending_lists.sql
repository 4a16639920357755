-- New entries of the index of words wait to be merged: whoever stores the message that fills their room merges them, and
-- every search reads them. 1 MB of them took some 50 ms of a core at once, which whatever was being stored waited for,
-- and searches too where cores are few. An eighth costs PostgreSQL a twentieth more for each message.
do $$
declare
  part regclass;
begin
  for part in select inhrelid from pg_inherits where inhparent = 'message_search_vector_idx'::regclass order by 1 loop
    execute format('alter index %s set (gin_pending_list_limit = 128)', part);
  end loop;
end
$$;
