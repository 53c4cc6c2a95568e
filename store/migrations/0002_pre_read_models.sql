-- Read models: what people ask for, written in the transaction of the events they come from.
-- Every row can be rebuilt from the events; nothing here is a source of truth.

create schema read;

create table read.program (
    only_row          boolean primary key default true check (only_row),
    version           integer not null,
    name              text    not null,
    agency            text    not null,
    zone              text    not null,
    sender            text    not null,
    playbook          text    not null,
    calendar          text    not null,
    gathering_seconds integer not null
);

create table read.documents (                   -- playbooks, calendars and frameworks, one row a version
    kind    text    not null check (kind in ('playbook', 'calendar', 'framework')),
    id      text    not null,
    version integer not null,
    title   text    not null,
    content jsonb   not null,
    primary key (kind, id, version)
);

create table read.people (
    id           text    primary key,
    version      integer not null,
    handle       text    unique,                -- null once erased
    name         text    not null,
    email        text,
    organisation text    not null,
    staff_roles  text[]  not null,
    left_on      date,                          -- the first day on which they are not there
    capacity     integer,                       -- engagements they can lead
    fallback     text,                          -- whom to write instead, by id
    digest       text    not null default 'daily' check (digest in ('daily', 'weekly'))
);
create index people_organisation on read.people (organisation);

create table read.leas (
    id      text    primary key,
    version integer not null,
    name    text    not null,
    type    text    not null,
    county  text,
    parent  text,
    source  text,
    facts   jsonb   not null,
    recess  jsonb   not null,
    profile jsonb   not null,
    cds     text
);

create table read.lea_names (
    folded text primary key,                    -- id, name or alias in lower case
    lea    text not null references read.leas (id) on delete cascade,
    name   text not null
);
create index lea_names_lea on read.lea_names (lea);

create table read.engagements (
    id           text        primary key,
    version      integer     not null,
    lea          text        not null,
    lea_name     text        not null,
    lea_type     text        not null,
    county       text,
    phase        text        not null,
    playbook     text        not null,
    source       text,
    opened_at    timestamptz not null,
    ended_at     timestamptz,
    end_reason   text,
    next_due     date,
    next_wake    timestamptz,
    invested     numeric(14, 2) not null,
    illustrative boolean     not null,
    held_since   date,                          -- while everything the LEA owes is on hold
    risk         text                           -- the highest level of its risks
);
create index engagements_lea on read.engagements (lea);
create index engagements_wake on read.engagements (next_wake) where next_wake is not null;

create table read.engagement_roles (
    engagement text not null,
    role       text not null,
    person     text not null,
    changes_on date,                            -- the day on which a handover ends or begins it
    primary key (engagement, role)
);
create index engagement_roles_person on read.engagement_roles (person);

create table read.obligations (                 -- what is owed now
    stream     text    not null,                -- of an engagement or an appropriation
    item       text    not null,
    title      text    not null,
    round      integer not null,
    due        date,
    owner      text    not null,                -- a role
    person     text,                            -- who holds it; null for what every Director owes
    side       text    not null,
    ask        text    not null,
    command    text    not null,
    held       text,                            -- why nobody is reminded of it for now
    snoozed_until date,                         -- nothing is sent about it before that day
    due_at     timestamptz,                     -- the instant, where it is due at an hour
    primary key (stream, item, round)
);
create index obligations_due on read.obligations (due);

create table read.deliverables (
    engagement   text    not null,
    deliverable  text    not null,
    title        text    not null,
    status       text    not null,
    due          date,                          -- agreed; null until both have signed
    round        integer not null,
    hours        numeric(7, 2) not null,        -- of the LEA's people
    proposed_due date,                          -- on the table
    unsigned     text[]  not null,              -- whose signature is missing: agency, lea
    waits_on     text[]  not null,              -- who has something to do now: agency, lea
    held         boolean not null,
    illustrative boolean not null,
    primary key (engagement, deliverable)
);

create table read.notices (                     -- the ledger
    stream      text        not null,
    n           integer     not null,
    item        text        not null,
    round       integer     not null,
    step        text        not null,
    planned_for timestamptz not null,
    due         date        not null,
    roles       text[]      not null,
    status      text        not null check (status in ('planned', 'claimed', 'sent', 'suppressed')),
    reason      text,
    at          timestamptz,
    primary key (stream, n)
);
create index notices_waiting on read.notices (planned_for) where status = 'planned';

create table read.deliveries (
    stream     text        not null,
    n          integer     not null,
    person     text        not null,
    outcome    text        not null check (outcome in ('pending', 'sent', 'bounced', 'dropped')),
    mail       uuid,
    message_id text,
    at         timestamptz,
    detail     text        not null,
    instead_of text,                            -- in whose place, where mail does not reach them
    primary key (stream, n, person)
);
create index deliveries_waiting on read.deliveries (person) where outcome = 'pending';
create index deliveries_mail on read.deliveries (mail);

