-- Days on which an LEA works although the calendar or its recess has them for rest.
alter table read.leas add column works date[] not null default '{}';
