"""An answer is shown by a door, and dumped as the JSON that programs read."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from queries.answers import IF_ASKED, Answer, Who, by_id, everybody_in
from queries.names import Names


@dataclass(frozen=True)
class Part(Answer):
    who: Who
    for_: str


@dataclass(frozen=True)
class Whole(Answer):
    on: date
    parts: tuple[Part, ...]
    by_side: dict[str, Who]
    nobody: Who | None = None
    as_known: date | None = field(default=None, metadata=IF_ASKED)


JOY = Who("Joy Kim", "joy", left_on=date(2027, 6, 30))
WHOLE = Whole(date(2027, 4, 5), (Part(JOY, "coaching"),), {"lea": JOY})


def test_people_are_dumped_by_handle_and_words_of_python_as_they_are_meant() -> None:
    assert WHOLE.dumped() == {
        "on": date(2027, 4, 5),
        "parts": [{"who": "joy", "for": "coaching"}],
        "by_side": {"lea": "joy"},
        "nobody": None,
    }


def test_what_was_not_asked_for_is_left_out() -> None:
    assert "as_known" not in WHOLE.dumped()
    assert Whole(WHOLE.on, (), {}, as_known=WHOLE.on).dumped()["as_known"] == WHOLE.on


def test_people_are_shown_by_name_and_marked_once_they_have_left() -> None:
    assert f"{JOY}" == "Joy Kim"
    assert JOY.now(date(2027, 6, 29)) == "Joy Kim"
    assert JOY.now(date(2027, 6, 30)) == "Joy Kim (left Wed 30 Jun 2027)"


async def test_an_answer_is_given_with_names_for_ids() -> None:
    names = Names(cast(Any, None))
    names._known["p-aaaaaaaaaaaaa"] = ("Joy Kim", "joy")
    part = Part(by_id("p-aaaaaaaaaaaaa"), "coaching")
    asked = Whole(date(2027, 4, 5), (part,), {"lea": part.who})

    found = await names.given(asked)

    assert [who.name for who in everybody_in(found)] == ["Joy Kim", "Joy Kim"]
    assert found.dumped() == WHOLE.dumped()
