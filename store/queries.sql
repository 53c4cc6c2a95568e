-- name: store-kind$
-- Whether this store is a sandbox or production; null before the first migration.
select kind from es.store;

-- name: epoch^
-- The life that this store lives now, and whether it is still where it began.
select n, epoch, begun_at, why, practice, unknown_since, place = es.place() as here
  from es.epochs order by n desc limit 1;

-- name: schema-version$
-- Which migration the tables have come to.
select version_num from alembic_version;

-- name: is-read-only$
-- Whether this database takes no changes: a copy that follows another, or one that was closed.
select current_setting('transaction_read_only') = 'on';

-- name: is-ahead-of-its-counter$
-- Whether events bear ids of transactions that this cluster has still to come to.
select exists (select from es.events where xact_id >= pg_snapshot_xmax(pg_current_snapshot()));

-- name: epochs
-- Every life of this store, the first one first.
select n, epoch, begun_at, why, practice, unknown_since from es.epochs order by n;

-- name: first-epoch$
-- Begins a store's first life, unless it has begun.
select es.first_epoch();

-- name: begin-epoch$
-- Begins another life; answers with the epoch.
select es.begin_epoch(:why, :practice, :unknown_since);

-- name: last-sign-of-life$
-- When anything was last done here, as far as this store knows.
select greatest((select seen_at from ops.signs_of_life), (select max(seen_at) from ops.workers),
                (select max(recorded_at) from es.events), (select max(recorded_at) from es.receipts));

-- name: last-recorded-before$
-- When something was last recorded before an instant.
select greatest((select max(recorded_at) from es.events where recorded_at < :at),
                (select max(recorded_at) from es.receipts where recorded_at < :at));

-- name: open-streams
-- The streams that are not over and have a workflow of their own, those that wake soonest first.
select stream from (
    select 'engagement:' || id as stream, next_wake from read.engagements where ended_at is null
    union all
    select 'summit:' || id, next_wake from read.summits where status = 'planned'
    union all
    select 'appropriation:' || id, next_wake from read.appropriations where next_wake is not null
) as o order by next_wake nulls last, stream limit :at_most;

-- name: contents^
-- How much a store holds.
select (select count(distinct stream) from es.events) as streams,
       (select count(*) from es.events) as events,
       (select count(*) from es.receipts) as receipts,
       (select count(*) from vault.keys) as keys,
       (select count(*) from ops.mails) as mails;

-- name: heads
-- The end of every stream.
select distinct on (stream) stream, version, hash from es.events order by stream, version desc;

-- name: recorded-since
-- The commands of people by which something was recorded after an instant, by their events.
select r.command_id, r.stream, r.recorded_at,
       string_agg(distinct e.type, ', ' order by e.type) as what
  from es.receipts r
  join es.events e on e.stream = r.stream and e.command_id = r.command_id
 where r.recorded_at > :since and e.actor <> 'system'
 group by r.command_id, r.stream, r.recorded_at
 order by r.recorded_at, r.command_id;

-- name: streams-of-unknown-fate
-- The streams with a reminder that was due between two instants, or that was on its way to somebody.
select stream from read.notices
 where status = 'planned' and planned_for between :since and :until
union
select stream from read.deliveries where outcome = 'pending'
 order by 1;

-- name: notices-held
-- The reminders of a stream that are not sent for a reason, or not to everybody.
select n.item, n.step, n.planned_for from read.notices n
 where n.stream = :stream
   and (n.reason = :reason and n.planned_for >= :since
        or exists (select from read.deliveries d
                    where d.stream = n.stream and d.n = n.n and d.detail = :reason))
 order by n.planned_for, n.n;

-- name: drop-unfinished-mails!
-- No mail server is handed what one may have had; the streams in them know.
with dropped as (
    update ops.mails set outcome = 'dropped', detail = :detail, at = :at where outcome is null
    returning id
)
update ops.mail_streams set reported = true where mail in (select id from dropped);

-- name: has-event$
-- Whether an event that somebody was told of is in the store.
select exists (select from es.events
                where stream = :stream and version = :version and position = :position);

-- name: read-stream
-- One stream from a version on, oldest first, as known at an instant (null: now).
select position, stream, version, type, schema_version, effective_at, recorded_at, actor,
       command_id, data
  from es.events
 where stream = :stream and version > :after
   and (:known_by::timestamptz is null or recorded_at <= :known_by)
 order by version;

-- name: read-streams
-- Several streams one after the other, each oldest first, as known at an instant.
select position, stream, version, type, schema_version, effective_at, recorded_at, actor,
       command_id, data
  from es.events
 where stream = any(:streams) and recorded_at <= :known_by
 order by stream, version;

-- name: read-each
-- The events of all streams of an aggregate in pages: stream by stream, each oldest first.
select position, stream, version, type, schema_version, effective_at, recorded_at, actor,
       command_id, data
  from es.events
 where (stream, version) > (:stream, :version) and starts_with(stream, :aggregate || ':')
   and type <> all(:without) and (:only::text[] is null or type = any(:only))
   and (:known_by::timestamptz is null or recorded_at <= :known_by)
 order by stream, version limit :at_most;

-- name: all-streams
-- Every stream, in alphabetical order.
select distinct stream from es.events order by stream;

-- name: streams-of
-- Every stream of an aggregate, such as engagement, in alphabetical order.
select distinct stream from es.events
 where stream = :aggregate or starts_with(stream, :aggregate || ':')
 order by stream;

-- name: read-log
-- The whole log after a checkpoint, never passing a transaction that is still to commit.
select xact_id::text as xact_id, position, stream, version, type, schema_version, effective_at,
       recorded_at, actor, command_id, data
  from es.read_log(:xact_id::text::xid8, :position, :at_most);

-- name: append^
-- Appends events to a stream; see es.append.
select status, version, positions, recorded_at
  from es.append(:stream, :expected, :command_id, :types, :schemas, :data, :effective, :actor,
                 :causation_id, :sandbox_now, :seals);

-- name: store-now$
-- What time it is by the clock that stamps what is recorded.
select es.stamp(:sandbox_now);

-- name: receipt^
-- The receipt of a command that was answered before.
select stream, content_hash, receipt from es.receipts where command_id = :command_id;

-- name: what-was-typed
-- What was typed for commands that were recorded, and the streams that they wrote to.
select command_id, receipt->>'typed' as typed,
       array(select distinct e->>'stream' from jsonb_array_elements(receipt->'events') e) as streams
  from es.receipts where command_id = any(:command_ids);

-- name: last-entry-of^
-- The last thing that somebody entered: the stream that its command was about.
select e.stream, e.version, e.type
  from es.events e
  left join es.receipts r using (command_id)
 where e.actor = :actor order by e.xact_id desc, e.stream = r.stream desc, e.position desc limit 1;

-- name: answered-before
-- What was answered to commands, by their ids; when, and by whom the first event was recorded.
select r.command_id, r.receipt->>'outcome' as outcome, r.recorded_at, e.actor
  from es.receipts r
  left join es.events e on e.stream = r.receipt->'events'->0->>'stream'
                       and e.version = (r.receipt->'events'->0->>'version')::integer
 where r.command_id = any(:command_ids);

-- name: add-receipt!
-- Keeps the answer to a command, stamped by the same clock as the events.  What could not be
-- decided before is now.
with mended as (delete from ops.defects
                 where kind = 'command' and place = :command_id::uuid::text)
insert into es.receipts (command_id, stream, content_hash, receipt, recorded_at, seal)
values (:command_id, :stream, :content_hash, :receipt, es.stamp(:sandbox_now), :seal);

-- name: latest-recorded-at$
-- The newest recorded instant in the store.
select max(recorded_at) from es.events;

-- name: keys
-- The wrapped keys of some subjects.
select subject, wrapped, master_id from vault.keys where subject = any(:subjects);

-- name: add-keys!
-- Keeps new keys; where somebody else was first, theirs stays.
insert into vault.keys (subject, wrapped, master_id)
select * from unnest(:subjects::text[], :wrapped::bytea[], :master_ids::text[])
on conflict do nothing;

-- name: master-ids
-- The master keys with which the keys of this store are wrapped.
select distinct master_id from vault.keys where wrapped is not null;

