"""What must hold when everything has healed, whatever befell it: each check says what does not."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from domain.rules.context import SYSTEM
from embedded.mailcatcher import CaughtMail
from store.database import Connection, Pool
from store.rebuild import rebuild
from store.vault import Vault
from tests.chaos.answers import Given

Faults = list[str]

CLAIMS = ("notices-claimed", "notices-dropped")
"""Events of a mail that is made: its row in `ops.mails` is their receipt."""


async def everything(
    pool: Pool, vault: Vault, given: Sequence[Given], caught: Sequence[CaughtMail]
) -> Faults:
    """All that can be read off the store and the mailbox."""
    async with pool.acquire() as connection:
        return [
            *await answers_were_true(connection, given),
            *await events_have_commands(connection, given),
            *await streams_are_whole(connection),
            *await notices_have_one_fate(connection),
            *await mails_went_once(connection, caught),
            *await money_is_not_spent_twice(connection),
            *await read_models_follow(connection, vault),
        ]


async def answers_were_true(connection: Connection, given: Sequence[Given]) -> Faults:
    """Recorded is there, once, as was said; refused and not accepted left nothing."""
    receipts = {
        r["command_id"]: r["outcome"]
        for r in await connection.fetch(
            "select command_id, receipt->>'outcome' as outcome from es.receipts"
        )
    }
    events = defaultdict(list)
    for row in await connection.fetch(
        "select command_id, stream, version, type from es.events order by position"
    ):
        events[row["command_id"]].append((row["stream"], row["version"], row["type"]))
    found = []
    for command in given:
        outcome, there = receipts.get(command.id), sorted(events[command.id])
        firsts = {(r.outcome, tuple(r.events), r.refusal) for r in command.receipts}
        if len(firsts) > 1:
            found.append(f"{command} got two answers: {firsts}")
        if command.final is None:
            if not command.is_open and (outcome or there):
                found.append(f"{command}; yet the store has its receipt {outcome} and {there}")
        elif command.final.refusal == "ReusedCommandId":
            found.append(f"{command}; its id was another's")
        elif outcome != command.final.outcome:
            found.append(f"{command}; yet its receipt says {outcome}")
        elif sorted((e.stream, e.version, e.type) for e in command.final.events) != there:
            found.append(f"{command}; yet its events are {there}, not {command.final.events}")
    return found


async def events_have_commands(connection: Connection, given: Sequence[Given]) -> Faults:
    """No event without a command and its receipt, and no command that nobody gave."""
    orphans = await connection.fetch(
        "select stream, version, type from es.events e"
        " where not exists (select from es.receipts r where r.command_id = e.command_id)"
        " and not (actor = $1 and exists (select from ops.mails m"
        "   join es.events c on c.data->>'mail' = m.id::text"
        "   where c.command_id = e.command_id and c.type = any($2)))",
        SYSTEM,
        list(CLAIMS),
    )
    found = [f"{o['stream']}@{o['version']} ({o['type']}) has no receipt" for o in orphans]
    people = await connection.fetch(
        "select distinct command_id, stream, type from es.events where actor <> $1", SYSTEM
    )
    known = {command.id for command in given}
    strangers = [p for p in people if p["command_id"] not in known]
    found += [f"nobody gave {s['command_id']} ({s['type']} on {s['stream']})" for s in strangers]
    hollow = await connection.fetch(
        "select command_id, stream from es.receipts r"
        " where receipt->>'outcome' = 'recorded' and jsonb_array_length(receipt->'events') <>"
        "   (select count(*) from es.events e where e.command_id = r.command_id)"
    )
    found += [
        f"the receipt of {h['command_id']} on {h['stream']} tells other events" for h in hollow
    ]
    return found


async def streams_are_whole(connection: Connection) -> Faults:
    """Versions are dense from 1, chains unbroken."""
    rows = await connection.fetch(
        "select stream, max(version) as last, count(*) as all from es.events"
        " group by stream having max(version) <> count(*) or min(version) <> 1"
    )
    found = [f"{r['stream']} has {r['all']} events up to version {r['last']}" for r in rows]
    rows = await connection.fetch(
        "select s.stream, b as version from (select distinct stream from es.events) s,"
        " es.broken_links(s.stream) b"
    )
    return found + [f"the chain of {r['stream']} breaks at {r['version']}" for r in rows]


async def notices_have_one_fate(connection: Connection) -> Faults:
    """Sent or suppressed with a reason; planned only what lies ahead; nothing under way."""
    rows = await connection.fetch(
        "select n.*, n.planned_for > (select max(recorded_at) from es.events)"
        " as ahead,"
        " (select array_agg(d.outcome) from read.deliveries d"
        "   where d.stream = n.stream and d.n = n.n) as deliveries"
        " from read.notices n order by stream, n"
    )
    found = []
    told: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        which = f"{row['stream']} {row['item']} round {row['round']} {row['step']}"
        deliveries = row["deliveries"] or []
        told[row["stream"], row["item"], row["round"], row["step"]] += row["status"] == "sent"
        if row["status"] == "claimed" or "pending" in deliveries:
            found.append(f"{which} is under way for ever ({row['status']}, {deliveries})")
        if row["status"] == "planned" and not row["ahead"]:
            found.append(f"{which} was due {row['planned_for']} and is still planned")
        if (row["status"] == "suppressed") != bool(row["reason"]):
            found.append(f"{which} is {row['status']} for {row['reason']!r}")
        if row["status"] == "suppressed" and "sent" in deliveries:
            found.append(f"{which} is suppressed, and went")
    found += [f"{which} went {times} times" for which, times in told.items() if times > 1]
    fates = await connection.fetch(
        "select stream, n->>'n' as n, array_agg(distinct type) as fates"
        " from es.events, jsonb_array_elements(data->'notices') n"
        " where type in ('notices-suppressed', 'notices-claimed') group by 1, 2"
        " having count(*) filter (where type = 'notices-suppressed') > 1"
    )
    return found + [f"{f['stream']} notice {f['n']} was suppressed twice" for f in fates]


async def mails_went_once(connection: Connection, caught: Sequence[CaughtMail]) -> Faults:
    """Each mail that is said to have gone is in the mailbox under its one Message-ID, no other."""
    mails = {
        r["message_id"]: r["outcome"]
        for r in await connection.fetch("select message_id, outcome from ops.mails")
    }
    copies: dict[str, set[bytes]] = defaultdict(set)
    for mail in caught:
        copies[str(mail.message()["Message-ID"])].add(mail.raw)
    found = [f"{m} is unsettled for ever" for m, outcome in mails.items() if outcome is None]
    found += [f"{m} is lost" for m, o in mails.items() if o == "sent" and m not in copies]
    found += [
        f"{m} was {mails[m]}, and is in the mailbox" for m in copies if mails.get(m) == "dropped"
    ]
    # Every address in these stories is right, and the server knows all of them.
    found += [f"{m} came back" for m, outcome in mails.items() if outcome == "bounced"]
    found += [f"nobody made {m}, which is in the mailbox" for m in copies if m not in mails]
    found += [f"{m} came in {len(c)} versions" for m, c in copies.items() if len(c) > 1]
    unreported = await connection.fetch("select stream from ops.mail_streams where not reported")
    return found + [f"{r['stream']} never learned of a mail" for r in unreported]


async def money_is_not_spent_twice(connection: Connection) -> Faults:
    """Two engagements that invest at once never invest more than there is."""
    rows = await connection.fetch(
        "select a.id, a.amount, a.invested, coalesce(sum(i.amount), 0) as sum"
        " from read.appropriations a left join read.investments i on i.appropriation = a.id"
        " group by a.id, a.amount, a.invested"
        " having a.invested > a.amount or a.invested <> coalesce(sum(i.amount), 0)"
    )
    return [
        f"of {r['id']} {r['sum']} is invested ({r['invested']}, of {r['amount']})" for r in rows
    ]


async def read_models_follow(connection: Connection, vault: Vault) -> Faults:
    """Thrown away and made anew, the read models are the same."""
    live = await _read_models(connection)
    await rebuild(connection, vault)
    return [
        f"{table} differs from a rebuild: {_difference(live[table], rows)}"
        for table, rows in (await _read_models(connection)).items()
        if rows != live[table]
    ]


async def _read_models(connection: Connection) -> dict[str, list[str]]:
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'read'")
    return {
        t: [
            r["row"]
            for r in await connection.fetch(
                f"select to_jsonb(x)::text as row from read.{t} x order by 1"
            )
        ]
        for t in sorted(t["tablename"] for t in tables)
    }


def _difference(live: Iterable[str], anew: Iterable[str]) -> str:
    before, after = Counter(live), Counter(anew)
    lost, come = before - after, after - before
    return json.dumps({"live": [*lost][:2], "anew": [*come][:2]})
