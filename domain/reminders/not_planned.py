"""Why an item has no reminders at all: the ledger has nothing to show of it."""

from domain.kernel.messages import State
from domain.owing.matter import matter_of
from domain.owing.obligations import Obligation, obligations
from domain.rules.context import Context
from domain.turnover.holds import told


def items_of(state: State, context: Context) -> set[str]:
    """Everything that is or was owed on an engagement, and what is proposed, by name."""
    return {i for o in obligations(state, context) for i in (o.item, o.signs) if i}


def why_unplanned(item: str, state: State, context: Context) -> str | None:
    """Why no reminder of an item was planned; None for what never was an item."""
    every = obligations(state, context)
    if owed := {o.item: o for o in every}.get(item):
        return _why_not(owed, state, context)
    proposed = {o.signs: o for o in every}.get(item)
    if proposed is None:
        return None
    if proposed.settled:
        return f"it was never agreed ({proposed.settled})"
    if not matter_of(state, context).is_open:
        return "it was never signed by both sides"
    return "it is proposed and not signed by both sides"


def why_unreminded(owed: Obligation, context: Context) -> str | None:
    """Why nobody is reminded of what is owed, where nobody is."""
    if owed.policy is None:
        awaits_lead = owed.signs is not None and owed.side == "agency"
        if awaits_lead and context.the_playbook.deliverables.signature_policy:
            return "the Lead is to sign first; once that is done, the LEA is reminded to sign"
        return "the playbook has no reminders for it"
    return "it has no due date" if owed.due is None else None


def _why_not(owed: Obligation, state: State, context: Context) -> str:
    ended = matter_of(state, context).ended
    if unreminded := why_unreminded(owed, context):
        return unreminded
    if owed.settled:
        return f"it is settled ({owed.settled})"
    if ended:
        return f"{state.id} is {ended}"
    return told(owed.held, state) or "the days on which its reminders would have gone lay behind"
