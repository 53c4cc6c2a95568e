"""Every subject, found by itself and imported, so that it registers what it declares."""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import domain
from domain.registry import COMMANDS, EVENTS

_AS_READ = (
    "program",
    "people",
    "leaving",
    "erasing",
    "leas",
    "lea_days",
    "facts",
    "policy",
    "engagement",
    "steps",
    "upgrade",
    "statutes",
    "recruitment",
    "eligibility",
    "portfolio",
    "agreements",
    "frameworks",
    "review",
    "waves",
    "sparing",
    "evidence",
    "recommendations",
    "factual_review",
    "focus",
    "measures",
    "observations",
    "dashboard",
    "boards",
    "terms",
    "deliverables",
    "coauthoring",
    "merging",
    "dependencies",
    "submissions",
    "ratings",
    "reuse",
    "courses",
    "burden",
    "checkins",
    "closing",
    "commitments",
    "surveys",
    "coaching",
    "cycles",
    "handover",
    "overlap",
    "appropriations",
    "expiry",
    "summits",
    "summit_program",
    "invitations",
    "following",
    "attendance",
    "investments",
    "team",
    "risks",
    "holds",
    "turnover",
    "recommitment",
    "notices",
    "reminding",
)
"""The order in which a reader meets them; a subject that is not named here comes after these."""


def _found() -> tuple[ModuleType, ...]:
    """The modules of the domain that declare a command or an event."""
    names = [f"domain.{m.name}" for m in iter_modules(domain.__path__)]
    modules = {name: import_module(name) for name in names if name != __name__}
    declaring = {kind.__module__ for kind in (*COMMANDS.values(), *EVENTS.values())}
    first = {f"domain.{name}": place for place, name in enumerate(_AS_READ)}
    ordered = sorted(declaring & modules.keys(), key=lambda n: (first.get(n, len(first)), n))
    return tuple(modules[name] for name in ordered)


SUBJECTS = _found()
"""In the order in which a reader meets them."""
