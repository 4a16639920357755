-- A message that is sent again with other metadata, importance, time or expiry is changed: that is an event, too.
alter table message_event drop constraint message_event_event_type_check;
alter table message_event add constraint message_event_event_type_check check (
  event_type in ('message.updated', 'message.embedded', 'message.failed', 'message.archived', 'message.deleted')
) not valid;
