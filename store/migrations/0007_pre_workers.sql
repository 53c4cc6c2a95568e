-- Which code a worker runs: one of another release, or of another schema, is told by doctor.
alter table ops.workers add column release text, add column schema text;
