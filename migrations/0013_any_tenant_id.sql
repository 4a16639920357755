-- Tenant ids are any printable text now. In the index of words a tenant stands alone and before a blank and a number, so
-- that a blank of the id itself is written otherwise: tenant `a 5` is not what tenant `a` has of length 5.
-- Existing ids have neither blank nor `%`, so that the index stays as it is.
create or replace function message_scope(tenant_id text, search_vector tsvector) returns text[]
immutable parallel unsafe language sql
return array[
  replace(replace(tenant_id, '%', '%25'), ' ', '%20'),
  replace(replace(tenant_id, '%', '%25'), ' ', '%20') || ' ' || least(length(search_vector), 40)::text
];

-- Sessions that know the index by the function of before look at it again.
do $$
declare
  part regclass;
begin
  for part in select inhrelid from pg_inherits where inhparent = 'message_search_vector_idx'::regclass order by 1 loop
    execute format('alter index %s set (gin_pending_list_limit = 128)', part);
  end loop;
end
$$;
