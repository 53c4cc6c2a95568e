-- The event store: append-only events with a hash chain per stream, and the receipts of commands.
-- Run by the owner role; the application role may only read, call es.append, and add receipts.

create schema es;

-- One row: what kind of store this is, decided when it is created and never changed.
-- A sandbox takes its recorded instants from the sandbox's clock, production from the database's.
create table es.store (
    only_row   boolean     primary key default true check (only_row),
    kind       text        not null check (kind in ('production', 'sandbox')),
    created_at timestamptz not null default clock_timestamp()
);

create table es.events (
    stream         text        not null check (stream <> ''),
    version        integer     not null check (version > 0),          -- 1..n, dense in a stream
    position       bigint      generated always as identity,          -- order inside a transaction
    xact_id        xid8        not null default pg_current_xact_id(), -- order of transactions
    recorded_at    timestamptz not null,                              -- when it was entered
    effective_at   timestamptz not null,                              -- when it came true
    type           text        not null,
    schema_version smallint    not null,
    command_id     uuid        not null,
    command_seq    smallint    not null,                              -- 1..k in one append
    actor          text        not null,
    causation_id   uuid,
    data           jsonb       not null,
    hash           bytea       not null,
    primary key (stream, version)
);
comment on table es.events is 'Facts, never changed nor removed; each row hashes the one before it in its stream.';

-- Subscribers read in this order, see es.read_log.
create index events_log on es.events (xact_id, position);
-- One entry per append: a command appends to a stream once.
create unique index events_command on es.events (stream, command_id) where command_seq = 1;
create index events_type_time on es.events (type, recorded_at);
create index events_time on es.events using brin (recorded_at) with (pages_per_range = 32);

-- Every command that was answered, with or without events, refusals included.
create table es.receipts (
    command_id   uuid        primary key,
    stream       text        not null,
    content_hash bytea       not null,
    receipt      jsonb       not null,
    recorded_at  timestamptz not null
);

create function es.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'feature_not_supported',
              hint = 'A mistake is mended by a correcting event.';
end $$;

create trigger append_only before update or delete or truncate on es.events
    for each statement execute function es.refuse_change();
create trigger append_only before update or delete or truncate on es.receipts
    for each statement execute function es.refuse_change();
create trigger append_only before update or delete or truncate on es.store
    for each statement execute function es.refuse_change();
-- "always": not even a connection in replica mode gets round them.
alter table es.events enable always trigger append_only;
alter table es.receipts enable always trigger append_only;
alter table es.store enable always trigger append_only;

-- The recorded instant of an append that starts now.
create function es.stamp(sandbox_now timestamptz) returns timestamptz
language sql volatile set search_path = pg_catalog, pg_temp as $$
    select case (select kind from es.store) when 'sandbox' then sandbox_now else clock_timestamp() end
$$;

-- The bytes that are hashed, in one place so that the verifier recomputes the same.
create function es.chain_hash(previous bytea, e_stream text, e_version integer,
                              e_recorded timestamptz, e_effective timestamptz, e_command uuid,
                              e_type text, e_schema smallint, e_actor text, e_causation uuid,
                              e_data jsonb)
returns bytea language sql stable parallel safe as $$
    select sha256(coalesce(previous, ''::bytea) || int4send(e_version) ||
                  timestamptz_send(e_recorded) || timestamptz_send(e_effective) ||
                  uuid_send(e_command) ||
                  convert_to(concat_ws(chr(31), e_stream, e_type, e_schema::text, e_actor,
                                       coalesce(e_causation::text, ''), e_data::text), 'UTF8'))
$$;

create type es.append_result as (
    status      text,        -- 'appended', 'duplicate' (this command appended before), 'conflict' or
                             -- 'overtaken' (at the expected version, by a younger transaction)
    version     integer,     -- the stream's version afterwards; at a conflict the current one
    positions   bigint[],    -- of each event; other writers take numbers in between
    recorded_at timestamptz
);

-- The only way in.  Answers instead of raising when somebody else was first.
create function es.append(p_stream text, p_expected integer, p_command uuid, p_types text[],
                          p_schemas smallint[], p_data jsonb[], p_effective timestamptz[],
                          p_actor text, p_causation uuid, p_sandbox_now timestamptz)
