"""An agreement that ends is renewed in time for both boards to act, or lapses knowingly."""

from collections.abc import Iterable
from datetime import timedelta

from domain.agreements.agreements import MAIN, Agreements
from domain.kernel.messages import State
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import spoken
from domain.rules.context import Context


@owes
def renewal_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes a draft of the renewal, so many days before the term ends."""
    rules = context.the_playbook.renewal
    if rules is None:
        return
    all_ = state.of(Agreements).all
    for number, agreement in enumerate(all_, start=1):
        if agreement.until is None or agreement.effective_on is None:
            continue
        if agreement.kind not in (MAIN, "renewal"):
            continue
        drafted = any(a.kind == "renewal" and not a.denied_by for a in all_[number:])
        yield Obligation(
            hanging(agreement.id, "renewal"),
            f"Renewal of agreement {agreement.id}, whose term ends on {spoken(agreement.until)}",
            1,
            context.agency_days.back(agreement.until - timedelta(days=rules.days_before)),
            "lead",
            "agency",
            "Draft the renewal, so that both boards can act on it in time, or close the "
            "engagement by the end of the term.",
            f"handrail agreement draft {state.id} --kind renewal --last DATE",
            rules.policy,
            "renewal drafted" if drafted else None,
        )
