"""The thread of a review: from an area through its need and its actions to what was done."""

from dataclasses import dataclass

from domain.deliverables.proposing import Deliverables
from domain.kernel.messages import State
from domain.kernel.refusals import Refused, Unknown, did_you_mean
from domain.review.recommendations import action_named
from domain.review.review import Review, area_named


@dataclass(frozen=True, slots=True)
class Strand:
    """One way along the thread; it ends where nothing follows yet."""

    area: str
    action: str | None = None
    deliverable: str | None = None


def strands(state: State) -> list[Strand]:
    """Every way from an area to what was done about it, in the framework's order."""
    review = state.of(Review)
    found = []
    for area in review.areas:
        actions = [a for a in review.recommended if a.area == area]
        for action in actions:
            found += [Strand(area, action.id, d) for d in action.deliverables or (None,)]
        if not actions:
            found.append(Strand(area))
    return found


def through(ref: str | None, state: State) -> list[Strand]:
    """The ways that pass through an area, an action or a deliverable; all of them for None.

    Raises:
        Unknown: Nothing is called that.
        WrongState: It is an action that was taken back.
    """
    review = state.of(Review)
    every = strands(state)
    if ref is None:
        return every
    wanted = ref.strip()
    if wanted.upper() in review.actions:
        action = action_named(wanted, review, state).id
        return [s for s in every if s.action == action]
    if wanted.upper() in state.of(Deliverables).all:
        return [s for s in every if s.deliverable == wanted.upper()]
    try:
        area = area_named(wanted, review, state).id
    except Refused as none:
        known = [*review.areas, *review.actions, *state.of(Deliverables).all]
        raise Unknown(
            f"{state.id} has no area, recommended action or deliverable {ref!r}. "
            f"{did_you_mean(wanted, known)}See the whole thread: handrail sir thread {state.id}"
        ) from none
    return [s for s in every if s.area == area]


def unserving(state: State) -> list[str]:
    """The deliverables that serve no recommended action."""
    serving = {s.deliverable for s in strands(state)}
    all_ = state.of(Deliverables).all.values()
    return [d.id for d in all_ if d.id not in serving and not d.ending]
