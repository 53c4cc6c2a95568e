"""What every verb needs: settings, an open door, who acts, and exit codes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

from cli.terminal.output import DEFECT, REFUSED, UNAVAILABLE, UNKNOWN, fail, narrate, narrate_once
from cli.verbs import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.door import Door
    from bootstrap.settings import Settings
    from store.errors import Unreadable


Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]
"""One JSON object (or one a line) instead of text."""
Switch = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option that is there or not."""
Shown = Annotated[bool, Parameter(negative="")]
"""The same, whose help says what it is without."""
CommandId = Annotated[str | None, Parameter(name="--command-id")]
ByPerson = Annotated[str | None, Parameter(name="--person")]


def settings_or_fail(*, use_stack: bool = True) -> "Settings":
    """The settings, or a refusal in words; whatever the running stack has us told is said first."""
    from bootstrap.settings import SettingsError, load_settings

    try:
        settings = load_settings(use_stack=use_stack)
    except SettingsError as error:
        fail(str(error), REFUSED)
    for alarm in settings.alarms:
        narrate_once(f"Alarm: {alarm}")
    return settings


T = TypeVar("T")

_NAMED_SICK = 3
"""How many of what cannot be read are named."""


def run(work: Callable[["Door"], Awaitable[T]], *, commands: bool = False) -> T:
    """Run the work of a verb with an open door; what comes of no answer is its exit code."""
    settings = settings_or_fail()
    from bootstrap.away import why
    from bootstrap.door import NotKnown, Unavailable, Undecided, open_door
    from bootstrap.settings import SettingsError
    from domain.kernel.refusals import Refused
    from store.database import AWAY, is_outage
    from store.errors import Unreadable, VaultError

    async def inside() -> T:
        async with open_door(settings, commands=commands) as door:
            try:
                answer = await work(door)
            except Unreadable as sick:
                await _note(door, [sick])
                raise
            await _note(door, door.left_out)
            await _say_what_is_sick(door)
            return answer

    try:
        return asyncio.run(inside())
    except Refused as no:
        fail(str(no), REFUSED, refusal=no.kind)
    except NotKnown as unknown:
        fail(str(unknown), UNKNOWN)
    except Undecided as defect:
        fail(str(defect), DEFECT)
    except (Unavailable, VaultError, Unreadable) as away:
        fail(str(away), UNAVAILABLE)
    except AWAY as away:
        if not is_outage(away):
            raise
        fail(
            f"The database stopped answering ({why(away)}). See handrail doctor, then ask again.",
            UNAVAILABLE,
        )
    except SettingsError as wrong:
        fail(str(wrong), UNAVAILABLE)


async def _note(door: "Door", found: "Sequence[Unreadable]") -> None:
    """Keep what cannot be read, for handrail doctor and whoever looks at it again."""
    from store.defects import note

    if found:
        async with door.pool.acquire() as connection:
            for one in found:
                told = f"{one.why}. {one.remedy}"
                await note(connection, "stream", one.stream, told, stream=one.stream)


async def _say_what_is_sick(door: "Door") -> None:
    """A line on stderr about what cannot be read, whatever was asked."""
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        rows = await listed(queries.sick_streams(connection))
    # What was met just now is in no list where none can be kept.
    sick = {row["stream"] for row in rows} | {one.stream for one in door.left_out}
    if sick:
        streams = [stream.removeprefix("engagement:") for stream in sorted(sick)]
        named = ", ".join(streams[:_NAMED_SICK])
        more = f" and {len(streams) - _NAMED_SICK} more" if len(streams) > _NAMED_SICK else ""
        narrate(
            f"Cannot be read for now: {named}{more}. What is shown of that may be old or left "
            f"out; all else is whole. What to do: handrail doctor"
        )


def who_acts() -> str:
    """The handle of whoever acts, or a refusal that says how to set it."""
    settings = settings_or_fail()
    if settings.actor is None:
        fail(
            "Who acts? Set HANDRAIL_ACTOR to your handle in the directory, for example "
            'HANDRAIL_ACTOR=tess, or write actor = "tess" into the config file.',
            REFUSED,
        )
    return settings.actor
