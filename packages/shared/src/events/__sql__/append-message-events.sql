insert into "message_event" ("tenant_id", "event_type", "message_ids") values ($1, $2, $3), ($4, $5, $6)
