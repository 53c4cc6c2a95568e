-- The lives of a store: which engine it works with, and since when.  A restored store and a copy
-- begin a new one, so that neither ever meets what an earlier one left waiting in Temporal.

create table es.epochs (
    n             integer     primary key check (n > 0),
    epoch         text        not null unique,       -- part of every workflow id and queue
    begun_at      timestamptz not null default clock_timestamp(),
    why           text        not null check (why in ('made', 'restored', 'adopted', 'recovered')),
    practice      boolean     not null default false, -- a copy to practise with: no mail leaves it
    place         text        not null,              -- the cluster and the database it began in
    unknown_since timestamptz                        -- what was sent from then on until it began is
                                                     -- not known to this store
);
comment on table es.epochs is 'The lives of this store; the last one is lived now.';

create trigger append_only before update or delete or truncate on es.epochs
    for each statement execute function es.refuse_change();
alter table es.epochs enable always trigger append_only;

-- Which database this is, of which cluster: a dump that is restored and a database that is copied
-- are somewhere else.
create function es.place() returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select (select system_identifier::text from pg_control_system()) || '/' ||
           (select oid::text from pg_database where datname = current_database())
$$;

-- A new life, whoever asks first.
create function es.begin_epoch(p_why text, p_practice boolean, p_unknown_since timestamptz)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    fresh text := left(replace(gen_random_uuid()::text, '-', ''), 12);
begin
    lock table es.epochs in share row exclusive mode;
    insert into es.epochs (n, epoch, why, practice, place, unknown_since)
    select coalesce(max(e.n), 0) + 1, fresh, p_why, p_practice, es.place(), p_unknown_since
      from es.epochs e;
    return fresh;
end $$;

-- The first life of a store begins when somebody first wants to work with it, not when its tables
-- are made: an empty one may be copied as often as one likes.
create function es.first_epoch() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    lock table es.epochs in share row exclusive mode;
    if not exists (select from es.epochs) then
        perform es.begin_epoch('made', false, null);
    end if;
end $$;

-- What was begun before there were epochs goes on under the ids it has.
insert into es.epochs (n, epoch, why, place)
select 1, '', 'made', es.place() where exists (select from es.events);

-- When anything of ours was last seen at work here; what a worker says goodbye to stays known.
create table ops.signs_of_life (
    only_row boolean     primary key default true check (only_row),
    seen_at  timestamptz not null
);

revoke all on function es.place(), es.begin_epoch(text, boolean, timestamptz), es.first_epoch() from public;
grant select on es.epochs to handrail_app;
grant execute on function es.place() to handrail_app;
grant execute on function es.begin_epoch(text, boolean, timestamptz) to handrail_app;
grant execute on function es.first_epoch() to handrail_app;
grant select, insert, update, delete on ops.signs_of_life to handrail_app;
