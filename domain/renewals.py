"""An agreement that ends is renewed in time for both boards to act, or lapses knowingly."""

from collections.abc import Iterable
from datetime import timedelta

from domain.agreements import MAIN, Agreement, Agreements
from domain.calendar import spoken
from domain.context import Context
from domain.kernel import State
from domain.obligations import Obligation, owes


def in_force(state: State) -> Agreement | None:
    """The agreement whose term counts: the one on the engagement, or its last effective renewal."""
    effective = [
        (a.effective_on, number, a)
        for number, a in enumerate(state.of(Agreements).all)
        if a.effective_on is not None and a.kind in (MAIN, "renewal")
    ]
    return max(effective, key=lambda entry: entry[:2])[2] if effective else None


@owes
def renewal_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes a draft of the renewal, so many days before the term ends."""
    rules = context.the_playbook.renewal
    if rules is None:
        return
    current = in_force(state)
    drafts = [a for a in state.of(Agreements).all if a.kind == "renewal" and not a.denied_by]
    for agreement in state.of(Agreements).all:
        if agreement.until is None or agreement.effective_on is None:
            continue
        if agreement.kind not in (MAIN, "renewal"):
            continue
        later = [a for a in drafts if a.id != agreement.id and a.drafted_on >= agreement.drafted_on]
        settled = "renewal drafted" if later else None
        if settled is None and current is not None and current.id != agreement.id:
            settled = "renewed"
        yield Obligation(
            f"{agreement.id}/renewal",
            f"Renewal of agreement {agreement.id}, whose term ends on {spoken(agreement.until)}",
            1,
            context.agency_days.back(agreement.until - timedelta(days=rules.days_before)),
            "lead",
            "agency",
            "Draft the renewal, so that both boards can act on it in time, or close the "
            "engagement by the end of the term.",
            f"handrail agreement draft {state.id} --type renewal --until DATE",
            rules.policy,
            settled,
        )
