"""Questions about a review: its frameworks, where it stands, and its thread from either end."""

from typing import TYPE_CHECKING, Any

from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.kernel.wording import counted, spoken

if TYPE_CHECKING:
    from queries.review import ReviewShown


def register(app: Verbs) -> None:
    """Add the questions about reviews."""
    noun(app, "framework").command(framework_list, name="list")
    noun(app, "sir").command(sir_show, name="show")
    noun(app, "sir").command(sir_thread, name="thread")


def framework_list(*, json_: Json = False) -> None:
    """Show the published framework versions."""
    from queries.review import frameworks

    rows = run(frameworks)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        "Frameworks",
        ("Framework", "Areas", "Title", "Source"),
        [(r["framework"], len(r["areas"]), r["title"], r["source"]) for r in rows],
    )


def sir_show(engagement: str, /, *, json_: Json = False) -> None:
    """Show where a review stands: areas with their evidence, waves, actions and corrections.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        json_: One JSON object.
    """
    from queries.review import review_of

    found = run(lambda door: review_of(door, engagement))
    if json_:
        emit_json(found)
        return
    print(f"{found.engagement}: {as_line(found.review)}")
    say_if_illustrative(found.illustrative)
    emit_table(
        "Areas",
        ("No.", "Area", "LCFF", "Evidence", "Strength", "Need"),
        [
            (
                number,
                a.area,
                ", ".join(str(p) for p in a.priorities),
                ", ".join(f"{m.replace('-', ' ')} {n}" for m, n in a.evidence.items())
                or ("EMPTY" + (f": {a.why_empty}" if a.why_empty else "")),
                "yes" if a.strength else "–",
                "yes" if a.need else "–",
            )
            for number, a in enumerate(found.review.areas, start=1)
        ],
    )
    if found.review.waves:
        emit_table(
            "Waves of evidence requests",
            ("Wave", "Title", "Status", "Due", "LEA hours"),
            [
                (
                    w.wave,
                    w.title,
                    w.status,
                    spoken(w.due) if w.due else "–",
                    w.hours,
                )
                for w in found.review.waves
            ],
        )
        for w in found.review.waves:
            for s in w.spared:
                print(f"{w.wave} without {s.part} ({s.hours} h), held by {s.held_by}")
    if found.review.actions:
        emit_table(
            "Recommended actions (* chosen)",
            ("Action", "Area", "Title", "Status", "Served by"),
            [
                (
                    a.action + (" *" if a.chosen else ""),
                    a.area,
                    a.title,
                    a.status.replace("-", " "),
                    ", ".join(a.deliverables),
                )
                for a in found.review.actions
            ],
        )
    for c in found.review.corrections:
        about = f" about {c.area}" if c.area else ""
        answer = {None: "not answered", True: "taken", False: "not taken"}[c.taken]
        print(f"{c.correction} filed {spoken(c.on)}{about}: {answer}")


def as_line(found: "ReviewShown") -> str:
    """A review in a sentence, for the engagement's page and the head of its own."""
    empty = found.empty_areas
    since = f" {spoken(found.final)}" if found.final else ""
    said = [f"review under {found.framework}, {found.standing}{since}"]
    if found.final:
        said += [f"presented {spoken(on)}" for on in found.presented]
    elif found.corrections_until:
        said.append(f"the LEA may correct facts until {spoken(found.corrections_until)}")
    said.append(
        f"evidence for {len(found.areas) - len(empty)} of {counted(len(found.areas), 'area')}"
        + (f" (empty: {', '.join(empty)})" if empty else "")
    )
    said.append(counted(len(found.actions), "action"))
    said.append(f"chosen: {', '.join(found.chosen) or 'none'}")
    return "; ".join(said)


def sir_thread(engagement: str, item: str | None = None, /, *, json_: Json = False) -> None:
    """Walk the thread from area over need, action and deliverable to evidence, or back.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        item: An area, an action such as RA1, or a deliverable such as D1; everything if left out.
        json_: One JSON object a strand.
    """
    from queries.review import thread_of

    found, names = run(lambda door: thread_of(door, engagement, item))
    if json_:
        for strand in found.strands:
            emit_json(names.throughout(strand))
        return
    for line in found.lines:
        print(names.told(line))
    say_if_illustrative(found.illustrative)


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of the review."""
    if not found["review"]:
        return []
    line = as_line(found["review"])
    return [line[0].upper() + line[1:]]
