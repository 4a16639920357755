select tsvector_to_array(index_words($1, $2, null, null,
    l.configuration)) as terms,
stop_words($3::text[], l.configuration::regconfig) as names,
stop_words($4::text[], l.configuration::regconfig) as alone,
array(
  select phraseto_tsquery(l.configuration::regconfig, t)::text
  from unnest($5::text[]) with ordinality as given (t, n) order by n) as phrases, array(
  select phraseto_tsquery(l.configuration::regconfig, t)::text
  from unnest($6::text[]) with ordinality as given (t, n) order by n) as required,
array(
  select phraseto_tsquery(l.configuration::regconfig, t)::text
  from unnest($7::text[]) with ordinality as given (t, n) order by n) as excluded
from search_language l order by l.state, l.language
