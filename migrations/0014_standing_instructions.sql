-- Words are read in the third way, which marks standing instructions. Where there are messages the api reads them again
-- in the background; where there are none, nothing has to be read.
update search_language set language = configuration || ' 3' where state = 'current' and not exists (select from message);
