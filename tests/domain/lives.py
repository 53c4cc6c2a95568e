"""Lives of what an engagement is made of, and histories in which several of them mix."""

from dataclasses import replace
from datetime import time
from typing import Any

from hypothesis import strategies as st

from domain.rules.context import SYSTEM
from tests.domain.plots import (
    LEA,
    Closes,
    Do,
    FallsBack,
    Holder,
    In,
    Leaves,
    Mine,
    One,
    Owed,
    Pass,
    Piece,
    Promised,
    Reads,
    Recess,
    Refuses,
    Returns,
)

Part = list[Any]
"""Moves of any kind, in their order."""

nth = st.integers(0, 5)
ahead = st.integers(1, 45).map(lambda days: In(days, worked=True))
soon = st.integers(1, 12).map(In)
lately = st.sampled_from([0, 0, 0, -1, -4])
hours = st.integers(0, 3)
passing = st.builds(
    Pass,
    st.one_of(st.integers(0, 4), st.integers(1, 25)),
    st.sampled_from([time(7, 30), time(9), time(9), time(19)]),
    st.sampled_from([True, True, True, False]),
)


def some(*parts: Part) -> st.SearchStrategy[Part]:
    """One of these, or nothing."""
    return st.sampled_from([[], *parts])


def both_sign(what: str, **named: Any) -> Part:
    return [Do(what, {**named, **side}) for side in ({}, LEA)]


# Deliverables and waves --------------------------------------------------------------------------

D = {"deliverable": Mine("D")}


def signed(what: str, draw: st.DrawFn, **named: Any) -> Part:
    """Mostly both sides sign, in whichever order, or only one does."""
    sides = both_sign(what, **named)
    return draw(st.sampled_from([sides, sides, sides[::-1], sides[:1], sides[1:], []]))


@st.composite
def a_deliverable(draw: st.DrawFn) -> Part:
    terms = {"title": draw(st.sampled_from("ABCDEFGH")), "due": draw(ahead), "hours": draw(hours)}
    life = [Do("deliverable propose", terms), *signed("deliverable sign", draw, **D)]
    turns = st.sampled_from(["redate", "rescope", "hand in", "decline", "merge", "split"])
    for turn in draw(st.lists(turns, max_size=3)):
        match turn:
            case "redate":
                life.append(Do("deliverable redate", {**D, "due": draw(ahead), "reason": "r"}))
                life += signed("deliverable sign", draw, **D)
            case "rescope":
                changed = {"hours": draw(hours), "due": draw(st.one_of(st.none(), ahead))}
                life.append(Do("deliverable rescope", {**D, **changed, "reason": "r"}))
                life += signed("deliverable sign", draw, **D)
            case "hand in":
                life.append(Do("deliverable submit", {**D, **LEA}, on=draw(lately)))
                again = {**D, **LEA, "due": draw(ahead), "reason": "more"}
                life += draw(some([Do("deliverable accept", D)], [Do("deliverable return", again)]))
            case "decline":
                by = draw(st.sampled_from([{}, LEA]))
                life.append(Do("deliverable decline", {**D, **by, "reason": "r"}))
            case "merge":
                into: dict[str, Any] = {"deliverables": (Mine("D"), One("D", draw(nth)))}
                into |= draw(st.sampled_from([{}, {"due": draw(ahead)}, {"hours": 2}]))
                life.append(Do("deliverable merge", {**into, "reason": "r"}))
                life += signed("deliverable sign", draw, **D)
            case _:
                life += draw(split())
    return life


@st.composite
def split(draw: st.DrawFn) -> Part:
    pieces = tuple(Piece(draw(st.integers(3, 40)), draw(hours), t) for t in "XY")
    life: Part = [Do("deliverable split", {**D, "part": pieces, "reason": "r"})]
    for n in (1, 2):
        piece = {"deliverable": Mine("D", n)}
        life += draw(
            some(
                both_sign("deliverable sign", **piece),
                [Do("deliverable decline", {**piece, "reason": "r"})],
            )
        )
    return life


W = {"wave": Mine("W")}
OPENED: Part = [Do("sir open", {"framework": "practice-3@1"})]
FOUND: Part = [Do("sir finding", {"area": str(n), "strength": "S", "need": "N"}) for n in (1, 2, 3)]
FINAL = Do("sir finalize", {"without_evidence": {str(n): "none" for n in (1, 2, 3)}})