-- name: destroy-key$
-- Destroys the key of a subject; true when there was one.
select vault.destroy(:subject);

-- name: begin^
-- What a command begins with: its receipt, the end of its stream and an event of it, the program with
-- its calendar, which versions of playbooks there are, and some keys.
select r.command_id is not null as answered, r.stream, r.content_hash, r.receipt,
       :told_stream::text is null
           or exists (select from es.events where stream = :told_stream and version = :told_version
                                              and position = :told_position) as has_told,
       es.stamp(:sandbox_now) as now,
       head.version, head.position, head.command_id,
       known.position as known_position, known.command_id as known_command,
       (select count(*) from vault.keys where wrapped is null) as destroyed,
       (select max(n) from es.epochs) as epoch,
       p.name, p.agency, p.zone, p.sender, p.playbook, p.calendar, p.gathering_seconds,
       c.id, c.version as of_calendar, c.digest,
       case when c.digest <> all(:held) then c.content end as content,
       array(select d.id || '@' || d.version from read.documents d
              where d.kind = 'playbook' order by d.id, d.version) as playbooks,
       array(select d.digest from read.documents d
              where d.kind = 'playbook' order by d.id, d.version) as digests,
       k.subjects, k.wrapped, k.master_ids
  from (values (1)) as one
  left join es.receipts r on r.command_id = :command_id
  left join lateral (select version, position, command_id from es.events
                      where stream = :stream order by version desc limit 1) head on true
  left join es.events known on known.stream = :stream and known.version = :known
  left join read.program p on true
  left join lateral (select id, version, digest, content from read.documents d
                      where d.kind = 'calendar' and d.id = p.calendar
                      order by d.version desc limit 1) c on true
  cross join (select array_agg(subject) as subjects, array_agg(wrapped) as wrapped,
                     array_agg(master_id) as master_ids
                from vault.keys where subject = any(:subjects)) k;

-- name: end-of-stream^
-- The end of a stream and an event of it, and by what it is known whether what was read still holds.
select head.version, head.position, head.command_id,
       known.position as known_position, known.command_id as known_command,
       (select count(*) from vault.keys where wrapped is null) as destroyed,
       (select max(n) from es.epochs) as epoch
  from (values (1)) as one
  left join lateral (select version, position, command_id from es.events
                      where stream = :stream order by version desc limit 1) head on true
  left join es.events known on known.stream = :stream and known.version = :known;

-- name: program^
-- The program's settings.
select name, agency, zone, sender, playbook, calendar, gathering_seconds from read.program;

-- name: program-with-calendar^
-- The program's settings, with the newest version of its calendar; without the content of what is
-- held already.
select p.name, p.agency, p.zone, p.sender, p.playbook, p.calendar, p.gathering_seconds,
       c.id, c.version as of_calendar, c.digest,
       case when c.digest <> all(:held) then c.content end as content
  from read.program p
  left join lateral (select id, version, digest, content from read.documents d
                      where d.kind = 'calendar' and d.id = p.calendar
                      order by d.version desc limit 1) c on true;

-- name: document^
-- One version of a playbook, calendar or framework, the newest when no version is named; without the
-- content of what is held already.
select id, version, title, digest,
       case when digest <> all(:held) then content end as content
  from read.documents
 where kind = :kind and id = :id and (:version::integer is null or version = :version)
 order by version desc limit 1;

-- name: document-refs
-- All published versions of a kind.
select id, version, title from read.documents where kind = :kind order by id, version;

-- name: people-named
-- People by id or handle.
select id, handle, name, email, organisation, staff_roles, left_on, capacity, fallback, digest
  from read.people
 where id = any(:names) or handle = any(:names);

-- name: people-and-leas^
-- People by id or handle, with whoever is written to instead of them; LEAs as leas-named tells them,
-- those where any of these people work among them.
with recursive known as (
    select id, handle, name, email, organisation, staff_roles, left_on, capacity, fallback, digest
      from read.people
     where id = any(:people) or handle = any(:people)
    union
    select p.id, p.handle, p.name, p.email, p.organisation, p.staff_roles, p.left_on, p.capacity,
           p.fallback, p.digest
      from known join read.people p on p.id = known.fallback
)
select coalesce((select jsonb_agg(to_jsonb(known)) from known), '[]') as people,
       coalesce((select jsonb_agg(jsonb_build_object(
                            'folded', n.folded, 'id', l.id, 'name', l.name, 'type', l.type,
                            'county', l.county, 'recess', l.recess::text, 'works', l.works,
                            'cds', l.cds, 'closed_on', l.closed_on, 'successors', l.successors,
                            'own', n.own))
                   from read.lea_names n join read.leas l on l.id = n.lea
                  where n.folded = any(:leas)
                     or n.folded in (select organisation from known)), '[]') as leas;

-- name: people-in-text
-- Whoever may be named in a text that is in lower case.
select id, handle, name, email from read.people
 where handle is not null
   and (position(handle in :text) > 0 or position(lower(name) in :text) > 0
        or position(lower(email) in :text) > 0)
 order by id;

-- name: handles
-- Every handle.
select handle from read.people where handle is not null order by handle;

-- name: names-of-people
-- What everybody is called.
select id, handle, name from read.people where handle is not null order by handle;

-- name: people
-- The directory, optionally of one organisation.
select id, handle, name, email, organisation, staff_roles, left_on, capacity, fallback, digest
  from read.people
 where :organisation::text is null or organisation = :organisation
    or (:organisation = 'external' and starts_with(organisation, 'external:'))
 order by organisation <> 'agency', organisation, handle;

-- name: staff
-- The agency's people who have one of some staff roles.
select id, handle, name, email, organisation, staff_roles, left_on, capacity, fallback, digest
  from read.people
 where organisation = 'agency' and staff_roles && :roles::text[];

-- name: leas-named
-- LEAs by folded id, name, alias or code; a row for each that a name matches.
select n.folded, n.own, l.id, l.name, l.type, l.county, l.recess, l.works, l.cds, l.closed_on,
       l.successors
  from read.lea_names n join read.leas l on l.id = n.lea
 where n.folded = any(:names);

-- name: leas-in-recess
-- Every LEA that has a recess of its own, by its id as leas-named tells it.
select lower(id) as folded, true as own, id, name, type, county, recess, works, cds, closed_on,
       successors
  from read.leas
 where jsonb_array_length(recess) > 0;

-- name: lea-names
-- Every folded id, name and alias.
select distinct folded from read.lea_names order by folded;

-- name: names-of-leas
-- What every LEA is called.
select lea, name from read.lea_names order by lea, name;

-- name: lea^
-- One LEA by its folded id or code.
select l.id, l.name, l.type, l.county, l.parent, l.source, l.facts, l.recess, l.works, l.profile, l.cds,
       l.closed_on, l.successors,
       array(select m.name from read.lea_names m
              where m.lea = l.id and m.name not in (l.id, l.name, coalesce(l.cds, l.id))
              order by m.name) as aliases
  from read.lea_names n join read.leas l on l.id = n.lea
 where n.folded = :name and n.own;

-- name: leas
-- The registry.
select l.id, l.name, l.type, l.county, l.parent, l.cds, l.closed_on, l.successors,
       array(select n.name from read.lea_names n
              where n.lea = l.id and n.name not in (l.id, l.name, coalesce(l.cds, l.id))
              order by n.name) as aliases
  from read.leas l order by l.name;

-- name: members
-- Every engagement as the mix of the portfolio looks at it.
select e.lea, e.lea_type, e.phase, e.illustrative, l.profile
  from read.engagements e left join read.leas l on l.id = e.lea
 order by e.lea_name, e.id;

-- name: pinned-playbooks
-- How many running engagements follow each playbook version.
select playbook, count(*)::integer as engagements from read.engagements
 where ended_at is null group by playbook;

-- name: engagements-of-person
-- Where a person has a role, engagements that are over included.
select r.engagement, r.role, e.phase
  from read.engagement_roles r join read.engagements e on e.id = r.engagement
 where r.person = :person order by r.engagement, r.role;

-- name: facts-of-leas
-- What is known of every LEA, with its sources.
select id, name, facts from read.leas order by name;

-- name: engagement-ids
-- Every engagement's id.
select id from read.engagements order by id;

