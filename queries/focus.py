"""The focus of an engagement: its lineage, its measures and the Dashboards."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.engagement.state import Engagement
from domain.focus.dashboard import Alignment, Dashboards
from domain.focus.focus import Entry, Focus
from domain.focus.measures import MEASURE_KINDS, Measure, Measures
from domain.focus.observations import Observations, standing
from domain.kernel.messages import State
from domain.policy.calendar import local_date
from queries.names import Names
from queries.seen import seen
from queries.source import Source


def as_data(state: State, zone: str) -> dict[str, Any]:
    """The focus of a folded engagement as plain data."""
    focus, dashboards = state.of(Focus), state.of(Dashboards)

    def day(instant: datetime | None) -> date | None:
        return local_date(instant, zone) if instant else None

    def entry(e: Entry) -> dict[str, Any]:
        return {
            "id": e.id,
            "focus": e.focus,
            "text": str(e.text),
            "since": day(e.since),
            "until": day(e.until),
            "reason": str(e.reason) if e.reason else None,
            "ended_because": str(e.ended_because) if e.ended_because else None,
            "by": e.by,
            "said_by": e.said_by,
            "evidence": str(e.evidence) if e.evidence else None,
            "illustrative": e.illustrative,
        }

    def under(entries: Iterable[Entry], problem: Entry) -> list[str]:
        """The entries that held while a problem of practice did."""
        return list(
            dict.fromkeys(
                e.id
                for e in entries
                if e.focus == problem.id
                or (
                    (e.until is None or e.until > problem.since)
                    and (problem.until is None or e.since < problem.until)
                )
            )
        )

    def judged(a: Alignment) -> dict[str, Any]:
        return {
            "year": a.said.year,
            "focus": a.said.focus,
            "verdict": a.said.verdict,
            "why": str(a.said.why),
            "reason": str(a.said.reason) if a.said.reason else None,
            "computed": a.said.computed,
            "rests_on": [r.model_dump() for r in a.said.rests_on],
            "on": day(a.at),
        }

    return {
        "engagement": state.id,
        "lea_name": state.of(Engagement).lea_name,
        "illustrative": state.of(Engagement).illustrative,
        "current": focus.current.id if focus.current else None,
        "lineage": [
            {
                **entry(p),
                "indicators": list(p.indicators),
                "root_causes": under(focus.causes, p),
                "theories": under(focus.theories, p),
                "alignment": [judged(a) for a in dashboards.alignments if a.said.focus == p.id],
            }
            for p in focus.problems
        ],
        "root_causes": [entry(e) for e in focus.causes],
        "theories": [
            {**entry(e), "equity": str(e.equity) if e.equity else None} for e in focus.theories
        ],
        "measures": {
            kind: [_measure(m, state, zone) for m in state.of(Measures).of_kind(kind)]
            for kind in MEASURE_KINDS
        },
        "dashboards": [
            {
                "year": year,
                "known_since": s.on,
                "sources": list(s.sources),
                "results": [
                    {
                        **r.result.model_dump(),
                        "before": [b.shown for b in r.before],
                    }
                    for r in s.readings.values()
                ],
                "alignment": [judged(a) for a in dashboards.judgements(year)],
            }
            for year, s in sorted(dashboards.all.items())
        ],
    }


def _measure(m: Measure, state: State, zone: str) -> dict[str, Any]:
    observed = state.of(Observations).of(m.id)
    return {
        "id": m.id,
        "focus": m.focus,
        "standing": standing(m, observed),
        "dropped": local_date(m.dropped_at, zone) if m.dropped_at else None,
        "drop_reason": str(m.drop_reason) if m.drop_reason else None,
        "definitions": [
            {
                "title": d.title,
                "baseline": None if d.baseline is None else f"{d.baseline:f}",
                "target": f"{d.target:f}",
                "unit": d.unit,
                "better": d.better,
                "not_before": d.not_before,
                "since": local_date(d.since, zone),
                "until": local_date(d.until, zone) if d.until else None,
                "reason": str(d.reason) if d.reason else None,
            }
            for d in m.definitions
        ],
        "observations": [
            {
                "on": o.on,
                "value": f"{o.latest.value:f}",
                "too_early": o.latest.too_early,
                "source": str(o.latest.source) if o.latest.source else None,
                "before": [f"{r.value:f}" for _, r in o.readings[:-1]],
            }
            for o in observed
        ],
    }


async def focus_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], Names]:
    """The focus of an engagement as it was asked for; people by id."""
    it = await seen(source, engagement, known, true)
    found = as_data(it.state, it.zone.key)
    entries = [*found["lineage"], *found["root_causes"], *found["theories"]]
    await it.names.learn(*(e["by"] for e in entries), *(e["said_by"] for e in entries))
    return found, it.names


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """The focus that holds; `handrail focus show` has the lineage."""
    focus, observed = state.of(Focus), state.of(Observations)
    if focus.current is None:
        return {"focus": None}
    holds = {
        "focus": focus.current.id,
        "since": local_date(focus.current.since, zone.key),
        "problem": str(focus.current.text),
        "root_causes": {e.id: str(e.text) for e in focus.current_causes},
        "theory": str(focus.theory.text) if focus.theory else None,
        "measures": {
            kind: {
                m.id: {"title": m.definitions[-1].title, "standing": standing(m, observed.of(m.id))}
                for m in state.of(Measures).of_kind(kind)
                if m.definitions and not m.dropped_at
            }
            for kind in MEASURE_KINDS
        },
    }
    return {"focus": holds}
