"""Where every deliverable is: how it stands, with whom it is now, and whether it rests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.deliverables.proposing import Deliverables
from domain.deliverables.terms import Deliverable, Status
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.owing.obligations import Side
from domain.turnover.holds import Holds

SIDES: tuple[Side, ...] = ("agency", "lea")
ACTS: Mapping[Status, Side] = {"agreed": "lea", "submitted": "agency"}
"""Who has the next thing to do with a deliverable that stands so, besides signing."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One deliverable in a list of many."""

    deliverable: str
    title: str
    status: Status
    due: date | None
    """The agreed due date; None until both have signed."""
    round: int
    hours: Decimal
    proposed_due: date | None
    """The due date that is on the table."""
    unsigned: tuple[Side, ...]
    """Whose signature is missing under what is on the table."""
    waits_on: tuple[Side, ...]
    """Who has something to do now, to sign included; nobody once it or its engagement is over."""
    held: bool
    """It is on hold, or fell due during a hold and has no new date yet."""
    illustrative: bool

    def overdue(self, today: date) -> bool:
        """Whether it was to be handed in before that day, and is not."""
        owed = self.status == "agreed" and "lea" in self.waits_on and not self.held
        return owed and self.due is not None and self.due < today


def whereabouts(state: State) -> list[Whereabouts]:
    """Every deliverable of an engagement, in the order in which they were proposed."""
    engagement = state.of(Engagement)
    found = []
    for d in state.of(Deliverables).all.values():
        open_ = engagement.is_open
        unsigned = tuple(
            side for side in SIDES if open_ and d.proposal and side not in d.proposal.signed
        )
        acts = ACTS.get(d.status) if open_ else None
        found.append(
            Whereabouts(
                deliverable=d.id,
                title=d.title,
                status=d.status,
                due=d.due,
                round=d.round,
                hours=d.hours,
                proposed_due=d.proposal.due if d.proposal else None,
                unsigned=unsigned,
                waits_on=tuple(side for side in SIDES if side == acts or side in unsigned),
                held=open_ and _rests(d, state.of(Holds)),
                illustrative=d.illustrative or engagement.illustrative,
            )
        )
    return found


def _rests(d: Deliverable, holds: Holds) -> bool:
    if d.status != "agreed":
        return False
    return (d.id, d.round) in holds.passed or any(
        d.id not in h.released and (not h.items or d.id in h.items) for h in holds.open
    )
