with newest as materialized (
  select id from message where tenant_id = $1 order by id desc limit 262144
),
size as materialized (select count(*)::int as messages from newest),
-- All but the last so many bits are asked to be 0: as few as keep the sample below its size.
share as materialized (select power(2, ceil(log(2, greatest(1, messages / $2::numeric))))::int - 1 as mask from size),
taken as materialized (
  select array_agg(id) as ids from newest where uuid_hash(id) & (select mask from share) = 0
),
-- In an order that says nothing of their time or length, until there is enough of them.
measured as materialized (
  select id, sum(octet_length(content)) over (order by uuid_hash(id), id) - octet_length(content) as bytes_before
  from message where tenant_id = $3 and id = any((select ids from taken)::uuid[])
),
read as materialized (select array_agg(id) as ids from measured where bytes_before < 4194304)
select (select messages from size) as messages, count(*)::int as sampled,
coalesce(sum(length(m.search_vector)), 0)::int as words,
coalesce(string_agg(
    $4 || array_to_string(tsvector_to_array(m.search_vector), $5) || $6, ''), '') as text
from message m where m.tenant_id = $7 and m.id = any((select ids from read)::uuid[])