@st.composite
def a_wave(draw: st.DrawFn) -> Part:
    terms = {"title": draw(st.sampled_from("PQRS")), "due": draw(ahead), "hours": draw(hours)}
    life = [*OPENED, Do("sir wave propose", terms), *signed("sir wave sign", draw, **W)]
    for _ in range(draw(st.integers(0, 2))):
        changed = draw(st.sampled_from([{}, {"hours": 1}, {"hours": 2}]))
        due = draw(st.one_of(ahead, st.just(terms["due"])))
        life.append(Do("sir wave redate", {**W, "due": due, "reason": "r", **changed}))
        life += signed("sir wave sign", draw, **W)
    spared = {**W, "part": "P", "hours": 1, "held_by": "county"}
    life += draw(some([Do("sir wave spare", spared)]))
    received, dropped = (
        Do("sir wave receive", {**W, **LEA}),
        Do("sir wave drop", {**W, "reason": "r"}),
    )
    return life + draw(some([received], [dropped], [FINAL]))


@st.composite
def the_draft(draw: st.DrawFn) -> Part:
    life = [*OPENED, *FOUND, Do("sir draft", on=draw(lately))]
    life += draw(some([Do("sir draft")]))
    corrected = Do("sir correct", {"text": "T", **LEA})
    return life + draw(
        some([corrected], [Do("sir waive", LEA), FINAL], [Do("sir waive", LEA)], [FINAL])
    )


measures = some(
    [Do("measure add", {"title": "M", "sort": "leading", "target": 1, "baseline": 0})],
    [
        Do("measure add", {"title": "N", "sort": "leading", "target": 1, "baseline": 0}),
        Do("measure drop", {"measure": "M1", "reason": "r"}),
    ],
)

# Holds -----------------------------------------------------------------------------------------


@st.composite
def a_hold(draw: st.DrawFn) -> Part:
    named = (Owed(draw(nth)),)
    body: dict[str, Any] = draw(
        st.sampled_from([{}, {}, {"until": draw(soon)}, {"item": named}, {"item": ("D1",)}])
    )
    life: Part = [Do("engagement hold", {"reason": "fire", **body})]
    life += draw(some([Do("engagement resume", {"item": (Owed(draw(nth)),)})]))
    return life + draw(some([Do("engagement resume")], [Do("engagement resume")]))


recesses = st.one_of(
    st.builds(Recess, st.integers(-3, 30), st.integers(1, 12)),
    st.builds(Closes, st.integers(-3, 30), st.integers(1, 5)),
).map(lambda move: [move])

upgrades: st.SearchStrategy[Part] = st.just(
    [Do("playbook upgrade", {"to": "dta-sir@4", "reason": "r"}, by="director")]
)

# Agreements ------------------------------------------------------------------------------------


@st.composite
def boards(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(["amendment", "renewal", "renewal", "data-sharing", "engagement"]))
    terms = {"type": kind, "until": draw(st.sampled_from([None, In(150), In(170)]))}
    life: Part = [Do("agreement draft", terms)]
    for board in draw(st.permutations(["lea", "ccee"])):
        life += draw(before_a_board({"board": board, "agreement": Mine("A")}))
    return life


@st.composite
def before_a_board(draw: st.DrawFn, of: dict[str, Any]) -> Part:
    """It is submitted, its agenda posted or not, and the board acts; perhaps it moves first."""
    kind = draw(st.sampled_from(["regular", "regular", "special"]))
    act = draw(st.sampled_from([None, "brown-act", "bagley-keene"]))
    at = draw(st.sampled_from([time(18), time(9, 30), time(2, 30)]))
    day = st.integers(1, 20).map(In)
    life: Part = [
        Do("board submit", {**of, "meeting": draw(day), "at": at, "meeting_kind": kind, "act": act})
    ]
    next_at = draw(st.sampled_from([None, time(11)]))
    nexts = {"next_meeting": draw(day), "next_at": next_at}
    met = {"meeting": In(draw(st.integers(-2, 0)))}
    posted = Do("board post", {**of, "on": In(draw(st.integers(-3, 0))), "at": time(8, 15)})
    turns = st.sampled_from(
        [
            [posted],
            [posted],
            [Do("board submit", {**of, "meeting": draw(day), "at": time(17), "act": act})],
            [Do("board no-quorum", {**of, **nexts}), posted],
            [Do("board no-quorum", of)],
            [Do("agreement act", {**of, **met, **nexts, "action": "continued"}), posted],
            [Do("agreement act", {**of, **met, "action": "signed"})],
        ]
    )
    life += [move for turn in draw(st.lists(turns, max_size=2)) for move in turn]
    ends = st.sampled_from(["approved", "approved", "approved", "ratified", "denied"])
    acted = [Do("agreement act", {**of, **met, "action": draw(ends)})]
    return life + draw(some(acted, acted))


