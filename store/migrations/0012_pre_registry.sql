-- Several LEAs may bear one name: what stands for one alone is its id and its code.
alter table read.lea_names
    drop constraint lea_names_pkey,
    add primary key (folded, lea),
    add column own boolean not null default false;
update read.lea_names n set own = true
  from read.leas l where l.id = n.lea and n.name in (l.id, coalesce(l.cds, l.id));
create unique index lea_names_own on read.lea_names (folded) where own;

-- From when an LEA is no more, and what it went on as.
alter table read.leas
    add column closed_on date,
    add column successors text[] not null default '{}';
