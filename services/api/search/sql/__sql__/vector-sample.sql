with numbered as (
  select message_id, passage_no, row_number() over (order by message_id, passage_no) as n
  from embedding where tenant_id = $1 and generation = $2
)
select count(*)::int as vectors, (count(*) filter (where passage_no = 0))::int as messages,
array_agg(distinct message_id::text) filter (where n % $3::int = 0) as sample
from numbered