-- name: engagements-of-lea
-- The engagements of an LEA, oldest first.
select id, phase, ended_at from read.engagements where lea = :lea order by opened_at, id;

-- name: engagements
-- The portfolio.
select e.id, e.lea, e.lea_name, e.lea_type, e.county, e.phase, e.playbook, e.opened_at, e.ended_at,
       e.end_reason, e.next_due, e.invested, e.illustrative, lead.person as lead,
       director.person as director, e.version, e.next_wake, e.held_since, e.risk
  from read.engagements e
  left join read.engagement_roles lead on lead.engagement = e.id and lead.role = 'lead'
  left join read.engagement_roles director on director.engagement = e.id and director.role = 'director'
 where (:phase::text is null or e.phase = :phase)
   and (:person::text is null or exists (
        select from read.engagement_roles r where r.engagement = e.id and r.person = :person))
 order by e.lea_name, e.id;

-- name: held-roles
-- What somebody holds in engagements that are open, with the day of a handover that is set.
select r.engagement, r.role, r.changes_on, e.lea_name, e.version
  from read.engagement_roles r join read.engagements e on e.id = r.engagement
 where r.person = :person and e.ended_at is null
 order by r.engagement, r.role;

-- name: caseload
-- Every Lead with the open engagements they lead, or will lead from a day on; one row each, and
-- one row for a Lead without any.
select p.id, p.capacity, p.left_on, r.role, r.changes_on, e.id as engagement, e.lea_type, e.phase
  from read.people p
  left join (read.engagement_roles r join read.engagements e
               on e.id = r.engagement and e.ended_at is null and r.role in ('lead', 'incoming_lead'))
    on r.person = p.id
 where 'lead' = any(p.staff_roles) and p.organisation = 'agency' or r.role is not null
 order by p.name, p.id, r.role desc, e.id;

-- name: roles-in
-- Who holds which role in some engagements.
select engagement, role, person from read.engagement_roles where engagement = any(:engagements::text[]);

-- name: dead-addresses-by-stream
-- The items that say whose address is to be found out, each with where mail to them came back.
select stream, item from read.obligations where item like 'address/%';

-- name: may-stand-in
-- The engagements in which a person may stand in for somebody: by a role, or as a fallback contact.
with recursive may_stand_for as (
    select :person::text as person
    union
    select p.id from read.people p join may_stand_for f on p.fallback = f.person)
select distinct r.engagement
  from read.engagement_roles r
  join may_stand_for f on f.person = r.person
  join read.engagements e on e.id = r.engagement and e.ended_at is null;

-- name: due
-- What is owed across engagements and appropriations, soonest first; what has no date comes last.
-- What no single person owes is owed by everybody of the agency who has the role.
select e.id as engagement, a.id as appropriation, e.lea_name, o.item, o.title, o.round, o.due,
       o.owner, o.person, o.side, o.ask, o.command, o.held, o.snoozed_until,
       coalesce(e.illustrative, a.illustrative) as illustrative
  from read.obligations o
  left join read.engagements e on o.stream = 'engagement:' || e.id
  left join read.appropriations a on o.stream = 'appropriation:' || a.id
 where (:engagement::text is null or e.id = :engagement)
   and (:person::text is null or o.person = :person or e.id = any(:stands_in::text[])
        or a.id is not null and exists (select from read.people p
                                         where p.id = :person and o.owner = any(p.staff_roles)))
   and (:until::date is null or o.due <= :until)
 order by o.due nulls last, o.stream, o.item;

-- name: deliverables
-- Every deliverable with whose it is, by LEA; only one engagement's where one is named.
select d.engagement, e.lea_name, l.person as lead, d.deliverable, d.title, d.status, d.due, d.round,
       trim_scale(d.hours) as hours, d.proposed_due, d.unsigned, d.waits_on, d.held, d.illustrative,
       d.status = 'agreed' and 'lea' = any(d.waits_on) and not d.held
           and coalesce(d.due < :today, false) as overdue
  from read.deliverables d join read.engagements e on e.id = d.engagement
  left join read.engagement_roles l on l.engagement = d.engagement and l.role = 'lead'
 where (:engagement::text is null or d.engagement = :engagement)
 order by e.lea_name, d.engagement, substring(d.deliverable from 2)::integer;

-- name: calendar-dates
-- Every date that is owed on the engagements that are not over, by item; of an item the last round.
select distinct on (e.id, o.item)
       e.id as engagement, e.lea_name, o.item, o.title, o.round, o.due, o.due_at, o.ask, o.held,
       e.illustrative
  from read.obligations o join read.engagements e on o.stream = 'engagement:' || e.id
 where o.due is not null and e.ended_at is null
   and (:engagements::text[] is null or e.id = any(:engagements))
 order by e.id, o.item, o.round desc;

-- name: calendar-owners
-- Every engagement, whether it is over, and who leads it.
select e.id, e.lea_name, e.ended_at is not null as over, r.person as lead
  from read.engagements e
  left join read.engagement_roles r on r.engagement = e.id and r.role = 'lead'
 order by e.id;

-- name: log-moved^
-- Whether something may have been recorded since an earlier look, and how to ask the next time.
select pg_snapshot_xmin(pg_current_snapshot())::text as seen,
       exists (select from es.events
                where :seen::text is null or xact_id >= :seen::text::xid8) as moved;

-- name: ledger
-- Every planned notice of a stream with its deliveries.
select n.n, n.item, n.round, n.step, n.planned_for, n.due, n.roles, n.status, n.reason, n.at,
       coalesce(
           (select jsonb_agg(jsonb_build_object('to', d.person, 'outcome', d.outcome, 'at', d.at,
                                                'message_id', d.message_id, 'detail', d.detail,
                                                'mail', d.mail,
                                                'instead_of', d.instead_of)
                             order by d.instead_of nulls first, d.person)
              from read.deliveries d
             where d.stream = n.stream and d.n = n.n),
           '[]'::jsonb) as deliveries
  from read.notices n
 where n.stream = :stream and (:item::text is null or n.item = :item)
 order by n.planned_for, n.n;

-- name: put-program!
-- Replaces the program's row.
insert into read.program (version, name, agency, zone, sender, playbook, calendar, gathering_seconds)
values (:version, :name, :agency, :zone, :sender, :playbook, :calendar, :gathering_seconds)
on conflict (only_row) do update
   set version = excluded.version, name = excluded.name, agency = excluded.agency,
       zone = excluded.zone, sender = excluded.sender, playbook = excluded.playbook,
       calendar = excluded.calendar, gathering_seconds = excluded.gathering_seconds;

-- name: put-document!
-- Keeps a published version.
insert into read.documents (kind, id, version, title, content)
values (:kind, :id, :version, :title, :content)
on conflict (kind, id, version) do update
   set title = excluded.title, content = excluded.content;

-- name: put-person!
-- Replaces a person's row.
insert into read.people (id, version, handle, name, email, organisation, staff_roles, left_on,
                         capacity, fallback, digest)
values (:id, :version, :handle, :name, :email, :organisation, :staff_roles, :left_on, :capacity,
        :fallback, :digest)
on conflict (id) do update
   set version = excluded.version, handle = excluded.handle, name = excluded.name,
       email = excluded.email, organisation = excluded.organisation,
       staff_roles = excluded.staff_roles, left_on = excluded.left_on,
       capacity = excluded.capacity, fallback = excluded.fallback, digest = excluded.digest;

-- name: put-lea!
-- Replaces an LEA's row.
insert into read.leas (id, version, name, type, county, parent, source, facts, recess, works,
                       profile, cds, closed_on, successors)
values (:id, :version, :name, :type, :county, :parent, :source, :facts, :recess, :works, :profile,
        :cds, :closed_on, :successors)
on conflict (id) do update
   set version = excluded.version, name = excluded.name, type = excluded.type,
       county = excluded.county, parent = excluded.parent, source = excluded.source,
       facts = excluded.facts, recess = excluded.recess, works = excluded.works,
       profile = excluded.profile, cds = excluded.cds, closed_on = excluded.closed_on,
       successors = excluded.successors;

-- name: pass-on-lea!
-- What the registry says of an LEA, in the rows of its engagements.
update read.engagements set lea_name = :name, lea_type = :type, county = :county
 where lea = :id and (lea_name, lea_type, county) is distinct from (:name, :type, :county);

