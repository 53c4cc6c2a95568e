"""What is to come: the plan of an engagement's reminders, and a rehearsal of whole months."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from cli.terminal.nouns import noun
from cli.terminal.output import REFUSED, emit_json, emit_table, fail, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import counted, spoken
from domain.owing.items import heading

if TYPE_CHECKING:
    from queries.reminders import MailToCome


LONGEST = 60
"""Months: longer than any engagement."""


def register(app: Verbs) -> None:
    """Add what looks ahead."""
    noun(app, "reminders").command(reminders_plan, name="plan")
    app.command(rehearse)


def reminders_plan(engagement: str, /, *, json_: Json = False) -> None:
    """Show every reminder to come, to whom it goes now, and the mails that makes.

    Args:
        engagement: The engagement's id, or any name of its LEA; or an appropriation's id.
        json_: One JSON object.
    """
    from queries.reminders import plan_of

    found = run(lambda door: plan_of(door, engagement))
    if json_:
        emit_json(found)
        return
    say_if_illustrative(found.illustrative)
    one = found.engagement or found.appropriation
    if found.planned:
        emit_table(
            f"Reminders to come of {one}",
            ("When", "Item", "Step", "What", "Due", "By policy", "To"),
            [
                (
                    r.local,
                    r.item,
                    r.step,
                    r.title,
                    spoken(r.due),
                    r.policy,
                    ", ".join(p.name for p in r.to) or "nobody who can be mailed",
                )
                for r in found.planned
            ],
        )
        emit_table(
            "The mails that makes, if nobody does anything",
            ("When", "To", "About"),
            [(m.local, m.person.name, _about(m)) for m in found.mails],
        )
    else:
        print(f"{one}: no reminder is planned.")
    for s in found.snoozed:
        print(f"{s.item} is snoozed until {spoken(s.until)}: {s.reason}")
    for o in found.own_policies:
        print(f"{o.of}: reminded of by {o.policy}: {o.reason}")
    for q in found.not_reminded:
        print(f"{q.item} {q.title}: nobody is reminded: {q.why}")


def rehearse(
    engagement: str,
    /,
    *,
    months: Annotated[int, Parameter(name="--months")] = 24,
    json_: Json = False,
) -> None:
    """Show every mail of the coming months and the LEA's hours, before anybody is asked.

    Nothing is written and nothing is sent.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        months: How many months to look ahead.
        json_: One JSON object.
    """
    from queries.reminders import rehearsal_of

    if not 1 <= months <= LONGEST:
        fail(f"--months {months} cannot be: give a number from 1 to {LONGEST}.", REFUSED)

    found = run(lambda door: rehearsal_of(door, engagement, months))
    if json_:
        emit_json(found)
        return
    say_if_illustrative(found.illustrative)
    title = f"Rehearsal of {found.engagement}, {spoken(found.from_)} to {spoken(found.until)}"
    if found.mails:
        emit_table(
            title,
            ("When", "To", "About"),
            [(m.local, m.person.name, _about(m)) for m in found.mails],
        )
        each = Counter(m.person.name for m in found.mails)
        print(
            f"{counted(len(found.mails), 'mail')}: "
            + ", ".join(f"{n} to {p}" for p, n in each.most_common())
        )
    else:
        print(f"{title}: no mail would go.")
    if found.hours:
        emit_table(
            "Hours asked of the LEA",
            ("Month", "Hours", "Against the cap", "For what"),
            [
                (m.name, m.forecast, m.standing.replace("; ", "\n"), "\n".join(m.for_))
                for m in found.hours
            ],
        )
    else:
        print("No hours are asked of the LEA in these months.")
    print("It assumes:")
    for assumption in found.assumes:
        print(f"  - {assumption}")


def _about(mail: "MailToCome") -> str:
    """Each item once, with the steps that it has in the mail."""
    steps: dict[tuple[str, str], list[str]] = {}
    for item in mail.items:
        steps.setdefault((item.item, item.title), []).append(item.step)
    alarm = "alarm: " if mail.alarm else ""
    return alarm + "\n".join(f"{heading(i, t)} ({', '.join(s)})" for (i, t), s in steps.items())