# Summits ---------------------------------------------------------------------------------------


def told_of(named: dict[str, Any]) -> Do:
    """The engagement hears what became of the summit, as the follower has it."""
    return Do("summit take-over", named, by=SYSTEM)


@st.composite
def a_summit(draw: st.DrawFn) -> Part:
    named = {"summit": draw(st.sampled_from(["Y1-1", "Y1-2", "Y1-3"]))}
    first = draw(st.integers(4, 40))
    days = {"first": In(first), "last": In(first + 1)}
    by = {"registration_due": In(draw(st.integers(max(0, first - 20), first - 1)))}
    waived = draw(st.sampled_from([{}, {}, {"waive": "agreed"}]))
    life: Part = [
        Do("summit plan", {**named, "title": "T", **days, "place": "P", **by, "hours": 1}),
        Do("summit invite", {**named, **waived}),
    ]
    registered = Do("summit register", {**named, "places": {"teacher": 2}})
    declined = Do("summit decline-invitation", {**named, "reason": "r"})
    again = Do("summit invite", {**named, **waived})
    moved = {**named, "to": In(draw(st.integers(1, 40)))}
    later = {**moved, "registration_due": In(draw(st.integers(0, 9)))}
    turns = st.sampled_from(
        [
            [registered],
            [declined],
            [declined, again],
            [Do("summit reschedule", moved), told_of(named)],
            [Do("summit reschedule", moved), told_of(named)],
            [Do("summit reschedule", later), told_of(named)],
            [Do("summit follow", {**named, "waive": "agreed"})],
        ]
    )
    life += [move for turn in draw(st.lists(turns, max_size=3)) for move in turn]
    if draw(st.booleans()):
        owner = draw(st.sampled_from(["lea_contact", "superintendent", "lead"]))
        made = {**named, "text": draw(st.sampled_from("ABC")), "by": draw(ahead), "owner": owner}
        settled = {**named, "commitment": draw(st.sampled_from(["1", "2"])), "outcome": "kept"}
        life.append(Do("summit commitment add", made))
        life += draw(some([Do("summit commitment settle", settled)]))
    ends = [Do("summit cancel", {**named, "reason": "r"}), told_of(named)]
    return life + draw(some(ends, [Do("summit conclude", named, by=SYSTEM), told_of(named)]))


@st.composite
def a_prong(draw: st.DrawFn) -> Part:
    prong = {"prong": draw(st.sampled_from(["summits", "coaching", "coaching"]))}
    out = Do("prong opt-out", {**prong, "reason": "r"})
    return [out, *draw(some([Do("prong opt-in", prong, on=draw(lately))]))]


# Check-ins and what comes every year -------------------------------------------------------------

PURPOSES = ("commitment", "support-match", "coaching-capacity", "impact-measurement")
promiser = st.sampled_from(["joy", "elena", "mendes", "marcus", "tess"])