-- name: drop-lea-names!
-- Takes away the names that an LEA has no more.
delete from read.lea_names where lea = :lea and not folded = any(:folded::text[]);

-- name: hold-lea-names!
-- Nobody else gives an LEA a name before this transaction ends.
lock table read.lea_names in share row exclusive mode;

-- name: put-lea-names!
-- Adds the names of an LEA; the first :own of them stand for it alone.
insert into read.lea_names (folded, lea, name, own)
select distinct on (folded) folded, :lea, name, n <= :own
  from unnest(:folded::text[], :names::text[]) with ordinality as x(folded, name, n)
 order by folded, n
    on conflict (folded, lea) do update set name = excluded.name, own = excluded.own;

-- name: hold-engagement$
-- The version of an engagement's rows, which nobody replaces before this transaction ends.
select version from read.engagements where id = :id for update;

-- name: hold-summit$
-- The version of a summit's row, which nobody replaces before this transaction ends.
select version from read.summits where id = :id for update;

-- name: hold-appropriation$
-- The version of an appropriation's row, which nobody replaces before this transaction ends.
select version from read.appropriations where id = :id for update;

-- name: put-standing!
-- Replaces the rows of what owes: what is owed and the notices that changed, and of an engagement
-- itself, its roles, its deliverables and its invitations; none of these is ever taken away.
with one as (
    insert into read.engagements (id, version, lea, lea_name, lea_type, county, phase, playbook,
        source, opened_at, ended_at, end_reason, next_due, next_wake, invested, illustrative,
        held_since, risk)
    select id, version, lea, lea_name, lea_type, county, phase, playbook, source, opened_at,
           ended_at, end_reason, next_due, next_wake, invested, illustrative, held_since, risk
      from jsonb_populate_recordset(null::read.engagements, :engagements::jsonb)
    on conflict (id) do update
       set version = excluded.version, lea = excluded.lea, lea_name = excluded.lea_name,
           lea_type = excluded.lea_type, county = excluded.county, phase = excluded.phase,
           playbook = excluded.playbook, source = excluded.source,
           opened_at = excluded.opened_at, ended_at = excluded.ended_at,
           end_reason = excluded.end_reason, next_due = excluded.next_due,
           next_wake = excluded.next_wake, invested = excluded.invested, illustrative = excluded.illustrative,
           held_since = excluded.held_since, risk = excluded.risk
), vacant as (
    delete from read.engagement_roles r
     where 'engagement:' || r.engagement = :stream
       and not exists (select from jsonb_populate_recordset(null::read.engagement_roles,
                                                            :roles::jsonb) n
                        where n.role = r.role)
), made as (
    insert into read.deliverables as d (engagement, deliverable, title, status, due, round, hours,
        proposed_due, unsigned, waits_on, held, illustrative)
    select engagement, deliverable, title, status, due, round, hours, proposed_due, unsigned,
           waits_on, held, illustrative
      from jsonb_populate_recordset(null::read.deliverables, :deliverables::jsonb)
    on conflict (engagement, deliverable) do update
       set title = excluded.title, status = excluded.status, due = excluded.due,
           round = excluded.round, hours = excluded.hours, proposed_due = excluded.proposed_due,
           unsigned = excluded.unsigned, waits_on = excluded.waits_on, held = excluded.held,
           illustrative = excluded.illustrative
     where d is distinct from excluded
), manned as (
    insert into read.engagement_roles (engagement, role, person, changes_on)
    select engagement, role, person, changes_on
      from jsonb_populate_recordset(null::read.engagement_roles, :roles::jsonb)
    on conflict (engagement, role) do update
       set person = excluded.person, changes_on = excluded.changes_on
), summoned as (
    insert into read.invitations (engagement, summit, status, first, last, registration_due, seen,
        not_followed, over_cap, registered, attended, days)
    select engagement, summit, status, first, last, registration_due, seen, not_followed, over_cap,
           registered, attended, days
      from jsonb_populate_recordset(null::read.invitations, :invitations::jsonb)
    on conflict (engagement, summit) do update
       set status = excluded.status, first = excluded.first, last = excluded.last,
           registration_due = excluded.registration_due, seen = excluded.seen,
           not_followed = excluded.not_followed, over_cap = excluded.over_cap,
           registered = excluded.registered, attended = excluded.attended, days = excluded.days
), gone as (
    delete from read.obligations o
     where o.stream = :stream
       and not exists (select from jsonb_populate_recordset(null::read.obligations, :owed::jsonb) n
                        where n.item = o.item and n.round = o.round)
), owed as (
    insert into read.obligations (stream, item, title, round, due, owner, person, side, ask,
        command, held, snoozed_until, due_at)
    select stream, item, title, round, due, owner, person, side, ask, command, held, snoozed_until,
           due_at
      from jsonb_populate_recordset(null::read.obligations, :owed::jsonb)
    on conflict (stream, item, round) do update
       set title = excluded.title, due = excluded.due, owner = excluded.owner,
           person = excluded.person, side = excluded.side, ask = excluded.ask,
           command = excluded.command, held = excluded.held, due_at = excluded.due_at,
           snoozed_until = excluded.snoozed_until
), plan as (
    insert into read.notices (stream, n, item, round, step, planned_for, due, roles, status, reason,
        at)
    select stream, n, item, round, step, planned_for, due, roles, status, reason, at
      from jsonb_populate_recordset(null::read.notices, :notices::jsonb)
    on conflict (stream, n) do update
       set status = excluded.status, reason = excluded.reason, at = excluded.at
)
insert into read.deliveries (stream, n, person, outcome, mail, message_id, at, detail, instead_of)
select stream, n, person, outcome, mail, message_id, at, detail, instead_of
  from jsonb_populate_recordset(null::read.deliveries, :deliveries::jsonb)
on conflict (stream, n, person) do update
   set outcome = excluded.outcome, mail = excluded.mail, message_id = excluded.message_id,
       at = excluded.at, detail = excluded.detail, instead_of = excluded.instead_of;

-- name: appropriations
-- Every appropriation with what is invested from it.
select id, version, amount, invested, first, until, spend_until from read.appropriations
 order by first, id;

-- name: put-appropriation!
-- Replaces an appropriation's row.
insert into read.appropriations (id, version, amount, invested, first, until, spend_until, source,
                                 statute, next_wake, illustrative)
values (:id, :version, :amount, :invested, :first, :until, :spend_until, :source, :statute,
        :next_wake, :illustrative)
on conflict (id) do update
   set version = excluded.version, amount = excluded.amount, invested = excluded.invested,
       first = excluded.first, until = excluded.until, spend_until = excluded.spend_until,
       source = excluded.source, statute = excluded.statute, next_wake = excluded.next_wake,
       illustrative = excluded.illustrative;

-- name: running-appropriations
-- Every appropriation of which something must be committed, with when it next must wake, and whether
-- a notice that is claimed still waits for somebody's mail.
select a.id, a.next_wake,
       exists (select from read.deliveries d
                where d.stream = 'appropriation:' || a.id and d.outcome = 'pending'
                  and d.mail is null) as waiting
  from read.appropriations a
 where a.next_wake is not null
 order by a.id;

-- name: put-investment!
-- Replaces an investment's row.
insert into read.investments (engagement, investment, amount, reported, purpose, fiscal_year, kind,
                              focus, appropriation, approximate, source, made_on, corrections,
                              withdrawn, illustrative)
values (:engagement, :investment, :amount, :reported, :purpose, :fiscal_year, :kind, :focus,
        :appropriation, :approximate, :source, :made_on, :corrections, :withdrawn, :illustrative)
on conflict (engagement, investment) do update
   set amount = excluded.amount, purpose = excluded.purpose, fiscal_year = excluded.fiscal_year,
       kind = excluded.kind, appropriation = excluded.appropriation,
       corrections = excluded.corrections, withdrawn = excluded.withdrawn;

-- name: without-appropriation
-- The investments that stand and draw from no appropriation, oldest first.
select engagement, investment, amount, fiscal_year, made_on
  from read.investments
 where appropriation is null and not withdrawn
 order by made_on, engagement, substring(investment from 5)::integer;

-- name: put-summit!
-- Replaces a summit's row.
insert into read.summits (id, version, title, place, first, last, registration_due, hours, playbook,
                          round, status, next_wake, invited, sessions, pairs, illustrative)
