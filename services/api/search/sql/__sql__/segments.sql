select "after_id", "through_id", "vectors" from "vector_index" where "tenant_id" = $1 and "generation" = $2 and "state" = $3 order by "after_id"
