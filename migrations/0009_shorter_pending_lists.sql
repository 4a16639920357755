-- New entries of the index of words wait to be merged: whoever stores the message that fills their room merges them, and
-- every search reads them. 1 MB of them took some 50 ms of a core at once, which whatever was being stored waited for,
-- and searches too where cores are few. An eighth costs PostgreSQL a twentieth more for each message.
do $$
begin
  for n in 0..15 loop
    execute format('alter index message_p%s_message_scope_search_vector_idx set (gin_pending_list_limit = 128)', n);
  end loop;
end
$$;