values (:id, :version, :title, :place, :first, :last, :registration_due, :hours, :playbook,
        :round, :status, :next_wake, :invited, :sessions, :pairs, :illustrative)
on conflict (id) do update
   set version = excluded.version, title = excluded.title, place = excluded.place,
       first = excluded.first, last = excluded.last, registration_due = excluded.registration_due,
       hours = excluded.hours, playbook = excluded.playbook, illustrative = excluded.illustrative,
       round = excluded.round, status = excluded.status, next_wake = excluded.next_wake,
       invited = excluded.invited, sessions = excluded.sessions, pairs = excluded.pairs;

-- name: take-back-rows!
-- Empties what an engagement has rows of that are else never taken away, before they are put anew.
with deliverables as (delete from read.deliverables where engagement = :id),
     investments as (delete from read.investments where engagement = :id)
delete from read.invitations where engagement = :id;

-- name: summit^
-- One summit, with those of its engagements that are over.
select s.*, array(select e.id from read.engagements e
                   where e.ended_at is not null and s.invited ? e.id) as over
  from read.summits s where s.id = :id;

-- name: summits
-- Every summit in the order of its days, with how many LEAs are expected and how many people came.
select s.*,
       (select count(*) from read.invitations i
         where i.summit = s.id and i.status in ('invited', 'registered')) as expected,
       (select coalesce(sum(i.registered), 0) from read.invitations i
         where i.summit = s.id and i.status = 'registered') as registered,
       (select coalesce(sum(i.attended), 0) from read.invitations i where i.summit = s.id) as attended,
       (select count(*) from read.invitations i where i.summit = s.id and i.attended > 0) as leas
  from read.summits s order by s.first, s.id;

-- name: invitations-to
-- What became of a summit's invitations, an LEA a row.
select i.*, e.lea_name, e.phase, e.illustrative
  from read.invitations i join read.engagements e on e.id = i.engagement
 where i.summit = :summit order by e.lea_name, i.engagement;

-- name: running-summits
-- Every summit that is neither over nor called off, with when its last day ends.
select id, status, next_wake from read.summits where status = 'planned' order by id;

-- name: lock-read-models#
-- Makes every writer wait until a rebuild is done; readers go on.
lock table read.program, read.documents, read.people, read.leas, read.lea_names, read.engagements,
           read.engagement_roles, read.obligations, read.deliverables, read.notices,
           read.deliveries,
           read.investments, read.appropriations, read.summits, read.invitations
  in share row exclusive mode;

-- name: take-statistics$
-- Looks at the read models as they are now, so that statements planned from here on fit their size.
select read.take_statistics();

-- name: clear-read-models!
-- Empties every read model before a rebuild, but for what is said of some streams.
with money as (
    delete from read.investments where 'engagement:' || engagement <> all(:kept::text[])
), source as (
    delete from read.appropriations where 'appropriation:' || id <> all(:kept)
), invited as (
    delete from read.invitations where 'engagement:' || engagement <> all(:kept)
), met as (
    delete from read.summits where 'summit:' || id <> all(:kept)
), told as (
    delete from read.deliveries where stream <> all(:kept)
), planned as (
    delete from read.notices where stream <> all(:kept)
), owed as (
    delete from read.obligations where stream <> all(:kept)
), made as (
    delete from read.deliverables where 'engagement:' || engagement <> all(:kept)
), held as (
    delete from read.engagement_roles where 'engagement:' || engagement <> all(:kept)
), running as (
    delete from read.engagements where 'engagement:' || id <> all(:kept)
), called as (
    delete from read.lea_names where 'lea:' || lea <> all(:kept)
), registered as (
    delete from read.leas where 'lea:' || id <> all(:kept)
), known as (
    delete from read.people where 'person:' || id <> all(:kept)
), published as (
    delete from read.documents where kind || ':' || id <> all(:kept)
)
delete from read.program where 'program' <> all(:kept);

-- name: streams-to-claim
-- Streams with something due by an instant that may concern this person, also as somebody's
-- fallback contact.
with recursive may_stand_for as (
    select :person::text as person
    union
    select p.id from read.people p join may_stand_for f on p.fallback = f.person)
select distinct n.stream
  from read.notices n
  join read.engagement_roles r on n.stream = 'engagement:' || r.engagement
  join may_stand_for f on f.person = r.person
 where n.status = 'planned' and n.planned_for <= :until
union
select distinct n.stream
  from read.notices n
 where starts_with(n.stream, 'appropriation:') and n.status = 'planned' and n.planned_for <= :until
   and exists (select from read.people p join may_stand_for f on f.person = p.id
                where p.staff_roles && '{director,assistant}')
union
select distinct stream
  from read.deliveries
 where person = :person and outcome = 'pending' and mail is null
 order by 1;

-- name: streams-to-take-back
-- Streams on which a date still ahead was announced to a person and is not owed any more, or one
-- that was entered by mistake.
select distinct n.stream
  from read.notices n
  join read.deliveries d on d.stream = n.stream and d.n = n.n
 where d.person = :person and d.outcome = 'sent'
   and (n.due > :today
        or exists (select from read.notices s
                    where s.stream = n.stream and s.item = n.item and s.round = n.round
                      and s.status = 'suppressed' and s.reason = 'taken back'))
   and not exists (select from read.obligations o
                    where o.stream = n.stream and o.item = n.item)
 order by 1;

-- name: streams-telling
-- Streams that still have to tell somebody something.
select distinct stream from read.deliveries
 where person = :person and outcome = 'pending' and mail is null
 order by 1;

-- name: streams-with-dead-address
-- The streams on which an address is to be found out, by the item that says so.
select stream from read.obligations where item = :item order by 1;

-- name: running-engagements
-- Every engagement that is not over, with when it next must wake, and whether a notice that is
-- claimed still waits for somebody's mail.
select e.id, e.phase, e.next_wake, e.version,
       exists (select from read.deliveries d
                where d.stream = 'engagement:' || e.id and d.outcome = 'pending'
                  and d.mail is null) as waiting
  from read.engagements e
 where e.ended_at is null
    or exists (select from read.deliveries d
                where d.stream = 'engagement:' || e.id and d.outcome = 'pending'
                  and d.mail is null)
 order by e.id;

-- name: mail^
-- One mail.
select id, person, local_date, kind, message_id, content, claimed_at, made_on, offered, outcome,
       detail, at, returned_at, returned_detail
  from ops.mails where id = :id;

-- name: mailed-since
-- Who has got a mail of this kind since a local day, or has one that no mail server has taken yet.
select distinct person from ops.mails
 where kind = :kind and (local_date >= :since or made_on >= :since or outcome is null);

-- name: mails-since
-- The mails of this kind since a local day, with their days.
select person, greatest(local_date, made_on) as on from ops.mails
 where kind = :kind and (local_date >= :since or made_on >= :since);

-- name: has-another-mail$
-- Whether a person has another mail of this kind, of that day or still on its way.
select exists (select from ops.mails
                where person = :person and kind = :kind and id <> :id
                  and (made_on = :local_date or outcome is null));

-- name: add-mail!
-- Freezes a mail before the mail server sees it.
insert into ops.mails (id, person, local_date, kind, message_id, content, claimed_at, made_on)
values (:id, :person, :local_date, :kind, :message_id, :content, :claimed_at, :local_date);

-- name: make-mail-anew!
-- Replaces the text of a mail that no mail server has seen, or that is lost: nobody can open it.
update ops.mails set content = :content, made_on = :made_on
 where id = :id and outcome is null and (not offered or :lost);

-- name: hold-people
-- Those of some people who are not erased; none of them is until this transaction ends.
select id from read.people where id = any(:persons) and handle is not null order by id for share;

-- name: take-person!
-- Whoever writes about a person waits until this transaction ends, or is waited for.
select id from read.people where id = :person for update;

-- name: put-mail-names!
-- Whom the text of a mail names, besides its reader.
with gone as (
    delete from ops.mail_names where mail = :mail and person <> all(:persons::text[])
)
insert into ops.mail_names (mail, person)
select :mail, x from unnest(:persons::text[]) as x
    on conflict do nothing;

