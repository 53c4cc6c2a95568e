"""What an engagement owes beside its deliverables because of them."""

from collections.abc import Iterable
from datetime import date

from domain.deliverables.proposing import Deliverables
from domain.focus.measures import Measures
from domain.kernel.messages import State
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, owes
from domain.rules.context import Context


@owes
def measures_owed(state: State, context: Context) -> Iterable[Obligation]:
    """Vague impact is no impact: a measure stands before the first deliverable falls due."""
    rules = context.the_playbook.measures
    if rules is None:
        return
    known = state.of(Deliverables).all.values()
    first = min(((d.due, d.id) for d in known if d.due), default=None)
    standing = any(m.definitions and not m.dropped_at for m in state.of(Measures).all.values())
    settled = "measures defined" if standing else None
    for deliverable in known:
        id_ = deliverable.id
        dates: list[tuple[date, str | None]] = [(past, "re-dated") for past, _ in deliverable.past]
        if deliverable.due:
            dates.append((deliverable.due, None))
        elif dates:
            # What was agreed and is over without being handed in has no date of its own any more.
            dates[-1] = (dates[-1][0], deliverable.ending)
        for round_, (day, gone) in enumerate(dates, start=1):
            later = None if first and first[1] == id_ else "another deliverable falls due first"
            yield Obligation(
                hanging(id_, "measures"),
                f"Measures of success, before {deliverable.title}",
                round_,
                day,
                "lead",
                "agency",
                "Define with the LEA what will show the effect, and record it.",
                f'handrail measure add {state.id} "TITLE" --kind leading --target NUMBER',
                rules.policy,
                settled or gone or later,
            )
