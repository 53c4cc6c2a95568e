"""Who leads how much, and everything of one person given to another."""

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from cli.terminal.dates import day_typed
from cli.terminal.nouns import noun
from cli.terminal.options import validated
from cli.terminal.output import DEFECT, REFUSED, emit_json, emit_table, narrate
from cli.terminal.receipts import given
from cli.terminal.session import Json, Switch, run, who_acts
from cli.verbs import Date, Parameter, Verbs
from domain.engagement.engagement import AssignRole
from domain.engagement.state import AGENCY_ROLES
from domain.kernel.messages import Command
from domain.kernel.refusals import AlreadyExists
from domain.kernel.wording import counted, spoken
from domain.policy.calendar import local_date
from domain.team.handover import HandOverLead
from queries.names import Names
from queries.refs import person_named

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Envelope


_REASSIGNED = uuid5(NAMESPACE_URL, "tag:handrail,2026:reassign")
REASON = "everything of one person was given to another"
"""Where nobody says why."""

StaffRoles = Annotated[
    list[Literal["lead", "director", "assistant"]] | None, Parameter(name="--role", negative="")
]


def register(app: Verbs) -> None:
    """Add the verbs about handing over that are no single command."""
    noun(app, "person").command(reassign)
    noun(app, "lead").command(caseload)


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of handovers, and who was Lead before."""
    lines = []
    for h in found["handovers"]:
        line = f"{h['handover']}: {h['from']} hands over to {h['to']} on {spoken(h['effective'])}"
        line = f"{line} ({h['status']}): {h['reason']}"
        if h["met"]:
            line += f"; they met on {spoken(h['met'])}"
        elif h["no_meeting"]:
            line += f"; they do not meet ({h['no_meeting']})"
        elif h["overlap"] and h["status"] in ("pending", "effective"):
            line += f"; they are to meet by {spoken(h['overlap'])}"
        lines.append(line)
    lines += [
        f"Lead before: {t['person']}, {spoken(t['since'])} to {spoken(t['until'])}"
        for t in found["tenures"]
        if t["role"] == "lead" and t["until"]
    ]
    return lines


# How much everybody leads ----------------------------------------------------------------------


def caseload(*, json_: Json = False) -> None:
    """Show the Leads with their open engagements, and who leads more than they can.

    Args:
        json_: One JSON object a line.
    """
    from queries.handover import caseload_of

    found, today = run(caseload_of)
    if json_:
        for lead in found:
            emit_json(lead)
        return
    emit_table(
        counted(len(found), "Lead"),
        ("Lead", "Leads", "Can lead", "Engagements", "LEA types", "Changes"),
        [
            (
                lead.lead.now(today)
                + (
                    f" (leaves {spoken(lead.leaves_on)})"
                    if lead.leaves_on and lead.leaves_on > today
                    else ""
                ),
                len(lead.engagements),
                ("–" if lead.capacity is None else lead.capacity)
                if not lead.over
                else f"{lead.capacity}, over by {lead.over}",
                "\n".join(lead.engagements) or "–",
                "\n".join(f"{n} {what.replace('_', ' ')}" for what, n in lead.lea_types.items())
                or "–",
                "\n".join(
                    f"{'+' if c.becomes == 'lead' else '-'} {c.engagement} {spoken(c.on)}"
                    for c in lead.changes
                )
                or "–",
            )
            for lead in found
        ],
        empty="Register one: handrail person register --help",
    )


# Everything of one person ----------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One role in one engagement, and the command that gives it away."""

    engagement: str
    role: str
    command: Command | None
    """None where the same handover is set already."""
    effective_on: date | None
    version: int

    def command_id(self, actor: str) -> UUID:
        """The same while the engagement stands where it stood: repeated, it changes nothing."""
        assert self.command is not None
        content = json.dumps(
            [self.command.model_dump(mode="json"), str(self.effective_on), actor, self.version],
            sort_keys=True,
        )
        return uuid5(_REASSIGNED, content)