-- name: mails-naming
-- The mails to others whose text names a person.
select m.id, m.content from ops.mail_names n join ops.mails m on m.id = n.mail
 where n.person = :person and m.person <> :person
 order by m.id;

-- name: mails-about
-- The mails to a person and those to others that name them, with what is kept of each.
select m.id, m.person, m.message_id, m.content from ops.mails m
 where m.person = :person
union all
select m.id, m.person, m.message_id, m.content
  from ops.mail_names n join ops.mails m on m.id = n.mail
 where n.person = :person and m.person <> :person;

-- name: rewrite-mail!
-- A mail names somebody no more who was erased.
update ops.mails set content = :content where id = :id;

-- name: take-in-hand$
-- Take a mail in hand for as long as this session lives; false where another session of ours has
-- it.  A lock that somebody else took, as any role may, keeps no mail back.
select pg_try_advisory_lock(720575940, :mail::int) or not exists (
    select from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.classid = 720575940 and l.objid = :mail::int::oid
       and l.objsubid = 2 and l.granted and a.datname = current_database()
       and a.usename = current_user);

-- name: let-go!
-- The session has a mail in hand no more.
select pg_advisory_unlock(720575940, :mail::int);

-- name: offer-mail!
-- The mail server is about to see the text: from now on it stands.
update ops.mails set offered = true where id = :id;

-- name: streams-in-mail
-- The streams a mail speaks of.
select stream from ops.mail_streams where mail = :mail order by stream;

-- name: forget-overviews
-- What a mail says of the week or month is looked up again, for whom it was made: the mail is made
-- anew, or came back.
update ops.overviews set mail = null where mail = :mail returning person, overview;

-- name: add-mail-streams!
-- The streams a mail speaks of.
insert into ops.mail_streams (mail, stream)
select :mail, x from unnest(:streams::text[]) as x
    on conflict do nothing;

-- name: overview-had-its-day$
-- Whether the day of a week's or month's overview has come for anybody.
select exists (select from ops.overviews where overview = :overview and period = :period);

-- name: add-overviews!
-- The day of a week's or month's overview has come: who is to have it.  That is whoever holds the
-- role in an engagement that was recorded by then and is not over.
insert into ops.overviews (person, overview, period)
select distinct r.person, :overview::text, :period::text
  from read.engagement_roles r
  join read.engagements e on e.id = r.engagement
  join es.events begun on begun.stream = 'engagement:' || e.id and begun.version = 1
 where r.role = :role and e.ended_at is null and begun.recorded_at <= :by
    on conflict do nothing;

-- name: overviews-to-go
-- Whose overview of a week or month has still to go.
select person from ops.overviews
 where overview = :overview and period = :period and mail is null and not empty;

-- name: overview-is-empty!
-- A person's overview of a week or month has nothing to point at, and is not looked at again.
update ops.overviews set empty = true
 where person = :person and overview = :overview and period = :period;

-- name: overviews-in-mail$
-- Whether a mail says anything of a week or month.
select exists (select from ops.overviews where mail = :mail);

-- name: overview-engagement$
-- The engagement that answers for a mail with nothing but somebody's overview: one of theirs, with
-- an assistant other than the reader if there is one.
select r.engagement
  from read.engagement_roles r
  join read.engagements e on e.id = r.engagement
  left join read.engagement_roles a
    on a.engagement = e.id and a.role = 'assistant' and a.person <> :reader
 where r.role = :role and r.person = :person and e.ended_at is null
 order by a.person is null, e.id
 limit 1;

-- name: dead-addresses
-- The items that say whose address is to be found out.
select distinct item from read.obligations where item like 'address/%';

-- name: put-overview!
-- A mail has a person's overview of a week or month.
update ops.overviews set mail = :mail
 where person = :person and overview = :overview and period = :period;

-- name: work-is-under-way$
-- Whether any engagement is not over.
select exists (select from read.engagements where ended_at is null);

-- name: overview-people
-- Whoever holds a role in an engagement that is not over.
select distinct r.person
  from read.engagement_roles r join read.engagements e on e.id = r.engagement
 where r.role = :role and e.ended_at is null
 order by 1;

-- name: overview-people-of
-- Those of them whose overview a person may read: their own, and that of whomever they stand in for.
with recursive may_stand_for as (
    select :person::text as person
    union
    select p.id from read.people p join may_stand_for f on p.fallback = f.person)
select distinct r.person
  from read.engagement_roles r
  join read.engagements e on e.id = r.engagement
  join may_stand_for f on f.person = r.person
 where r.role = :role and e.ended_at is null
 order by 1;

-- name: overview-owed
-- What is owed by a day on the engagements in which a person holds a role; what is held is not late.
select e.id, e.lea_name, e.illustrative, o.item, o.title, o.due, o.owner, o.person
  from read.engagements e
  join read.engagement_roles r on r.engagement = e.id and r.role = :role and r.person = :person
  join read.obligations o on o.stream = 'engagement:' || e.id
 where e.ended_at is null and o.due <= :until and o.held is null
 order by o.due, e.lea_name, o.item;

-- name: overview-quiet
-- The engagements on which nobody has recorded anything since an instant.
select e.id, e.lea_name, e.illustrative, last.at
  from read.engagements e
  join read.engagement_roles r on r.engagement = e.id and r.role = :role and r.person = :person
  cross join lateral (select max(v.recorded_at) as at from es.events v
                       where v.stream = 'engagement:' || e.id and v.actor <> 'system') last
 where e.ended_at is null and last.at < :since
 order by last.at, e.lea_name;

-- name: overview-at-risk
-- The engagements whose highest risk is of one of the levels, or that are on hold.
select e.id, e.lea_name, e.illustrative, e.risk, e.held_since
  from read.engagements e
  join read.engagement_roles r on r.engagement = e.id and r.role = :role and r.person = :person
 where e.ended_at is null and (e.risk = any(:levels) or e.held_since is not null)
 order by e.lea_name;

-- name: expiring
-- The appropriations of which something is left that must be committed by a day.
select a.id, a.source, a.amount, a.invested, a.until, a.illustrative
  from read.appropriations a
 where a.until between :today and :by
   and exists (select from read.obligations o
                where o.stream = 'appropriation:' || a.id and o.item = 'money/commit')
 order by a.until, a.id;

-- name: overview-bounced
-- Mails that came back since an instant, on the engagements in which a person holds a role.
select e.id, e.lea_name, e.illustrative, d.person, max(d.at) as at
  from read.engagements e
  join read.engagement_roles r on r.engagement = e.id and r.role = :role and r.person = :person
  join read.deliveries d on d.stream = 'engagement:' || e.id
 where e.ended_at is null and d.outcome = 'bounced' and d.at >= :since
 group by e.id, d.person
 order by at, e.lea_name;

-- name: settle-mail!
-- What became of a mail; the first answer stays.
update ops.mails set outcome = :outcome, detail = :detail, at = :at
 where id = :id and outcome is null;

-- name: return-mail!
-- A mail came back after the mail server had taken it; the first report stays.
update ops.mails set returned_at = :at, returned_detail = :detail
 where id = :id and returned_at is null;

-- name: bounces-read
-- Which of some messages of the bounce mailbox were read before.
select digest from ops.bounces_read where digest = any(:digests);

-- name: add-bounce-read!
-- A message of the bounce mailbox was read.
insert into ops.bounces_read (digest, found, read_at)
values (:digest, :found, clock_timestamp()) on conflict do nothing;

-- name: thread^
-- The first and the last mail that somebody got about one stream and no other; nulls where none.
select (array_agg(message_id order by at, id))[1] as first,
       (array_agg(message_id order by at desc, id desc))[1] as last
  from ops.mails m join ops.mail_streams s on s.mail = m.id
 where person = :person and stream = :stream and outcome = 'sent' and returned_at is null
   and not exists (select from ops.mail_streams o where o.mail = m.id and o.stream <> s.stream);

-- name: bounces-found
-- What was found in the messages of the bounce mailbox that were read in the last days.
select found, count(*) as count from ops.bounces_read
 where read_at > clock_timestamp() - make_interval(days => :days)
 group by found order by found;

-- name: unreported-streams
-- The streams that do not know yet what became of a mail.
select stream from ops.mail_streams where mail = :mail and not reported order by stream;

-- name: mark-reported!
-- A stream knows.
update ops.mail_streams set reported = true where mail = :mail and stream = :stream;

