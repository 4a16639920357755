-- The words of a message are read by the api, with the function that reads the words of a query, and stemmed here.

-- Existing rows keep the words they are indexed by until the api has read them again.
alter table message alter column search_vector drop expression;
drop function message_words(text, jsonb, text);

-- Of a text that is longer than a tsvector has places: its parts, so that phrases are found wherever they stand.
alter table message add column search_passages tsvector[];

-- How words are read is part of what an index is made by: `english 2` is the configuration `english`, read in the second way.
alter table search_language
  add column configuration text collate "C" not null generated always as (regexp_replace(language, ' \d+$', '')) stored;

update search_language set language = language || ' 2' where state = 'current' and not exists (select from message);
alter table message alter column search_language drop default;

-- The words that a message is found by. Lists are texts with a \x01 between their items; null is none.
--   words  in their order, with places: stemmed
--   parts  stemmed, without a place
--   exact  as they are
--   names  as they are, of those that the configuration has for stop words: others are among the words
create function join_words(words text, parts text, exact text, names text, configuration text) returns tsvector
immutable parallel unsafe language plpgsql as $$
declare
  stemmed_by regconfig := configuration::regconfig;
  joined tsvector := to_tsvector(stemmed_by, words);
begin
  if parts is not null then
    joined := joined || strip(to_tsvector(stemmed_by, replace(parts, E'\x01', ' ')));
  end if;
  if exact is not null then
    joined := joined || array_to_tsvector(string_to_array(exact, E'\x01'));
  end if;
  if names is not null then
    joined := joined || array_to_tsvector(stop_words(string_to_array(names, E'\x01'), stemmed_by));
  end if;
  return joined;
end
$$;

-- Those of the words, in lower case, that the configuration leaves out.
create function stop_words(words text[], configuration regconfig) returns text[]
immutable parallel safe language sql as $$
  select coalesce(array_agg(word), '{}') from unnest(words) word where to_tsvector(configuration, word) = ''
$$;

-- The first half of the items of a list; null of none. No item is cut, and none is empty.
create function first_half(list text) returns text
immutable parallel safe language sql as $$
  select nullif(array_to_string(items[1:cardinality(items) / 2], E'\x01'), '')
  from (select string_to_array(list, E'\x01') as items) split
$$;

-- The same for a text that may have more words than the 1 MB that a tsvector holds: those are indexed that fit, the first
-- of the lists and then of the words, by halves, as often as needed. Each try costs a subtransaction, which is not for parallel plans.
create function join_words_that_fit(words text, parts text, exact text, names text, configuration text) returns tsvector
immutable parallel unsafe language plpgsql as $$
begin
  loop
    begin
      return join_words(words, parts, exact, names, configuration);
    exception when program_limit_exceeded then
      if coalesce(length(parts), 0) + coalesce(length(exact), 0) > 2048 then
        parts := first_half(parts);
        exact := first_half(exact);
      else
        words := left(words, length(words) / 2);
      end if;
    end;
  end loop;
end
$$;

create function index_words(words text, parts text, exact text, names text, configuration text) returns tsvector
immutable parallel unsafe language sql
return case when octet_length(words) + coalesce(octet_length(parts), 0) + coalesce(octet_length(exact), 0) <= 65536
  then join_words(words, parts, exact, names, configuration)
  else join_words_that_fit(words, parts, exact, names, configuration) end;