def reassign(
    person: str,
    /,
    *,
    to: str,
    role: StaffRoles = None,
    on: Date | None = None,
    reason: str = REASON,
    dry_run: Switch = False,
    json_: Json = False,
) -> None:
    """Give everything that one person holds to another, in every open engagement.

    A Lead hands over as with `handrail lead handover`, on a day that may lie ahead; a Director or
    an assistant changes today or earlier. Every engagement is answered for by itself, and what
    was done before is left alone, so that it can be repeated.

    Args:
        person: Who holds it now, by handle.
        to: Who will hold it.
        role: Only this role, once for each; all of lead, director and assistant if left out.
        on: The day from which it is theirs; today if left out (YYYY-MM-DD).
        reason: Why.
        dry_run: Say what would change and write nothing.
        json_: One JSON object an engagement and role.
    """
    actor, day = who_acts(), day_typed(on, "--on")

    async def work(door: "Door") -> tuple[list[dict[str, Any]], Names]:
        issued_at = await door.now()
        items, who = await _items(door, person, to, day, reason, set(role or AGENCY_ROLES))

        def packed(item: Item) -> "Envelope":
            assert item.command is not None
            return door.packed(
                item.command,
                command_id=item.command_id(actor),
                actor=actor,
                issued_at=issued_at,
                effective_on=item.effective_on,
            )

        results = []
        rehearsed = await door.rehearse([packed(item) for item in items if item.command])
        answers = iter(rehearsed)
        for item in items:
            if item.command is None:
                results.append(_result(item, "so already", ""))
                continue
            receipt = next(answers)
            if receipt.outcome == "recorded" and not dry_run:
                receipt = await given(door, packed(item))
            outcome = "would change" if dry_run else "changed"
            if receipt.outcome != "recorded":
                outcome = receipt.outcome
            results.append(_result(item, outcome, receipt.message))
        names = Names(door)
        await names.learn(*who, *(r["message"] for r in results))
        return [{**r, "message": names.told(r["message"])} for r in results], names

    results, _ = run(work, commands=True)
    _report(person, to, results, dry_run=dry_run, as_json=json_)


async def _items(
    door: "Door", person: str, to: str, on: date | None, reason: str, wanted: set[str]
) -> tuple[list[Item], list[str]]:
    """What one person holds, each with the command that gives it to the other.

    Raises:
        Unknown: Nobody is called so.
        AlreadyExists: It is the same person twice.
    """
    from store.database import listed, queries
    from store.documents import program

    async with door.pool.acquire() as connection:
        settings = await program(connection)
    assert settings is not None
    day = on or local_date(await door.now(), settings.zone)
    giver, taker = (await person_named(door, person)).id, (await person_named(door, to, day)).id
    if giver == taker:
        raise AlreadyExists(f"{person} and {to} are the same person. Name somebody else with --to.")
    async with door.pool.acquire() as connection:
        held = await listed(queries.held_roles(connection, person=giver))
        taken = await listed(queries.held_roles(connection, person=taker))
    set_for = {r["engagement"]: r["changes_on"] for r in taken if r["role"] == "incoming_lead"}
    items = []
    for row in held:
        engagement, role = row["engagement"], row["role"]
        command: Command | None = None
        effective_on = on
        if role == "incoming_lead" and "lead" in wanted:
            command = _handover(engagement, taker, reason, replaces=True)
            effective_on = row["changes_on"]
        elif role == "lead" and role in wanted:
            if set_for.get(engagement) != day:
                command = _handover(engagement, taker, reason)
        elif role in AGENCY_ROLES and role in wanted:
            command = AssignRole(engagement=engagement, role=role, person=taker)
        else:
            continue
        items.append(Item(engagement, role, command, effective_on, row["version"]))
    return items, [giver, taker]


def _handover(engagement: str, to: str, reason: str, *, replaces: bool = False) -> Command:
    body = {"engagement": engagement, "to": to, "reason": reason, "replace": replaces}
    return validated(HandOverLead, body)


def _result(item: Item, outcome: str, message: str) -> dict[str, Any]:
    return {
        "engagement": item.engagement,
        "role": item.role,
        "outcome": outcome,
        "effective": item.effective_on,
        "message": message,
    }


def _report(
    person: str, to: str, results: list[dict[str, Any]], *, dry_run: bool, as_json: bool
) -> None:
    refused = sum(r["outcome"] == "refused" for r in results)
    if as_json:
        for r in results:
            emit_json(r)
    elif not results:
        print(f"{person} holds none of these roles in an open engagement; nothing was changed.")
    else:
        emit_table(
            f"From {person} to {to}" + (": what would happen" if dry_run else ""),
            ("Engagement", "Role", "Result", "Why"),
            [
                (r["engagement"], r["role"].replace("_", " "), r["outcome"], r["message"] or "–")
                for r in results
            ],
        )
    if dry_run and not as_json:
        narrate("Nothing was written.")
    if any(r["outcome"] == "defect" for r in results):
        raise SystemExit(DEFECT)
    if refused:
        narrate(f"{counted(refused, 'role')} of {len(results)} refused.")
        raise SystemExit(REFUSED)