-- name: unfinished-mails
-- Mails on their way: not settled, or not reported everywhere.
select m.id, m.person, m.local_date, m.kind from ops.mails m
 where m.outcome is null
    or exists (select from ops.mail_streams s where s.mail = m.id and not s.reported)
 order by m.claimed_at;

-- name: beat$
-- A worker says that it is alive; what time it is by the database's clock.
with life as (
    insert into ops.signs_of_life (seen_at) values (clock_timestamp())
    on conflict (only_row) do update set seen_at = excluded.seen_at
)
insert into ops.workers (id, started_at, seen_at, release, schema)
values (:id, clock_timestamp(), clock_timestamp(), :release, :schema)
on conflict (id) do update
   set seen_at = excluded.seen_at, release = excluded.release, schema = excluded.schema
returning seen_at;

-- name: bury!
-- A worker says goodbye, and clears away those that died without a word long ago.
delete from ops.workers where id = :id or seen_at < clock_timestamp() - interval '1 day';

-- name: live-workers$
-- How many workers were alive a moment ago.
select count(*) from ops.workers where seen_at > clock_timestamp() - interval '6 seconds';

-- name: living
-- Every worker that was alive a moment ago, with what it runs.
select id, release, schema from ops.workers
 where seen_at > clock_timestamp() - interval '6 seconds' order by id;

