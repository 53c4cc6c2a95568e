"""Who needs a Lead most: what is known of each engagement, side by side, for people to decide."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import get_args

from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.phases import Phase
from domain.outlook.dosage import dosage
from domain.policy.playbook import Playbook
from domain.recruitment.eligibility import Eligibility, Judgement, years_met
from domain.team.risks import Risks


@dataclass(frozen=True, slots=True)
class Need:
    """What speaks for and against individual support of one LEA."""

    engagement: str
    lea_name: str
    phase: Phase
    lead: str | None
    willing: Judgement | None
    able: Judgement | None
    judged_on: date | None
    """The day of that judgement; None where nobody judged readiness."""
    years: int | None
    """School years that count by statute; None where nothing is recorded or asked for."""
    enough: bool
    """Whether as many count as the statute looks for."""
    risk: str | None
    """The highest level of all risks."""
    days_since_contact: int | None
    """None before the agreement, and while the LEA is out of coaching."""
    illustrative: bool


def need(state: State, playbook: Playbook | None, today: date) -> Need | None:
    """How one engagement stands; None for one that is not running."""
    engagement = state.of(Engagement)
    if not engagement.is_open or engagement.phase is None:
        return None
    eligibility = state.of(Eligibility)
    judged = eligibility.readiness[-1] if eligibility.readiness else None
    rows, rules = eligibility.rows.values(), playbook.eligibility if playbook else None
    met = years_met(rows, rules) if rows and rules else None
    coaching = playbook.coaching if playbook else None
    received = dosage(state, coaching, today) if coaching else None
    return Need(
        engagement=state.id,
        lea_name=engagement.lea_name,
        phase=engagement.phase,
        lead=engagement.roles.get("lead"),
        willing=judged.willing if judged else None,
        able=judged.able if judged else None,
        judged_on=judged.on if judged else None,
        years=len(met.met) if met else None,
        enough=bool(met and met.enough),
        risk=state.of(Risks).level,
        days_since_contact=received.days_since_contact if received else None,
        illustrative=engagement.illustrative,
    )


def in_order(needs: Iterable[Need]) -> list[Need]:
    """By phase, those about whom nothing is agreed yet first; no other order is ours to make."""
    phases = get_args(Phase)
    return sorted(needs, key=lambda n: (phases.index(n.phase), n.engagement))
