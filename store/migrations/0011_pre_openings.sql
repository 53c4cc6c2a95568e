-- A command asks at once for all that it begins with, and reads only what is new to it.

-- By this a document is known to be the one that was read before.
alter table read.documents
    add column digest bigint not null generated always as (hashtextextended(content::text, 0)) stored;

-- How many keys were destroyed is asked at every command: what was read before is read again then.
create index keys_destroyed on vault.keys (subject) where wrapped is null;