@st.composite
def check_ins(draw: st.DrawFn) -> Part:
    promised = [Promised(draw(st.integers(1, 40)), draw(promiser), text) for text in "AB"]
    ended = {"outcome": "end", "reason": "r", "sustain": "s"}
    outcome = draw(st.sampled_from([{}, {}, {"outcome": "adjust", "reason": "r"}, ended]))
    closes = {
        "purpose": dict.fromkeys(PURPOSES, "Said."),
        "commitment": tuple(promised[: draw(st.integers(0, 2))]),
        **outcome,
    }
    opens = [Do("checkin open", {"on": draw(ahead)})]
    life = draw(
        st.sampled_from([[], opens, opens, [*opens, Do("checkin open", {"on": draw(ahead)})]])
    )
    life += draw(some([Do("checkin hold", {"on": In(draw(lately))})] * 1))
    if draw(st.booleans()):
        life += [Do("checkin hold", {"on": In(draw(lately))}), Do("checkin close", closes)]
    at = {"checkin": One("CI-", 0)}
    turns = st.sampled_from(
        [
            [Do("commitment add", {**at, "text": "C", "owner": draw(promiser), "by": draw(ahead)})],
            [Do("commitment judge", {**at, "number": 1, "verdict": "kept"})],
            [Do("commitment judge", {**at, "number": 2, "verdict": "partly", "note": "n"})],
            [Do("commitment redate", {**at, "number": 1, "by": draw(ahead), "reason": "r", **LEA})],
            [Do("commitment correct", {**at, "number": 1, "reason": "r", "owner": draw(promiser)})],
            [Do("checkin correct", {**at, "reason": "r", "outcome": "continue"})],
            [Do("checkin correct", {**at, "reason": "r", "outcome": "end", "because": "b",
                                    "sustain": "s"})],
            opens,
        ]
    )  # fmt: skip
    return life + [move for turn in draw(st.lists(turns, max_size=4)) for move in turn]


@st.composite
def a_survey(draw: st.DrawFn) -> Part:
    year = draw(st.integers(1, 2))
    asked = [{"due": draw(ahead), "hours": draw(hours)} for _ in range(2)]
    asked[0] |= draw(st.sampled_from([{}, {"year": year}]))
    asked[1] |= draw(st.sampled_from([{}, {"year": year}, {"due": asked[0]["due"]}]))
    taken = {"year": year, "taken": In(draw(lately)), "result": ("coaching=3.4/28",)}
    record, back = Do("survey record", taken), Do("survey withdraw", {"year": year, "reason": "r"})
    dropped = Do("survey drop", {"year": year, "reason": "r"})
    life: Part = [Do("survey ask", asked[0])]
    turns = st.sampled_from([[Do("survey ask", asked[1])], [dropped], [record], [record, back]])
    return life + [move for turn in draw(st.lists(turns, max_size=3)) for move in turn]


STATUTE = {"statute": "lcap-adoption", "year": 2027}
a_statute = some(
    [Do("statute done", {**STATUTE, **LEA})],
    [Do("statute done", {**STATUTE, **LEA}), Do("statute undo", {**STATUTE, "reason": "r"})],
)

# Leads, leaders and other people -----------------------------------------------------------------


@st.composite
def contacts(draw: st.DrawFn) -> Part:
    kinds = st.sampled_from(["visit", "visit", "message"])
    by = st.sampled_from([None, None, "priya"])
    return [
        Do("contact log", {"how": draw(kinds), "purpose": f"{n}", "people": ("elena",),
                           "by": draw(by)}, on=draw(lately))
        for n in range(draw(st.integers(1, 3)))
    ]  # fmt: skip


@st.composite
def a_handover(draw: st.DrawFn) -> Part:
    to = draw(st.sampled_from(["priya", "priya", "marcus"]))
    named = draw(st.sampled_from([{}, {}, {"overlap": In(draw(st.integers(0, 9)), worked=True)}]))
    on = st.sampled_from([0, 3, 7, 12, 20, -2])
    life: Part = [Do("lead handover", {"to": to, "reason": "r", **named}, on=draw(on), by="dana")]
    again = Do("lead handover", {"to": to, "reason": "r", "replace": True}, on=draw(on), by="dana")
    visit = Do("contact log", {"how": "visit", "purpose": "new", "people": ("joy",)})
    turns = st.sampled_from(
        [[Do("handover meet")], [Do("handover skip", {"reason": "r"})], [again], [visit],
         [Do("lead handover-cancel", {"reason": "r"}, by="dana")],
         [Do("engagement assign", {"role": "lead", "person": "marcus"}, by="dana")]]
    )  # fmt: skip
    return life + [move for turn in draw(st.lists(turns, max_size=3)) for move in turn]


@st.composite
def a_leader(draw: st.DrawFn) -> Part:
    last = draw(st.sampled_from([{}, {"last_day": In(draw(st.integers(-3, 20)))}]))
    keep = draw(st.sampled_from([{}, {}, {"keep": ("D1",)}]))
    old, new = draw(st.permutations(["elena", "mendes"]))
    leaves = {"person": Holder("superintendent", old), **last, **keep}
    life: Part = [
        Do("leader leave", leaves, on=draw(lately)),
        Do("engagement assign", {"role": "superintendent", "person": new}),
    ]
    turns = st.sampled_from(
        [
            [Do("recommitment record", {"person": new, "evidence": "letter"})],
            [Do("recommitment record", {"person": new, "evidence": "letter"})],
            [Do("recommitment reaffirm", {"meeting": In(0), "evidence": "minutes"})],
            [Do("leader stay", {"person": old, "reason": "r"})],
        ]
    )
    return life + [move for turn in draw(st.lists(turns, max_size=3)) for move in turn]


