select message_id as id, halfvec_send(avg(vector)) as mean from "embedding"
where tenant_id = $1 and generation + 0 = $2 and message_id = any($3::uuid[])
and passage_no < 8
group by message_id
