-- Words of messages: a language for each database, and an index that a large tenant's common words do not slow down.

-- The text search configurations that messages are indexed by: the current one, and those that messages are still left
-- of after a change. Shared by all tenants. Read by whoever writes a message and whoever searches.
create table search_language (
  language text collate "C" not null,
  state text not null,
  changed_at timestamptz(3) not null default now(),
  constraint search_language_pkey primary key (language),
  constraint search_language_state_check check (state in ('current', 'old'))
);
create unique index search_language_one_current on search_language (state) where state = 'current';
insert into search_language (language, state) values ('english', 'current');

-- The words that a message is found by: those of its content, and who speaks, without a place in the content. What
-- PostgreSQL's parser would lose is mended before: words in angle brackets pass for markup, and scripts written without
-- spaces for one long word, so brackets become spaces, and Chinese characters and kana words of one character each.
-- Immutable as far as the configuration is: a changed dictionary asks for a configuration of another name. A regconfig
-- column would keep pg_upgrade from working, and functions of this schema are not found while a dump is restored.
create function message_words(content text, metadata jsonb, language text) returns tsvector
immutable strict parallel safe language plpgsql as $$
declare
  said text := translate(content, '<>', '  ');
  speaker text;
begin
  if octet_length(said) > length(said) then
    said := regexp_replace(said, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g');
  end if;
  if jsonb_typeof(metadata -> 'speaker') = 'string' then
    speaker := regexp_replace(translate(metadata ->> 'speaker', '<>', '  '),
      '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g');
    return to_tsvector(language::regconfig, said) || strip(to_tsvector(language::regconfig, speaker));
  end if;
  return to_tsvector(language::regconfig, said);
end
$$;

-- One rewrite for both columns.
alter table message
  drop column search_vector,
  add column search_language text collate "C" not null default 'english',
  add column search_vector tsvector not null generated always as (message_words(content, metadata, search_language)) stored;

-- What else the index of words knows of a message: whose it is, since without that a common word would bring in the
-- messages of every tenant of the partition; and how many words it has, since among many messages with a common word
-- the short ones say most of it. As an array, whose operators come with PostgreSQL and not with an extension.
-- Not strict, so that it is computed in place, at a tenth of the cost. Unsafe, which keeps parallel workers away from
-- searches by words: starting them takes longer than such a search.
create function message_scope(tenant_id text, search_vector tsvector) returns text[]
immutable parallel unsafe language sql
return array[tenant_id, tenant_id || ' ' || least(length(search_vector), 40)::text];

-- Entries that wait to be merged are read by every search: no more of them than are read in a millisecond or two.
create index message_search_vector_idx on message using gin (message_scope(tenant_id, search_vector), search_vector)
  with (gin_pending_list_limit = 1024);