@st.composite
def roles(draw: st.DrawFn) -> Part:
    role, people = draw(
        st.sampled_from(
            [
                ("lea_contact", ["elena", "joy", "mendes"]),
                ("lead", ["priya", "marcus"]),
                ("assistant", ["tess"]),
                ("board_clerk", ["mendes", "joy"]),
            ]
        )
    )
    return [
        Do("engagement assign", {"role": role, "person": p}, by="dana")
        for p in draw(st.permutations(people))
    ]


# What mail does --------------------------------------------------------------------------------

reader = st.sampled_from(["joy", "joy", "marcus", "elena", "dana", "priya", "tess"])


@st.composite
def returned_mail(draw: st.DrawFn) -> Part:
    who, other = draw(reader), draw(reader)
    mended = draw(
        some(
            [Do("address confirm", {"person": who, "note": "right"})],
            [Do("address settle", {"person": f"p-{who}", "why": "changed"}, by=SYSTEM)],
        )
    )
    return draw(
        st.sampled_from(
            [
                [Refuses((who,)), Refuses(()), *mended],
                [Refuses((who, other)), Refuses(()), *mended],
                [Returns(who), *mended],
                [Returns(who), Returns(who), *mended],
                [FallsBack(who, other), Refuses((who,)), FallsBack(who, None), Refuses(())],
                [Leaves(who, draw(st.integers(0, 20))), Leaves(who, None)],
                [Leaves(who, draw(st.integers(0, 20)))],
            ]
        )
    )


rhythms = st.tuples(reader, st.booleans()).map(
    lambda drawn: [Reads(drawn[0], "weekly"), *([Reads(drawn[0], "daily")] if drawn[1] else [])]
)

KINDS = ("answers", "deliverables", "waves", "commitments", "check-ins", "coaching", "surveys")


@st.composite
def a_snooze(draw: st.DrawFn) -> Part:
    item = draw(st.one_of(st.builds(Owed, nth), st.just("D1")))
    until = [In(draw(st.integers(1, 20))) for _ in range(2)]
    first = Do("reminders snooze", {"item": item, "until": until[0], "reason": "away"})
    again = Do("reminders snooze", {"item": item, "until": until[1], "reason": "away"})
    return [first, *draw(some([again], [Do("reminders wake", {"item": item})]))]


@st.composite
def a_policy(draw: st.DrawFn) -> Part:
    what = draw(
        st.one_of(
            st.sampled_from(KINDS).map(lambda kind: {"of_kind": kind}),
            st.sampled_from([{"of_kind": "deliverables"}, {"item": "D1"}]),
            st.builds(Owed, nth).map(lambda item: {"item": item}),
        )
    )
    named = st.sampled_from(["gentle", "gentle", "standard", "window", "signature", "coaching-gap"])
    return [
        Do("reminders policy", {**what, "policy": draw(named), "reason": "r"})
        for _ in range(draw(st.integers(1, 2)))
    ]


# Mixed -----------------------------------------------------------------------------------------

ending = st.sampled_from(
    [[]] * 8
    + [
        [Do("engagement withdraw", {"reason": "r"}, by="dana")],
        [Do("engagement close", {"reason": "r"}, by="dana")],
    ]
)


@st.composite
def histories(draw: st.DrawFn, *kinds: st.SearchStrategy[Part], lives: int = 5) -> Part:
    """Several lives at once, each in its own order, and days that pass in between."""
    parts = draw(st.lists(st.one_of(*kinds), min_size=1, max_size=lives))
    turns = [n for n, part in enumerate(parts) for _ in part]
    left = [list(part) for part in parts]
    history: Part = []
    for n in draw(st.permutations(turns)):
        move = left[n].pop(0)
        history.append(replace(move, life=n) if isinstance(move, Do) else move)
        history += draw(st.sampled_from([[], [None]])) and [draw(passing)]
    return [*history, *draw(ending)]
