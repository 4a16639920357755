select tsvector_to_array(message_words($1, '{}', l.language)) as terms,
array(
  select phraseto_tsquery(l.language::regconfig, t)::text
  from unnest($2::text[]) with ordinality as given (t, n) order by n) as phrases, array(
  select phraseto_tsquery(l.language::regconfig, t)::text
  from unnest($3::text[]) with ordinality as given (t, n) order by n) as required,
array(
  select phraseto_tsquery(l.language::regconfig, t)::text
  from unnest($4::text[]) with ordinality as given (t, n) order by n) as excluded
from search_language l order by l.state, l.language
