-- Documented views for spreadsheets and BI tools; no personal data.

create schema reporting;

create view reporting.engagements as
    select id as engagement, lea, lea_name, lea_type, county, phase, playbook, source,
           opened_at, ended_at, next_due, invested, illustrative
      from read.engagements;
comment on view reporting.engagements is 'One row an engagement, as it stands now; invested is in US dollars.';

create view reporting.deliverables as
    select engagement, deliverable, title, status, due, round, hours, proposed_due, unsigned,
           waits_on, held, illustrative
      from read.deliverables;
comment on view reporting.deliverables is 'One row a deliverable as it stands now; hours are of the LEA''s people, unsigned and waits_on name sides.';

create view reporting.notices as
    select substring(stream from '^engagement:(.*)') as engagement,
           substring(stream from '^appropriation:(.*)') as appropriation,
           item, round, step, planned_for, due, status, reason, at
      from read.notices;
comment on view reporting.notices is 'Every planned notice and its fate, of an engagement or an appropriation; deliveries are in reporting.deliveries.';

create view reporting.deliveries as
    select substring(stream from '^engagement:(.*)') as engagement,
           substring(stream from '^appropriation:(.*)') as appropriation,
           n as notice, person, outcome, at, message_id
      from read.deliveries;
comment on view reporting.deliveries is 'One row a notice and recipient; person is an opaque id.';

create view reporting.investments as
    select engagement, investment, amount, reported, purpose, fiscal_year, kind, focus,
           appropriation, approximate, source, made_on, corrections, withdrawn, illustrative
      from read.investments;
comment on view reporting.investments is 'One row an investment, in US dollars: amount as it stands (0 once withdrawn), reported as first recorded.';

create view reporting.appropriations as
    select id as appropriation, amount, invested, amount - invested as left_over, first, until,
           spend_until, source, statute
      from read.appropriations;
comment on view reporting.appropriations is 'One row an appropriation, in US dollars, with the days between which it may be committed and until when it may be paid.';

create view reporting.summits as
    select id as summit, title, place, first, last, registration_due, hours, status, illustrative
      from read.summits;
comment on view reporting.summits is 'One row a summit, as it stands now; hours are of each invited LEA.';

create view reporting.invitations as
    select engagement, summit, status, first, last, registered, attended, not_followed
      from read.invitations;
comment on view reporting.invitations is 'One row an engagement and summit; registered and attended are numbers of people.';

create view reporting.events as
    select position, stream, version, type, effective_at, recorded_at, actor, command_id
      from es.events;
comment on view reporting.events is 'The log without its content.';
