-- What could not be decoded or decided: one row a sick command, moment, fact, mail or stream, which
-- goes when it is mended.  No value of it is kept, so nothing about people is.
create table ops.defects (
    kind       text        not null check (kind in ('command', 'moment', 'news', 'mail', 'stream')),
    place      text        not null,    -- a command's or mail's id, a stream, or stream@version
    stream     text,                    -- the stream alone that is stopped by it
    about      text        not null,    -- the kind of command, the type of event
    problem    text        not null,    -- the kind of error and where in the code, never its words
    release    text        not null,    -- by which it was seen last
    first_seen timestamptz not null default clock_timestamp(),
    last_seen  timestamptz not null default clock_timestamp(),
    seen       integer     not null default 1,
    primary key (kind, place)
);

grant select, insert, update, delete on ops.defects to handrail_app;
