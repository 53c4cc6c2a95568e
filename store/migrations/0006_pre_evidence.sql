-- Evidence: what is recorded bears a seal of whoever holds the master key, and how far every stream
-- has come is sealed besides, so that a missing end is found as well as a changed middle.

-- A keyed digest made by the writer; null on what was recorded before there were seals.
alter table es.events add column seal bytea;
alter table es.receipts add column seal bytea;
-- Which receipts were there when the store was sealed last.  The first is null, and zero is meant,
-- for those from before.
alter table es.receipts add column xact_id xid8;
alter table es.receipts alter column xact_id set default pg_current_xact_id();
alter table es.receipts add column position bigint generated always as identity;
create index receipts_log on es.receipts (xact_id, position);

create table es.sealed_streams (                -- how far a stream had come when it was sealed last
    stream     text    primary key,
    version    integer not null,
    keyed_from integer not null,                -- from this version on every event bears a seal
    hash       bytea   not null,                -- of its last event: the chain up to there
    places     bytea   not null,                -- a sum over its events: position, command_seq
    orders     bytea   not null,                -- a sum over its events: xact_id
    mac        bytea   not null
);

create table es.sealed (                        -- the whole store as it was when it was sealed last
    only_row            boolean     primary key default true check (only_row),
    until               xid8        not null,   -- transactions before it are in
    restored_to         bigint      not null,   -- receipts up to here are in besides, after a restore
    receipts_to         bigint      not null,   -- the last receipt's position
    receipts_keyed_from bigint      not null,   -- from this position on every receipt bears a seal
    streams             bigint      not null,
    events              bigint      not null,
    receipts            bigint      not null,
    heads               bytea       not null,   -- a sum over es.sealed_streams
    answers             bytea       not null,   -- a sum over the receipts
    revision            text        not null,   -- of the schema that is described
    schema_             bytea       not null,   -- digest of that description
    begun_at            timestamptz not null,
    sealed_at           timestamptz not null,
    mac                 bytea       not null
);

create table es.sealed_schema (                 -- functions, triggers, constraints, grants: digests
    only_row boolean primary key default true check (only_row),
    parts    jsonb   not null
);

create function es.append(p_stream text, p_expected integer, p_command uuid, p_types text[],
                          p_schemas smallint[], p_data jsonb[], p_effective timestamptz[],
                          p_actor text, p_causation uuid, p_sandbox_now timestamptz,
                          p_seals bytea[])
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
                               command_id, command_seq, actor, causation_id, data, hash, seal)
        select p_stream, p_expected + x.seq, stamp, x.effective, x.type, x.schema_, p_command,
               x.seq, p_actor, p_causation, x.data, x.hash, x.seal
          from unnest(p_types, p_schemas, p_data, p_effective, chains, p_seals)
               with ordinality as x(type, schema_, data, effective, hash, seal, seq)
         order by x.seq
        returning version, position)
    select array_agg(added.position order by added.version) into places from added;
    return row('appended', p_expected + cardinality(p_types), places, stamp)::es.append_result;
end $$;

-- As workers call it that know of no seals: while they are replaced, what they record bears none.
create or replace function es.append(p_stream text, p_expected integer, p_command uuid,
                                     p_types text[], p_schemas smallint[], p_data jsonb[],
                                     p_effective timestamptz[], p_actor text, p_causation uuid,
                                     p_sandbox_now timestamptz)
returns es.append_result
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select es.append(p_stream, p_expected, p_command, p_types, p_schemas, p_data, p_effective,
                     p_actor, p_causation, p_sandbox_now, null)
$$;

-- A key goes with the event that says so, or not at all.
create or replace function vault.destroy(p_subject text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (select from es.events e
                    where e.stream = 'person:' || p_subject and e.type = 'person-erased'
                      and e.xact_id = pg_current_xact_id()) then
        raise exception 'no key is destroyed without its event'
            using errcode = 'insufficient_privilege',
                  hint = 'Erase a person: handrail person erase.';
    end if;
    update vault.keys set wrapped = null, destroyed_at = clock_timestamp()
     where subject = p_subject and wrapped is not null;
    return found;
end $$;

-- Whose turn it is to do what only one worker does.  Advisory locks are anybody's to take.
create table ops.turns (
    name   text        primary key,
    holder uuid        not null,
    until  timestamptz not null
);

-- A reader's transaction that was given an id holds back whoever reads the log.  The owner ends it,
-- where it has been given the reader's rights.
create function ops.end_old_readers(p_seconds double precision) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select count(*)::integer
      from (select pid from pg_stat_activity
             where usename = 'handrail_reader' and datname = current_database()
               and clock_timestamp() - xact_start > make_interval(secs => p_seconds)
               and pg_has_role(current_user, 'handrail_reader', 'usage')
            offset 0) old
     where pg_terminate_backend(old.pid)
$$;

revoke all on function es.append(text, integer, uuid, text[], smallint[], jsonb[], timestamptz[], text, uuid, timestamptz, bytea[]) from public;
revoke all on function ops.end_old_readers(double precision) from public;
grant execute on function es.append(text, integer, uuid, text[], smallint[], jsonb[], timestamptz[], text, uuid, timestamptz, bytea[]) to handrail_app;
grant execute on function ops.end_old_readers(double precision) to handrail_app;

grant select, insert, update on es.sealed, es.sealed_streams, es.sealed_schema to handrail_app;
grant select, insert, update, delete on ops.turns to handrail_app;

-- What the application has no use for.
revoke insert on es.receipts from handrail_app;
grant insert (command_id, stream, content_hash, receipt, recorded_at, seal) on es.receipts to handrail_app;
revoke insert on vault.keys from handrail_app;
grant insert (subject, wrapped, master_id) on vault.keys to handrail_app;
revoke update, delete on ops.mails from handrail_app;
grant update (content, made_on, offered, outcome, detail, at, returned_at, returned_detail) on ops.mails to handrail_app;
revoke update, delete on ops.mail_streams from handrail_app;
grant update (reported) on ops.mail_streams to handrail_app;
revoke update on ops.mail_names from handrail_app;
revoke update, delete on ops.overviews from handrail_app;
grant update (mail, empty) on ops.overviews to handrail_app;
revoke update, delete on ops.bounces_read from handrail_app;
revoke delete on ops.checkpoints from handrail_app;

-- Verifying makes the read models a second time, in tables of its own session.
do $$ begin
    execute format('grant temporary on database %I to handrail_app', current_database());
end $$;