returns es.append_result
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    head    record;
    chain   bytea;
    chains  bytea[] := '{}';
    stamp   timestamptz;
    places  bigint[];
    res     es.append_result;
begin
    select e.version, e.recorded_at, e.hash, e.xact_id into head
      from es.events e where e.stream = p_stream order by e.version desc limit 1;
    if coalesce(head.version, 0) <> p_expected then
        select 'duplicate', max(e.version), array_agg(e.position order by e.version),
               max(e.recorded_at) into res
          from es.events e where e.stream = p_stream and e.command_id = p_command;
        if res.version is null then
            res := row('conflict', coalesce(head.version, 0), null, null);
        end if;
        return res;
    end if;
    -- A transaction that wrote elsewhere first, and here after a younger one, would stand before it
    -- in the log: readers would meet this stream out of order.  The caller starts again, younger.
    -- (Beyond the snapshot lie only ids from another cluster, after a restore.)
    if head.xact_id > pg_current_xact_id()
       and head.xact_id < pg_snapshot_xmax(pg_current_snapshot()) then
        return row('overtaken', head.version, null, null)::es.append_result;
    end if;
    stamp := es.stamp(p_sandbox_now);
    if stamp is null then
        raise exception 'a sandbox store needs the sandbox clock for every append'
            using errcode = 'null_value_not_allowed';
    end if;
    -- Time never runs backwards in a stream: what was known on a day is a prefix of it.
    stamp := greatest(stamp, head.recorded_at);
    chain := head.hash;
    for i in 1 .. cardinality(p_types) loop
        chain := es.chain_hash(chain, p_stream, p_expected + i, stamp, p_effective[i], p_command,
                               p_types[i], p_schemas[i], p_actor, p_causation, p_data[i]);
        chains := chains || chain;
    end loop;
    with added as (
        insert into es.events (stream, version, recorded_at, effective_at, type, schema_version,
                               command_id, command_seq, actor, causation_id, data, hash)
        select p_stream, p_expected + x.seq, stamp, x.effective, x.type, x.schema_, p_command,
               x.seq, p_actor, p_causation, x.data, x.hash
          from unnest(p_types, p_schemas, p_data, p_effective, chains)
               with ordinality as x(type, schema_, data, effective, hash, seq)
         order by x.seq
        returning version, position)
    select array_agg(added.position order by added.version) into places from added;
    return row('appended', p_expected + cardinality(p_types), places, stamp)::es.append_result;
end $$;

-- Subscribers: never passes an event whose transaction is still to commit.
create function es.read_log(after_xact xid8, after_position bigint, at_most integer)
returns setof es.events language sql stable set search_path = pg_catalog, pg_temp as $$
    select * from es.events
     where (xact_id, position) > (after_xact, after_position)
       and xact_id < pg_snapshot_xmin(pg_current_snapshot())
     order by xact_id, position limit at_most
$$;

-- Audit: the versions of a stream whose hash does not follow from what stands before; none = intact.
create function es.broken_links(p_stream text) returns setof integer
language sql stable set search_path = pg_catalog, pg_temp as $$
    select version from (
        select e.version, e.hash as have,
               es.chain_hash(lag(e.hash) over w, e.stream, e.version, e.recorded_at,
                             e.effective_at, e.command_id, e.type, e.schema_version, e.actor,
                             e.causation_id, e.data) as want,
               lag(e.version, 1, 0) over w as before
          from es.events e where e.stream = p_stream
        window w as (order by e.version)) x
     where have <> want or before <> version - 1 order by version
$$;

-- Keys that seal text about people, wrapped with a master key the database does not hold.
-- Destroying a key is erasure: the events stay, what they said about that person is gone.
create schema vault;

create table vault.keys (
    subject    text        primary key,
    wrapped    bytea,                           -- null once destroyed, so that no new key is made
    master_id  text        not null,
    created_at timestamptz not null default clock_timestamp(),
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);

create function vault.destroy(p_subject text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update vault.keys set wrapped = null, destroyed_at = clock_timestamp()
     where subject = p_subject and wrapped is not null;
    return found;
end $$;
