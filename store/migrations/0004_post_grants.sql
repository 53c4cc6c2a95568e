-- Least privilege: the application appends and reads, a reporting tool reads the views.

do $$ begin
    if not exists (select from pg_roles where rolname = 'handrail_app')
       or not exists (select from pg_roles where rolname = 'handrail_reader') then
        raise exception 'the roles handrail_app and handrail_reader are missing'
            using hint = 'Create them first, see docs/how-to/real-services.md.';
    end if;
end $$;

revoke all on all functions in schema es, vault, read from public;

grant usage on schema es, vault, read, ops to handrail_app;
grant select on all tables in schema es, vault, read, ops to handrail_app;
grant insert on es.receipts to handrail_app;
grant insert on vault.keys to handrail_app;
grant insert, update, delete on all tables in schema read, ops to handrail_app;
grant execute on function es.append(text, integer, uuid, text[], smallint[], jsonb[], timestamptz[], text, uuid, timestamptz) to handrail_app;
grant execute on function es.read_log(xid8, bigint, integer) to handrail_app;
grant execute on function es.broken_links(text) to handrail_app;
grant execute on function es.chain_hash(bytea, text, integer, timestamptz, timestamptz, uuid, text, smallint, text, uuid, jsonb) to handrail_app;
grant execute on function es.stamp(timestamptz) to handrail_app;
grant execute on function vault.destroy(text) to handrail_app;
grant execute on function read.take_statistics() to handrail_app;

grant usage on schema reporting to handrail_reader, handrail_app;
grant select on all tables in schema reporting to handrail_reader, handrail_app;

-- For `handrail doctor`, which compares the schema with the code.
grant select on alembic_version to handrail_app;
