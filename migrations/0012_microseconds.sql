-- The times of a message are kept as they are sent, to the microsecond: cut to milliseconds, two messages change places.
-- More digits rewrite no row. Of partitioned tables PostgreSQL builds the b-tree indexes with these columns again.
alter table message
  alter column created_at type timestamptz,
  alter column updated_at type timestamptz,
  alter column expires_at type timestamptz;
alter table embedding alter column created_at type timestamptz;
alter table archived_message
  alter column created_at type timestamptz,
  alter column updated_at type timestamptz,
  alter column expires_at type timestamptz;
