"""The portfolio: who takes part in which phase, the mix, and who needs a Lead most."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, run
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.reading import AsKnown, AsTrue, _day, end_of, not_to_come
from cli.verbs import Verbs
from domain.engagement.state import Engagement
from domain.outlook.mix import Mix, mix
from domain.outlook.triage import Need, in_order, need
from domain.policy.calendar import local_date, spoken
from domain.policy.playbook import Playbook

if TYPE_CHECKING:
    from bootstrap.door import Door


def register(app: Verbs) -> None:
    """Add the questions."""
    noun(app, "portfolio").command(portfolio_mix, name="mix")
    noun(app, "portfolio").command(portfolio_triage, name="triage")


def portfolio_mix(*, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False) -> None:
    """Compare the LEAs that take part with the targets of the program's playbook.

    Args:
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> Mix:
        from store.context import playbook, program
        from store.portfolio import members

        async with door.pool.acquire() as connection:
            settings = await program(connection)
            rules = (
                await playbook(connection, settings.playbook.partition("@")[0])
                if settings
                else None
            )
        zone = ZoneInfo(settings.zone if settings else "UTC")
        await not_to_come(door, zone, known, true)
        async with door.pool.acquire() as connection:
            found = await members(
                connection,
                zone=zone.key,
                known_by=end_of(known, zone) if known else None,
                true_by=end_of(true, zone) if true else None,
                left_out=door.left_out,
            )
        return mix(found, rules.mix if rules else ())

    found = run(work)
    if json_:
        emit_json(
            {
                "taking_part": found.taking_part,
                "left": found.left,
                "gone": list(found.gone),
                "phases": found.phases,
                "counts": found.counts,
                "unduplicated": [str(share) for share in found.unduplicated],
                "targets": [
                    {
                        "target": a.target.id,
                        "name": a.target.name,
                        "at_least": a.target.at_least,
                        "have": a.have,
                        "met": a.met,
                    }
                    for a in found.achieved
                ],
                "illustrative": found.illustrative,
            }
        )
        return
    gone = f" ({', '.join(found.gone)})" if found.gone else ""
    print(f"{counted(found.taking_part, 'LEA')} taking part, {found.left} left{gone}.")
    for fact, counts in {"phase": found.phases, **found.counts}.items():
        told = ", ".join(f"{v.replace('_', ' ')} {n}" for v, n in counts.items())
        print(f"  By {fact}: {told or '–'}")
    print(f"  Unduplicated pupils: {_shares(found)}")
    emit_table(
        "Targets",
        ("Target", "Wanted", "Have", "Met"),
        [
            (a.target.name, str(a.target.at_least), str(a.have), "yes" if a.met else "not yet")
            for a in found.achieved
        ],
    )
    if found.illustrative:
        of = counted(found.illustrative, "LEA")
        print(f"ILLUSTRATIVE: dates and deliverables of {of} are invented.")


def _shares(found: Mix) -> str:
    known = found.unduplicated
    if not known:
        return "unknown"
    span = f"{known[0]}%" if known[0] == known[-1] else f"{known[0]}% to {known[-1]}%"
    return f"{span}, known for {len(known)} of {counted(found.taking_part, 'LEA')}"


def portfolio_triage(*, json_: Json = False) -> None:
    """Show side by side what says who needs a Lead most; who gets one is for people to decide.

    Args:
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[list[Need], Names, date]:
        from store.context import playbook, program
        from store.errors import Unreadable
        from store.portfolio import states

        needs = []
        pinned: dict[str, Playbook | None] = {}
        async with door.pool.acquire() as connection:
            settings = await program(connection)
            zone = settings.zone if settings else "UTC"
            today = local_date(await door.now(), zone)
            async for state in states(connection, zone=zone, left_out=door.left_out):
                ref = state.of(Engagement).playbook
                try:
                    if ref not in pinned:
                        pinned[ref] = await playbook(connection, ref)
                except Unreadable as sick:
                    door.left_out.append(sick.seen_from(state.stream))
                    continue
                if found := need(state, pinned[ref], today):
                    needs.append(found)
        names = Names(door)
        await names.learn(*(n.lead for n in needs))
        return in_order(needs), names, today

    needs, names, today = run(work)
    if json_:
        for n in needs:
            emit_json({**asdict(n), "lead": names.handle(n.lead)})
        return
    emit_table(
        counted(len(needs), "running engagement"),
        ("Engagement", "Phase", "Years by statute", "Willing", "Able", "Judged", "Risk",
         "Days without contact", "Lead"),
        [
            (
                n.engagement + (" *" if n.illustrative else ""),
                n.phase,
                "–" if n.years is None else f"{n.years}, {'' if n.enough else 'not '}enough",
                n.willing or "–",
                n.able or "–",
                spoken(n.judged_on) if n.judged_on else "never",
                n.risk or "–",
                "–" if n.days_since_contact is None else n.days_since_contact,
                names.now(n.lead, today),
            )
            for n in needs
        ],
    )  # fmt: skip
    print("How much each Lead has already: handrail lead caseload")
    if any(n.illustrative for n in needs):
        print("* illustrative: what is shown of it is invented, not facts about the LEA.")
