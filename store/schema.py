"""What the schema is: functions, triggers, constraints, rights and roles, each with its digest."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from store.database import Connection

_MIGRATIONS = Path(__file__).parent / "migrations"

_FUNCTION = re.compile(
    r"create\s+(?:or\s+replace\s+)?function\s+([a-z_]+\.[a-z_]+)\s*\((.*?)\)\s*returns\b.*?"
    r"as\s+(\$[a-z]*\$)(.*?)\3",
    re.DOTALL | re.IGNORECASE,
)
_DROPPED = re.compile(r"drop\s+function\s+(?:if\s+exists\s+)?([a-z_]+\.[a-z_]+)", re.IGNORECASE)

_PARTS = r"""
with ours as (
    select oid, nspname, nspowner, nspacl from pg_namespace
     where nspname !~ '^pg_' and nspname <> 'information_schema'
), roles as (
    select oid, rolname from pg_roles
     where rolname in ('handrail_app', 'handrail_reader')
        or oid in (select nspowner from pg_namespace
                    where nspname in ('es', 'vault', 'read', 'ops'))
)
select 'schema ' || nspname as name, pg_get_userbyid(nspowner) || coalesce(nspacl::text, '') as what
  from ours
union all
select 'function ' || n.nspname || '.' || p.proname || '(' ||
       pg_get_function_identity_arguments(p.oid) || ')',
       case p.prokind when 'a' then '' else pg_get_functiondef(p.oid) end ||
       pg_get_userbyid(p.proowner) || coalesce(p.proacl::text, '')
  from pg_proc p join ours n on n.oid = p.pronamespace
union all
select 'trigger ' || t.tgname || ' on ' || n.nspname || '.' || c.relname,
       concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
  from pg_trigger t join pg_class c on c.oid = t.tgrelid join ours n on n.oid = c.relnamespace
 where not t.tgisinternal
union all
select 'event trigger ' || evtname, concat_ws(' ', evtevent, evtenabled, evtfoid::regproc)
  from pg_event_trigger
union all
select 'constraint ' || t.conname || ' on ' || n.nspname || '.' || c.relname,
       concat_ws(' ', pg_get_constraintdef(t.oid), t.convalidated, t.conenforced)
  from pg_constraint t join pg_class c on c.oid = t.conrelid join ours n on n.oid = c.relnamespace
union all
select case c.relkind when 'v' then 'view ' when 'i' then 'index ' when 'S' then 'sequence '
            else 'table ' end || n.nspname || '.' || c.relname,
       concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
                 pg_get_userbyid(c.relowner), c.relacl, c.reloptions) ||
       case c.relkind when 'v' then pg_get_viewdef(c.oid)
                      when 'i' then pg_get_indexdef(c.oid) || ' ' ||
                                    (select indisvalid::text from pg_index where indexrelid = c.oid)
                      else '' end
  from pg_class c join ours n on n.oid = c.relnamespace
union all
select 'column ' || n.nspname || '.' || c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attacl)
  from pg_attribute a join pg_class c on c.oid = a.attrelid join ours n on n.oid = c.relnamespace
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p', 'f', 'c')
union all
select 'rule ' || r.rulename || ' on ' || n.nspname || '.' || c.relname,
       concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled)
  from pg_rewrite r join pg_class c on c.oid = r.ev_class join ours n on n.oid = c.relnamespace
 where r.rulename <> '_RETURN'
union all
select 'policy ' || p.polname || ' on ' || n.nspname || '.' || c.relname,
       concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, pg_get_expr(p.polqual, c.oid))
  from pg_policy p join pg_class c on c.oid = p.polrelid join ours n on n.oid = c.relnamespace
union all
select 'role ' || r.rolname,
       concat_ws(' ', x.rolsuper, x.rolinherit, x.rolcreaterole, x.rolcreatedb, x.rolcanlogin,
                 x.rolreplication, x.rolbypassrls)
  from roles r join pg_roles x on x.oid = r.oid
union all
select 'membership of ' || pg_get_userbyid(m.member) || ' in ' || pg_get_userbyid(m.roleid),
       string_agg(concat_ws(' ', m.admin_option, m.inherit_option, m.set_option), ', '
                  order by m.oid)
  from pg_auth_members m
 where m.member in (select oid from roles) or m.roleid in (select oid from roles)
 group by 1
union all
select 'setting of ' || coalesce(r.rolname, 'the database'), s.setconfig::text
  from pg_db_role_setting s left join roles r on r.oid = s.setrole
 where (s.setdatabase = (select oid from pg_database where datname = current_database())
        or s.setdatabase = 0)
   and (s.setrole = 0 or r.oid is not null)
union all
select 'default rights of ' || pg_get_userbyid(d.defaclrole),
       concat_ws(' ', d.defaclobjtype, d.defaclacl)
  from pg_default_acl d
union all
select 'database', pg_get_userbyid(datdba) ||
       coalesce((select string_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type,
                                             a.is_grantable), ', '
                                   order by a.grantee::regrole::text, a.privilege_type)
                   from aclexplode(datacl) a where a.privilege_type <> 'TEMPORARY'), '')
  from pg_database where datname = current_database()
"""


async def described(connection: Connection) -> dict[str, str]:
    """Every part of the schema by name, each with a digest of what it is."""
    found: dict[str, list[str]] = {}
    for row in await connection.fetch(_PARTS):
        found.setdefault(row["name"], []).append(row["what"] or "")
    return {
        name: hashlib.sha256("\n".join(sorted(what)).encode()).hexdigest()[:24]
        for name, what in found.items()
    }


@lru_cache(maxsize=1)
def _shipped() -> dict[str, set[str]]:
    """The bodies of every function as the migrations last made it, one for each of its forms."""
    forms: dict[str, dict[str, str]] = {}
    for path in sorted(_MIGRATIONS.glob("*.sql")):
        sql = path.read_text(encoding="utf-8")
        for name in _DROPPED.findall(sql):
            forms.pop(name.lower(), None)
        for name, takes, _, body in _FUNCTION.findall(sql):
            form = " ".join(takes.lower().split())
            forms.setdefault(name.lower(), {})[form] = body
    return {name: set(bodies.values()) for name, bodies in forms.items()}


async def replaced_functions(connection: Connection) -> list[str]:
    """Functions that do not say what this release's migrations say, or are missing."""
    rows = await connection.fetch(
        "select n.nspname || '.' || p.proname as name, p.prosrc, p.prolang, l.lanname"
        "  from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        "  join pg_language l on l.oid = p.prolang"
        " where n.nspname in ('es', 'vault', 'read', 'ops', 'reporting')"
    )
    have: dict[str, set[str]] = {}
    for row in rows:
        have.setdefault(row["name"], set()).add(row["prosrc"])
    return sorted(
        name for name in _shipped().keys() | have.keys() if _shipped().get(name) != have.get(name)
    )
