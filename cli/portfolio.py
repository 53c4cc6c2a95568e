"""The portfolio: who takes part in which phase, the mix, and who needs a Lead most."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.kernel.wording import counted, spoken
from domain.outlook.mix import Mix

if TYPE_CHECKING:
    pass


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
    from queries.portfolio import mix_data, mix_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found = run(lambda door: mix_of(door, known, true))
    if json_:
        emit_json(mix_data(found))
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
    from queries.portfolio import needs_of

    needs, names, today = run(needs_of)
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
