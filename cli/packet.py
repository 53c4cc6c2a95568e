"""The handover packet: one document about an engagement, made from the record at that moment."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cli.money import investment_line
from cli.roles import as_text as absence_as_text
from cli.terminal.nouns import noun
from cli.terminal.output import REFUSED, emit_json, fail, narrate
from cli.terminal.session import Json, run
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import lea_hours, spoken

if TYPE_CHECKING:
    from bootstrap.door import Door


Out = Annotated[Path | None, Parameter(name="--out")]

_TOLD_ELSEWHERE = {
    "engagement", "version", "lea", "lea_name", "phase", "illustrative", "playbook", "source",
    "statute", "opened", "ended", "end_reason", "roles", "tenures", "waived", "agreements",
    "focus", "deliverables", "checkins", "contacts", "last_contact", "cycles", "handovers",
    "invested", "investments",
}  # fmt: skip
"""What `engagement show` says and the packet has a section of its own for."""

_TAG = re.compile(r"<(?=[A-Za-z/!?]|$)")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_MARKED = re.compile(
    r"""
    \\(?=[!-/:-@\[-`{-~]|$)             # before what it would take the meaning from
    | [`*\[]
    | (?<!\w)_+ | _++(?![^\W_])         # but inside a word: Los_Angeles
    | ~(?!\d) | (?<=\S)~                # but before a number: ~5
    | \$(?!\d) | (?<=[^\s(])\$          # but as an amount begins: $24,000.00
    | (?<=\s)\#+$                       # what would end a heading
    """,
    re.VERBOSE,
)
_BEGINS_A_BLOCK = re.compile(r"^(?:(\d+)([.)])(?=\s|$)|([-+](?=[\s-]|$)|>|#+(?=\s|$)))")


def register(app: Verbs) -> None:
    """Add the verb."""
    noun(app, "lead").command(packet)


def md(value: object) -> str:
    """A value as text that means nothing to Markdown or HTML, on one line.

    What has no meaning where it stands is left as it is: the packet is read as plain text, too.
    """
    text = " ".join(str(value).split())
    text = _TAG.sub("&lt;", _ENTITY.sub("&amp;", text))
    return _MARKED.sub(lambda m: "".join(f"\\{mark}" for mark in m[0]), text)


def _away(told: Mapping[str, Any]) -> str:
    """Behind a name: that they have left, and who stands in."""
    said = md(absence_as_text(told))
    return f" {said}" if said else ""


def as_line(text: str) -> str:
    """A line that begins no list, quotation or heading of its own."""
    return _BEGINS_A_BLOCK.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", text)


def packet(engagement: str, /, *, out: Out = None, json_: Json = False) -> None:
    """Make the handover packet of an engagement: everything its next Lead must know.

    Args:
        engagement: The engagement's id.
        out: Write it to this file, which must not be there yet.
        json_: One JSON object.
    """
    from queries.packet import gathered

    if out is not None and out.exists():
        fail(f"{out} is there already. Name another file, or remove it first.", REFUSED)

    async def work(door: "Door") -> dict[str, Any]:
        return await gathered(door, engagement)

    found = run(work)
    text = json.dumps(found, default=str, ensure_ascii=False) if json_ else as_markdown(found)
    if out is None:
        if json_:
            emit_json(found)
        else:
            print(text)
        return
    try:
        # It names people, so nobody else on this machine reads it.
        out.touch(mode=0o600, exist_ok=False)
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        fail(f"{out} cannot be written: {problem.strerror}. Name another file.", REFUSED)
    narrate(f"Written to {out}. It names people: pass it on as you would a personnel file.")


# As Markdown -----------------------------------------------------------------------------------


def as_markdown(p: dict[str, Any]) -> str:
    """The packet for reading and printing; whatever people wrote is text and nothing else."""
    lines = [f"# Handover packet: {md(p['lea_name'])}", ""]
    lines.append(f"Engagement {md(p['engagement'])}, as of {md(p['as_of'])} ({md(p['zone'])}).")
    if p["illustrative"]:
        lines.append("**Illustrative: dates and deliverables are invented.**")
    if p["sandbox"]:
        lines.append("**From a practice environment.**")
    for heading, content in _sections(p):
        lines += ["", f"## {heading}", "", *(f"- {as_line(line)}" for line in content)]
        if not content:
            lines.append("Nothing.")
    return "\n".join(lines)


def _sections(p: dict[str, Any]) -> Iterable[tuple[str, list[str]]]:
    yield (
        "The LEA",
        _lines(
            ("Name", p["lea_name"]),
            ("Also called", ", ".join(p["also_called"])),
            ("Type", p["lea_type"].replace("_", " ")),
            ("County", p["county"]),
            *(("Recess", f"{c['name']} {c['first']} to {c['last']}") for c in p["recess"]),
        ),
    )
    yield (
        "Where it stands",
        _lines(
            ("Phase", p["phase"]),
            ("Playbook", p["playbook"]),
            ("Opened", _day(p["opened"])),
            ("Ended", _day(p["ended"]) + f": {p['end_reason']}" if p["ended"] else None),
            ("Source", p["source"]),
            ("Statute", p["statute"]),
        ),
    )
    yield (
        "The handover",
        [
            md(
                f"{h['handover']}: {h['from']} to {h['to']} on {_day(h['effective'])} "
                f"({h['status']}): {h['reason']}"
            )
            + (md(f"; they met on {_day(h['met'])}: {h['note'] or 'no note'}") if h["met"] else "")
            + (md(f"; to meet by {_day(h['overlap'])}") if h["overlap"] and not h["met"] else "")
            for h in p["handovers"]
        ],
    )
    yield (
        "People and roles",
        [
            f"{md(t['role'].replace('_', ' '))}: {md(t['person'])}"
            + (f", {md(t['mail'])}" if t["mail"] else ", no mail address")
            + (f", leaves {_day(t['leaves'])}" if t["leaves"] and not t["left_on"] else "")
            + _away(t)
            for t in p["team"]
        ],
    )
    yield (
        "Who held a role before",
        [
            f"{md(t['role'].replace('_', ' '))}: {md(t['person'])}, "
            f"{_day(t['since'])} to {_day(t['until'])}"
            for t in p["tenures"]
            if t["until"]
        ],
    )
    yield (
        "Agreements",
        [
            f"{md(a['agreement'])} ({md(a['type'])}): "
            + (f"effective {_day(a['effective'])}" if a["effective"] else "not effective")
            + "; "
            + ", ".join(f"{md(b)} {md(i['state'])}" for b, i in a["boards"].items())
            for a in p["agreements"]
        ],
    )
    yield "Focus", _focus(p["focus"])
    yield "Open deliverables", _deliverables(p)
    for heading, side in (("What the agency owes", "agency"), ("What the LEA owes", "lea")):
        yield (
            heading,
            [
                f"{_day(o['due']) if o['due'] else 'no date'}: {md(o['item'])} {md(o['title'])} "
                f"({md(o['owner'])}){_away(o)}"
                + (f", held: {md(o['held'])}" if o["held"] else "")
                + f". {md(o['ask'])} Command: {md(o['command'])}"
                for o in p["owed"]
                if o["side"] == side
            ],
        )
    yield (
        "Asked of the LEA's people from now on",
        [
            f"{_day(a['on'])}: {md(a['item'])} {md(a['title'])}, {lea_hours(a['hours'])}"
            + ("" if a["agreed"] else " (proposed)")
            for a in p["asked"]
        ],
    )
    yield (
        "Coaching contacts",
        [
            f"{_day(c['on'])}, {md(c['kind'])}: {md(c['coach'])} with "
            f"{md(', '.join(c['with']))}, for {md(c['for'])}"
            + (f". Note: {md(c['note'])}" if c["note"] else "")
            for c in p["coaching_contacts"]
        ],
    )
    yield (
        "Cycles under way",
        [
            f"{md(c['cycle'])} {md(c['title'])}: {md(c['stage'])}"
            for c in p["cycles"]
            if c["decision"] is None
        ],
    )
    yield (
        "Check-ins and commitments",
        [
            line
            for c in p["checkins"]
            for line in (
                f"{md(c['checkin'])}: "
                + (f"held {_day(c['held'])}" if c["held"] else f"planned {_day(c['planned'])}")
                + (f", {md(c['outcome'])}" if c["outcome"] else ""),
                *(
                    f"{md(c['checkin'])}, by {_day(k['by'])}: {md(k['text'])}"
                    for k in c["commitments"]
                ),
            )
        ],
    )
    yield "Investments", [md(investment_line(i)) for i in p["investments"]]
    yield (
        "Waivers",
        [f"{md(w['step'])}: {md(w['reason'])} (by {md(w['authority'])})" for w in p["waivers"]],
    )
    yield (
        "Reminders lately and to come",
        [
            f"{md(r['planned_for'])}: {md(r['item'])} {md(r['step'])}, {md(r['outcome'])}"
            + (f" ({md(r['reason'])})" if r["reason"] else "")
            + (f" to {md(', '.join(r['to']))}" if r["to"] else "")
            for r in p["reminders"]
        ],
    )
    yield "More on record", list(not_told_elsewhere(p))


def _lines(*pairs: tuple[str, object]) -> list[str]:
    return [f"{label}: {md(value)}" for label, value in pairs if value]


def _day(value: Any) -> str:
    return spoken(value) if isinstance(value, date) else md(value)


def _focus(focus: dict[str, Any] | None) -> list[str]:
    if focus is None:
        return []
    lines = [f"{md(focus['focus'])} since {_day(focus['since'])}: {md(focus['problem'])}"]
    lines += [f"{md(id_)}: {md(text)}" for id_, text in focus["root_causes"].items()]
    if focus["theory"]:
        lines.append(f"Theory of action: {md(focus['theory'])}")
    return lines + [
        f"{md(kind)} {md(id_)} {md(m['title'])}: {md(m['standing'])}"
        for kind, measures in focus["measures"].items()
        for id_, m in measures.items()
    ]


def _deliverables(p: dict[str, Any]) -> list[str]:
    pending = {s["deliverable"]: s for s in p["signatures_pending"]}
    lines = []
    for d in p["deliverables"]:
        waits = pending.get(d["deliverable"])
        if d["status"] in ("accepted", "dropped", "declined") and not waits:
            continue
        due = f", due {_day(d['due'])}" if d["due"] else ""
        line = f"{md(d['deliverable'])} {md(d['title'])}: {md(d['status'])}{due}"
        if waits:
            missing = " and ".join("LEA" if s == "lea" else s for s in waits["missing"])
            line += f"; proposed for {_day(waits['proposed_due'])}, not signed by {missing}"
        lines.append(line)
    return lines


def not_told_elsewhere(p: dict[str, Any]) -> Iterable[str]:
    """Whatever else `engagement show` knows: risks, holds, summits, whoever adds them."""
    own = {"as_of", "zone", "sandbox", "lea_type", "county", "also_called", "recess", "team",
           "waivers", "owed", "asked", "signatures_pending", "coaching_contacts",
           "reminders"}  # fmt: skip
    for key, value in p.items():
        if key not in _TOLD_ELSEWHERE | own and value not in (None, [], {}):
            yield f"{md(key.replace('_', ' '))}: {md(_flat(value))}"


def _flat(value: object) -> str:
    """Nested data as one line."""
    if isinstance(value, Mapping):
        inside = ((k, v) for k, v in value.items() if v not in (None, [], {}))
        return ", ".join(f"{str(k).replace('_', ' ')} {_flat(v)}" for k, v in inside)
    if isinstance(value, list | tuple):
        return "; ".join(_flat(entry) for entry in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _day(value) if isinstance(value, date) else str(value)