-- name: held-up^
-- The events that no reader of the log may see yet, and the oldest transaction, for which they wait.
select count(*) as events, min(recorded_at) as since, clock_timestamp() as now,
       (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text as xid
  from es.events where xact_id >= pg_snapshot_xmin(pg_current_snapshot());

-- name: holder^
-- Whose transaction it is: a session's in any database of the cluster, or a prepared one.
select l.pid, coalesce(a.usename, p.owner) as usename, coalesce(a.datname, p.database) as datname,
       p.gid
  from pg_locks l
  left join pg_stat_activity a on a.pid = l.pid
  left join pg_prepared_xacts p on p.transaction = l.transactionid
 where l.locktype = 'transactionid' and l.granted and l.transactionid = :xid::text::xid;

-- name: unread-since^
-- How many events a reader of the log has not come to, of those it may see, and since when.
select count(*) as events, min(e.recorded_at) as since, clock_timestamp() as now
  from es.events e
 where (e.xact_id, e.position) >
       (coalesce((select xact_id from ops.checkpoints where reader = :reader), '0'),
        coalesce((select position from ops.checkpoints where reader = :reader), 0))
   and e.xact_id < pg_snapshot_xmin(pg_current_snapshot());

-- name: reads-weekly$
-- Whether somebody is told once a week.
select exists (select from read.people where digest = 'weekly');

-- name: untold^
-- The notices that came due so long ago, since when nobody at all was written to.
select count(*) as notices, min(planned_for) as since from read.notices n
 where status = 'planned' and planned_for < clock_timestamp() - :waits::interval
   and not exists (select from ops.mails m where m.claimed_at >= n.planned_for);

-- name: mails-waiting^
-- The mails that were made so long ago and that no mail server has taken or refused.
select count(*) as mails, min(claimed_at) as since from ops.mails
 where outcome is null and claimed_at < clock_timestamp() - :waits::interval;

-- name: checkpoint^
-- How far a reader of the log came; nothing where that lies beyond the log, for there it never was.
select xact_id::text as xact_id, position from ops.checkpoints c
 where reader = :reader
   and exists (select from es.events e where (e.xact_id, e.position) >= (c.xact_id, c.position));

-- name: unread$
-- How many events a reader of the log has not come to yet.
select count(*) from es.events e
 where (e.xact_id, e.position) >
       (coalesce((select xact_id from ops.checkpoints where reader = :reader), '0'),
        coalesce((select position from ops.checkpoints where reader = :reader), 0));

-- name: put-checkpoint!
-- A reader came this far.
insert into ops.checkpoints (reader, xact_id, position)
values (:reader, :xact_id::text::xid8, :position)
on conflict (reader) do update set xact_id = excluded.xact_id, position = excluded.position;

-- name: note-defect$
-- Something could not be decoded or decided; seen again, it is counted.  How often it was seen.
insert into ops.defects as d
       (kind, place, stream, about, problem, release, first_seen, last_seen)
values (:kind, :place, :stream, :about, :problem, :release,
        statement_timestamp(), statement_timestamp())
on conflict (kind, place) do update
   set stream = excluded.stream, about = excluded.about, problem = excluded.problem,
       release = excluded.release, last_seen = excluded.last_seen, seen = d.seen + 1
returning seen;

-- name: mend-defect$
-- It was decoded or decided after all.
delete from ops.defects where kind = :kind and place = :place returning true;

-- name: facts-of-command
-- Where the facts that one command recorded stand.
select stream, version from es.events where command_id = :id order by xact_id, position;

-- name: defects
-- Everything that could not be decoded or decided, the oldest first.
select kind, place, stream, about, problem, release, first_seen, last_seen, seen
  from ops.defects order by first_seen, kind, place;

-- name: take-turn$
-- Whether it is a worker's turn: its own already, or nobody's.
insert into ops.turns as t (name, holder, until)
values (:name, :holder, clock_timestamp() + make_interval(secs => :seconds::double precision))
on conflict (name) do update set holder = excluded.holder, until = excluded.until
 where t.holder = excluded.holder or t.until < clock_timestamp()
returning true;

-- name: give-turn-back!
-- The next one may have it.
delete from ops.turns where name = :name and holder = :holder;

-- name: end-old-readers$
-- Ends transactions of the reader's role that last too long; how many there were.
select ops.end_old_readers(:seconds);

-- name: sealed^
-- The store as it was when it was sealed last.
select until::text as until, restored_to, receipts_to, receipts_keyed_from, streams, events,
       receipts, heads, answers, revision, schema_, begun_at, sealed_at, mac
  from es.sealed;

-- name: bears-seals$
-- Whether anything was recorded or sealed with the master key.
select exists (select from es.events where seal is not null)
    or exists (select from es.sealed_streams);

-- name: take-turn-to-seal!
-- Makes whoever else would seal wait until this transaction is over; readers go on.
lock table es.sealed in share row exclusive mode;

-- name: put-sealed!
-- The store is sealed as it is.
insert into es.sealed (until, restored_to, receipts_to, receipts_keyed_from, streams, events,
                       receipts, heads, answers, revision, schema_, begun_at, sealed_at, mac)
values (:until::text::xid8, :restored_to, :receipts_to, :receipts_keyed_from, :streams, :events,
        :receipts, :heads, :answers, :revision, :schema_, :begun_at, :sealed_at, :mac)
on conflict (only_row) do update
   set until = excluded.until, restored_to = excluded.restored_to,
       receipts_to = excluded.receipts_to, receipts_keyed_from = excluded.receipts_keyed_from,
       streams = excluded.streams, events = excluded.events, receipts = excluded.receipts,
       heads = excluded.heads, answers = excluded.answers, revision = excluded.revision,
       schema_ = excluded.schema_, begun_at = excluded.begun_at, sealed_at = excluded.sealed_at,
       mac = excluded.mac;

-- name: sealed-streams
-- How far streams had come when they were sealed last; all of them (null), or some.
select stream, version, keyed_from, hash, places, orders, mac
  from es.sealed_streams
 where :streams::text[] is null or stream = any(:streams)
 order by stream;

-- name: sealed-ends
-- How far each stream had come when it was sealed last, and whether its end stands there as it was.
select s.*, exists (
           select from es.events e
            where e.stream = s.stream and e.version = s.version and e.hash = s.hash) as stands
  from es.sealed_streams s
 order by s.stream;

-- name: unsealed-since^
-- How many events lie there that are not sealed, and since when, as far as all may see them.
select count(*) as events, min(recorded_at) as since, clock_timestamp() as now
  from (select e.recorded_at, e.xact_id
          from es.sealed_streams s
         cross join lateral (select recorded_at, xact_id from es.events
                              where stream = s.stream and version > s.version offset 0) e
        union all
        select e.recorded_at, e.xact_id
          from es.events e
         where e.xact_id >= coalesce((select until from es.sealed), '0')
           and not exists (select from es.sealed_streams s where s.stream = e.stream)) beyond
 where xact_id < pg_snapshot_xmin(pg_current_snapshot());

-- name: newest-events
-- The newest events, with all that their writers sealed.
select stream, version, command_seq, command_id, type, schema_version, actor, causation_id,
       effective_at, data, seal
  from es.events order by xact_id desc, position desc limit :at_most;

-- name: put-sealed-streams!
-- Streams are sealed as far as they have come.
insert into es.sealed_streams (stream, version, keyed_from, hash, places, orders, mac)
select * from unnest(:streams::text[], :versions::integer[], :keyed_from::integer[],
                     :hashes::bytea[], :places::bytea[], :orders::bytea[], :macs::bytea[])
on conflict (stream) do update
   set version = excluded.version, keyed_from = excluded.keyed_from, hash = excluded.hash,
       places = excluded.places, orders = excluded.orders, mac = excluded.mac;

-- name: sealed-schema$
-- The schema as it was described when it was sealed.
select parts from es.sealed_schema;

-- name: put-sealed-schema!
-- The schema is described anew.
insert into es.sealed_schema (parts) values (:parts)
on conflict (only_row) do update set parts = excluded.parts;

-- name: horizon^
-- Every transaction before it is over; what the counter of this cluster will give next.
select pg_snapshot_xmin(pg_current_snapshot())::text as until,
       pg_snapshot_xmax(pg_current_snapshot())::text as next,
       clock_timestamp() as at;

-- name: events-to-seal
-- What was recorded since the store was sealed last, each stream in its order.
select stream, version, hash, position, command_seq, xact_id::text as xact_id, seal
  from es.events
 where xact_id >= :since::text::xid8 and xact_id < :until::text::xid8
 order by stream, version;

-- name: events-beyond
-- What streams have beyond where they were sealed, as after a restore into another cluster.
select e.stream, e.version, e.hash, e.position, e.command_seq, e.xact_id::text as xact_id, e.seal
  from es.events e left join es.sealed_streams s using (stream)
 where e.version > coalesce(s.version, 0) and e.xact_id < :until::text::xid8
 order by e.stream, e.version;

-- name: receipts-to-seal
-- What was answered since the store was sealed last.
select command_id, stream, content_hash, receipt, recorded_at, position, seal
  from es.receipts
 where coalesce(xact_id, '0') < :until::text::xid8
   and (coalesce(xact_id, '0') >= :since::text::xid8 and position > :restored_to)
 order by position;

-- name: log-order
-- In which transaction each event was recorded.
select stream, version, xact_id::text as xact_id from es.events order by stream, version;

-- name: whole-log
-- Every event as it stands, with all of it that verifying looks at.
select stream, version, position, xact_id::text as xact_id, recorded_at, effective_at, type,
       schema_version, command_id, command_seq, actor, causation_id, data, hash, seal
  from es.events order by stream, version;

-- name: all-receipts
-- Every answer as it stands, and whether it was there when the store was sealed last.
select command_id, stream, content_hash, receipt, recorded_at, position, seal,
       position <= :restored_to or coalesce(xact_id, '0') < :until::text::xid8 as is_sealed,
       (:asked_to::bigint is null or position <= :asked_to)
       and (position <= :asked_restored_to
            or coalesce(xact_id, '0') < :asked_until::text::xid8) as is_asked
  from es.receipts;

-- name: receipts-without-events
-- Answers that speak of events which are not there, or which another command recorded.
select r.command_id, r.stream from es.receipts r
 where exists (select from jsonb_path_query(r.receipt, 'lax $.events[*] ? (
                               @.stream.type() == "string" && @.version.type() == "number" &&
                               @.version > 0 && @.version < 2147483648)') t
                 left join es.events e on e.stream = t->>'stream'
                                      and e.version = floor((t->>'version')::numeric)::integer
                where e.command_id is distinct from r.command_id)
 order by r.command_id;

-- name: events-without-receipt
-- What was recorded by somebody's command that nobody was answered.
select e.stream, min(e.version) as version, e.command_id from es.events e
 where e.actor <> :system
   and not exists (select from es.receipts r where r.command_id = e.command_id)
 group by e.stream, e.command_id order by 1, 2;

-- name: all-keys
-- Every key, wrapped.
select subject, wrapped, master_id, destroyed_at from vault.keys order by subject;

-- name: all-mails
-- Every mail with what is sealed in it, and what became of it.
select id, person, local_date, kind, message_id, content, claimed_at, outcome, detail, at,
       returned_at
  from ops.mails order by id;

-- name: mails-without-delivery
-- Mails of which a stream knows otherwise than they say themselves.
select m.id, d.stream from ops.mails m
  join read.deliveries d on d.mail = m.id and d.person = m.person
  left join ops.mail_streams s on s.mail = m.id and s.stream = d.stream
 where d.outcome = 'sent' and m.outcome is distinct from 'sent' and m.returned_at is null
    or d.outcome = 'pending' and m.outcome = 'sent' and s.reported
    or d.message_id <> m.message_id
 order by m.id;
-- name: sick-streams
-- What could not be read when somebody last looked.
select place as stream, problem, first_seen as since from ops.defects where kind = 'stream'
 order by place;

-- name: streams-to-look-at
-- What could not be read, or is still owed something since it could not be.
select stream, s.since
  from (select place as stream, first_seen as since from ops.defects where kind = 'stream') s
  full join (select stream from ops.owed_commands
             union select stream from ops.passed_over
             union select 'mail:' || mail from ops.unreached) owed using (stream)
 order by stream;

-- name: sick-engagements-of
-- The engagements that cannot be read for now in which a person has a role.
select distinct e.id, e.lea_name, e.illustrative
  from ops.defects s
  join read.engagements e on s.place = 'engagement:' || e.id and s.kind = 'stream'
  join read.engagement_roles r on r.engagement = e.id
 where r.person = :person and e.ended_at is null order by e.id;

-- name: overslept
-- The streams that wake by themselves and whose moment passed so long ago, the oldest first; without
-- those that cannot be read or whose moment cannot be dealt with, which are looked at elsewhere.
select stream, next_wake from (
    select 'engagement:' || id as stream, next_wake from read.engagements where ended_at is null
    union all
    select 'summit:' || id, next_wake from read.summits where status = 'planned'
    union all
    select 'appropriation:' || id, next_wake from read.appropriations
) as o
 where next_wake < es.stamp(:sandbox_now) - make_interval(secs => :seconds::double precision)
   and stream not in (select place from ops.defects where kind in ('stream', 'moment'))
 order by next_wake, stream limit 100;

-- name: owe-command!
-- A stream is to be told something once it can be read.
insert into ops.owed_commands (command_id, stream, envelope) values (:command_id, :stream, :envelope)
    on conflict do nothing;

-- name: owed-commands
-- What a stream is to be told, in the order in which it came up.
select command_id, envelope from ops.owed_commands where stream = :stream order by since, command_id;

-- name: command-given!
-- It has been told.
delete from ops.owed_commands where command_id = :command_id;

-- name: pass-over!
-- The follower could not read an event, and goes on.
insert into ops.passed_over (stream, version) values (:stream, :version) on conflict do nothing;

-- name: passed-over
-- The events of a stream that the follower could not read.
select version from ops.passed_over where stream = :stream order by version;

-- name: dealt-with!
-- The follower has dealt with an event that it had passed over.
delete from ops.passed_over where stream = :stream and version = :version;

-- name: add-unreached!
-- Somebody erased is still to be taken out of a mail.
insert into ops.unreached (mail, person, words) values (:mail, :person, :words)
    on conflict do nothing;

-- name: unreached
-- Who is still to be taken out of a mail, with the words that name them.
select person, words from ops.unreached where mail = :mail order by person;

-- name: unreached-of
-- The mails out of which a person is still to be taken.
select 'mail:' || mail as mail from ops.unreached where person = :person order by 1;

-- name: is-unreached$
-- Whether somebody is still to be taken out of a mail.
select exists (select from ops.unreached where mail = :mail);

-- name: reached!
-- Nobody is to be taken out of a mail any more.
delete from ops.unreached where mail = :mail;

-- name: events-of-command
-- What a command recorded on a stream.
select stream, version, type, position from es.events
 where stream = :stream and command_id = :command_id order by version;
