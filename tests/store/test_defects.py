"""What could not be decoded or decided is noted with its place and without any value."""

from pathlib import Path

from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.kernel.bounds import printable
from embedded.doctor import examine
from store.database import Connection
from store.defects import Defect, defects, mend, note, problem_of
from tests.conftest import Database


def broken() -> Exception:
    """An error in our own code, which says what was typed."""
    try:
        printable("Joy Kim\0")
    except ValueError as error:
        return error
    raise AssertionError("a NUL was taken")


async def noted(connection: Connection) -> list[Defect]:
    return await defects(connection)


async def test_a_defect_says_which_where_and_since_when_but_nothing_that_was_typed(
    app: Connection,
) -> None:
    await note(app, "command", "c-1", broken(), stream="person:Joy Kim", about="person change")
    [defect] = await noted(app)
    assert (defect.kind, defect.place, defect.about) == ("command", "c-1", "person change")
    assert defect.problem.startswith("ValueError in domain.kernel.bounds.printable, line ")
    assert defect.stream == "person:unknown"
    assert "Joy" not in repr(defect)
    assert defect.release
    assert (defect.first_seen, defect.seen) == (defect.last_seen, 1)


async def test_a_defect_that_is_seen_again_is_counted_and_goes_when_it_is_mended(
    app: Connection,
) -> None:
    person = "person:p-abcdefghijklm"
    for problem in ("UnknownEvent", KeyError("x")):
        await note(app, "stream", person, problem, stream=person, about="event 7")
    await note(app, "moment", person, "KeyError", stream=person)
    [first, other] = await noted(app)
    assert (first.kind, first.stream, first.problem, first.seen) == (
        "stream",
        person,
        "KeyError",
        2,
    )
    assert first.last_seen > first.first_seen
    assert await mend(app, "stream", person)
    assert await noted(app) == [other], "of the same place, and of another kind"
    assert not await mend(app, "stream", person), "it is mended already"


def test_an_error_from_elsewhere_has_its_kind_alone() -> None:
    assert problem_of(LookupError("Joy Kim")) == "LookupError"


async def test_doctor_names_each_defect_with_the_way_out(
    app: Connection, database: Database, tmp_path: Path
) -> None:
    async def seen() -> dict[str, str]:
        settings = Settings(home=tmp_path, database_url=Secret(database.url))
        found = [f for f in await examine(settings) if f.part == "Defects"]
        assert {f.state for f in found} <= {"attention"}
        return {f.seen.partition(":")[0]: f"{f.seen} {f.remedy}" for f in found}

    assert await seen() == {}
    for n in range(5):
        await note(app, "command", f"id-{n}", "KeyError", stream="lea:a", about="lea recess")
    await note(app, "moment", "engagement:a", "KeyError", stream="engagement:a")
    await note(app, "news", "lea:a@4", "KeyError", stream="lea:a", about="recess-set")
    await note(app, "mail", "m-1", "ValueError", about="digest")
    told = await seen()
    assert len(told) == 4
    commands = told["commands that could not be decided"]
    assert "lea recess id-0 on lea:a (KeyError, once, first " in commands
    assert "and 2 more, see handrail admin defects" in commands
    assert "--command-id" in commands
    assert "engagement:a (KeyError" in told["reminders that could not be prepared"]
    assert "recess-set lea:a@4" in told["facts that did not reach every stream they concern"]
    assert "digest m-1" in told["mails that could not be made or sent"]