create table read.appropriations (
    id          text           primary key,
    version     integer        not null,
    amount      numeric(14, 2) not null,
    invested    numeric(14, 2) not null,
    first       date           not null,
    until       date           not null,        -- may be committed until then
    spend_until date           not null,        -- may be paid until then
    source      text           not null,
    statute     text,
    next_wake   timestamptz,                    -- null once nothing of it need be committed
    illustrative boolean       not null
);

create table read.investments (
    engagement    text           not null,
    investment    text           not null,
    amount        numeric(14, 2) not null,      -- as it stands; 0 once withdrawn
    reported      numeric(14, 2) not null,      -- as first recorded
    purpose       text           not null,
    fiscal_year   text,
    kind          text,
    focus         text,
    appropriation text,
    approximate   boolean        not null,
    source        text,
    made_on       date           not null,
    corrections   integer        not null,
    withdrawn     boolean        not null,
    illustrative  boolean        not null,
    primary key (engagement, investment)
);

create table read.summits (
    id               text        primary key,
    version          integer     not null,
    title            text        not null,
    place            text        not null,
    first            date        not null,
    last             date        not null,
    registration_due date        not null,
    hours            numeric(7, 2) not null,    -- of each invited LEA's people
    playbook         text        not null,
    round            integer     not null,
    status           text        not null check (status in ('planned', 'held', 'cancelled')),
    next_wake        timestamptz,
    invited          jsonb       not null,      -- engagement: LEA
    sessions         jsonb       not null,
    pairs            jsonb       not null,
    illustrative     boolean     not null
);

create table read.invitations (                 -- an engagement's part in a summit
    engagement       text    not null,
    summit           text    not null,
    status           text    not null,
    first            date,
    last             date,
    registration_due date,
    seen             integer not null,          -- the summit's latest round that was looked at
    not_followed     text,
    over_cap         text,
    registered       integer not null,
    attended         integer not null,
    days             jsonb   not null,          -- people by day and role
    primary key (engagement, summit)
);
create index invitations_summit on read.invitations (summit);

-- A plan made while a table was tiny reads all of it for each row that is looked up.  The owner looks
-- at the tables, on behalf of whoever fills them.
create function read.take_statistics() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    t text;
begin
    for t in select tablename from pg_tables where schemaname = 'read' loop
        execute format('analyze read.%I', t);
    end loop;
end $$;

-- What the running system needs besides: mails on their way, workers alive, how far readers came.
create schema ops;

create table ops.mails (
    id         uuid        primary key,
    person     text        not null,
    local_date date        not null,
    kind       text        not null,
    message_id text        not null unique,
    content    jsonb       not null,            -- frozen before the mail server sees it; sealed
    claimed_at timestamptz not null,
    made_on    date        not null,            -- the day it speaks of: later than local_date after an outage
    offered    boolean     not null default false, -- the mail server has seen it: its text stands
    outcome    text        check (outcome in ('sent', 'bounced', 'dropped')),
    detail     text,
    at         timestamptz,
    returned_at     timestamptz,                -- a report came that it was not delivered after all
    returned_detail text,
    unique (person, local_date, kind)
);
comment on table ops.mails is 'One row a mail; a person gets at most one of a kind on a local day.';
create index mails_waiting on ops.mails (claimed_at) where outcome is null;

create table ops.overviews (                    -- whose week or month is looked over, since its day came
    person   text not null,
    overview text not null,
    period   text not null,                     -- 2027-W15, 2027-04
    mail     uuid references ops.mails (id),    -- null while it is to go, or where no mail went
    empty    boolean not null default false,    -- it had nothing to point at, so no mail went
    primary key (person, overview, period)
);

create table ops.mail_streams (                 -- what a mail speaks of
    mail     uuid    not null references ops.mails (id),
    stream   text    not null,
    reported boolean not null default false,    -- it knows what became of the mail
    primary key (mail, stream)
);

create table ops.mail_names (                   -- whom a mail names, so that they can be erased from it
    mail   uuid not null references ops.mails (id),
    person text not null,
    primary key (mail, person)
);
create index mail_names_person on ops.mail_names (person);

create table ops.bounces_read (                 -- which messages of the bounce mailbox were read
    digest  bytea       primary key,            -- of the message as it lies there
    found   text        not null,
    read_at timestamptz not null
);

create table ops.workers (
    id         text        primary key,
    started_at timestamptz not null,
    seen_at    timestamptz not null
);

create table ops.checkpoints (
    reader   text   primary key,
    xact_id  xid8   not null,
    position bigint not null
);
