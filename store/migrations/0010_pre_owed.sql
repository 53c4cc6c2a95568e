-- What is owed to a stream that cannot be read for now: given as soon as it can be again.

create table ops.owed_commands (                -- what the system could not tell a stream
    command_id uuid        primary key,
    stream     text        not null,            -- the one that could not be read
    envelope   jsonb       not null,
    since      timestamptz not null default clock_timestamp()
);
create index owed_commands_stream on ops.owed_commands (stream);

create table ops.passed_over (                  -- events that the follower could not read
    stream  text    not null,
    version integer not null,
    primary key (stream, version)
);

create table ops.unreached (                    -- mails out of which somebody erased is still to be taken
    mail   uuid  not null references ops.mails (id),
    person text  not null,
    words  jsonb not null,                      -- that name them, sealed with a key of this mail's own
    primary key (mail, person)
);

grant select, insert, update, delete
   on ops.owed_commands, ops.passed_over, ops.unreached to handrail_app;
