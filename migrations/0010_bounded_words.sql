-- Words of messages at a bounded cost, whatever is sent. Existing rows keep the words they were indexed by.

-- As before, and:
-- Who speaks is a text of 1 to 256 characters; a longer one is metadata like any other.
-- PostgreSQL's parser looks ahead from each part of a mail address, path or host name to the end of what may be one, so
-- its time grows with the square of a text like a_a_a_…: a blank after every tenth such character of a word ends that.
-- A tsvector holds 1 MB. A text with more words than that is indexed up to where it fits: by halves, as often as needed.
-- Only a text that may have so many enters the block, which costs a subtransaction; those are not for parallel plans.
create or replace function message_words(content text, metadata jsonb, language text) returns tsvector
immutable strict parallel unsafe language plpgsql as $$
declare
  said text := translate(content, '<>', '  ');
  speaker text;
  spoken_by tsvector := '';
begin
  if length(said) > 64 then
    said := regexp_replace(said, '((?:[^\s@_~/]*[@_~/]){10})', '\1 ', 'g');
  end if;
  if octet_length(said) > length(said) then
    said := regexp_replace(said, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g');
  end if;
  if jsonb_typeof(metadata -> 'speaker') = 'string' and length(metadata ->> 'speaker') between 1 and 256 then
    speaker := regexp_replace(translate(metadata ->> 'speaker', '<>', '  '),
      '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g');
    spoken_by := strip(to_tsvector(language::regconfig, speaker));
  end if;
  if octet_length(said) <= 65536 then
    return to_tsvector(language::regconfig, said) || spoken_by;
  end if;
  loop
    begin
      return to_tsvector(language::regconfig, said) || spoken_by;
    exception when program_limit_exceeded then
      said := left(said, length(said) / 2);
    end;
  end loop;
end
$$;
