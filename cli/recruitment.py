"""How an LEA came to take part, as people see it."""

from typing import Any

from domain.kernel.wording import spoken


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of it."""
    lines: list[str] = []
    if found["conversations"]:
        lines.append("Conversations:")
        lines += [f"   {spoken(on)}: {g}" for g, on in found["conversations"].items()]
    if found["fit"]:
        answers = ", ".join(f"{k} {v}" for k, v in found["fit"]["criteria"].items())
        verdict = "proceed" if found["fit"]["proceed"] else "do not proceed"
        lines.append(f"Fit: {verdict} ({answers})")
    if found["eligibility"]:
        lines.append("Eligibility:")
        lines += [f"   {r['year']}: {r['group']}, {r['criterion']}" for r in found["eligibility"]]
    if "years_met" in found:
        lines.append(f"   {found['years_met']}")
    lines += [
        f"Readiness {spoken(j['on'])}: willing {j['willing']}, able {j['able']} ({j['why']})"
        for j in found["readiness"]
    ]
    return lines
