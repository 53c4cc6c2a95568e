"""How an LEA came to take part: conversations, the fit, who is eligible, and readiness."""

from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.messages import State
from domain.policy.playbook import Playbook
from domain.recruitment.eligibility import Eligibility, years_met
from domain.recruitment.recruitment import Recruitment


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of it."""
    recruitment = state.of(Recruitment)
    return {
        "conversations": dict(recruitment.covered),
        "fit": None
        if recruitment.decided is None
        else {
            "proceed": recruitment.decided.proceed,
            "criteria": dict(recruitment.decided.criteria),
        },
        "eligibility": [
            {"year": r.year, "group": r.group, "criterion": r.criterion, "source": r.source}
            for r in sorted(state.of(Eligibility).rows.values(), key=lambda r: (r.year, r.group))
        ],
        "readiness": [
            {"on": j.on, "willing": j.willing, "able": j.able, "why": str(j.why)}
            for j in state.of(Eligibility).readiness
        ],
    }


def years_told(state: State, playbook: Playbook | None) -> str | None:
    """For how many years the LEA meets the criteria, where the playbook asks."""
    rows = state.of(Eligibility).rows.values()
    if not rows or playbook is None or playbook.eligibility is None:
        return None
    return years_met(rows, playbook.eligibility).told(playbook.eligibility)
