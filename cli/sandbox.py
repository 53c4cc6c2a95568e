"""`handrail clock`: what time it is in the sandbox, and sending it ahead."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from bootstrap.away import why
from cli.admin import DEFAULT_ZONE
from cli.terminal.output import REFUSED, UNAVAILABLE, USAGE, emit_json, fail, narrate
from cli.terminal.session import Json, settings_or_fail
from cli.verbs import Parameter, Verbs

if TYPE_CHECKING:
    from bootstrap.settings import Settings

UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
CONNECT_SECONDS = 5.0
FOLLOWED_SECONDS = 10.0
FOLLOWED_POLL_SECONDS = 0.05


def register(app: Verbs) -> None:
    """Add `handrail clock`."""
    clock = Verbs("clock", "What time it is in the sandbox, and sending it ahead.", show)
    clock.command(advance)
    clock.command(to)
    app.add(clock)


def show(*, json_: Json = False) -> None:
    """Tell the time that commands and reminders go by.

    Args:
        json_: One JSON object.
    """
    _tell(asyncio.run(_now(settings_or_fail())), as_json=json_)


def advance(
    by: Annotated[str, Parameter(help="How far: 14d, 2w, 3h, 90m, or several as 1d12h.")],
    /,
    *,
    json_: Json = False,
) -> None:
    """Send the sandbox's clock ahead; every reminder on the way goes out at its own time.

    Args:
        by: How far.
        json_: One JSON object.
    """
    distance = parse_duration(by)
    if distance is None:
        fail(f"'{by}' is not a duration. Say 14d, 2w, 3h, 90m, or several as 1d12h.", USAGE)
    _travel(lambda now, _zone: now + distance, as_json=json_)


def to(
    when: Annotated[str, Parameter(help="A date, or date and time: 2054-09-01, 2054-09-01T08:00.")],
    /,
    *,
    json_: Json = False,
) -> None:
    """Send the sandbox's clock to a date, at midnight or at the time given.

    In the program's time zone; before `handrail init` in the one that it gives unless it is told
    another.  The answer says which.  Of an hour that the clocks repeat the first is meant.

    Args:
        when: The date, or date and time; an offset such as +00:00 or Z at its end is obeyed.
        json_: One JSON object.
    """
    try:
        wanted = datetime.fromisoformat(when.strip())
    except ValueError:
        fail(f"'{when}' is not a date of the calendar. Say 2054-09-01, or 2054-09-01T08:00.", USAGE)

    def there(_now: datetime, zone: ZoneInfo) -> datetime:
        from domain.policy.calendar import clock_trouble

        if wanted.tzinfo:
            return wanted
        if clock_trouble(wanted.date(), wanted.time(), zone.key) == "skipped":
            fail(
                f"{wanted:%Y-%m-%d} has no {wanted:%H:%M}: the clocks in {zone.key} go forward "
                f"over that hour. Give another time, or its offset, such as "
                f"{wanted:%Y-%m-%dT%H:%M}Z.",
                REFUSED,
            )
        return wanted.replace(tzinfo=zone)

    _travel(there, as_json=json_)


def parse_duration(text: str) -> timedelta | None:
    """A distance in time such as `14d` or `1d12h`; None if it is not one."""
    compact = text.replace(" ", "").lower()
    parts = re.findall(r"(\d{1,6})([wdhm])", compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        return None
    return sum(
        (timedelta(**{UNITS[unit]: int(number)}) for number, unit in parts), start=timedelta()
    )


def _travel(target: Callable[[datetime, ZoneInfo], datetime], *, as_json: bool) -> None:
    settings = settings_or_fail()
    if not settings.sandbox:
        from bootstrap.settings import read_live_stack

        if read_live_stack(settings.home) is None:
            fail(
                f"No sandbox is running on {settings.home}. "
                "Start one with `handrail up --sandbox`.",
                UNAVAILABLE,
            )
        fail(
            f"The clock of real work cannot be moved: {settings.home} is not a sandbox. Practise "
            "in another directory: HANDRAIL_HOME=~/handrail-practice handrail up --sandbox.",
            REFUSED,
        )
    _tell(asyncio.run(_go(settings, target)), as_json=as_json)


async def _go(
    settings: "Settings", target: Callable[[datetime, ZoneInfo], datetime]
) -> tuple[datetime, ZoneInfo, bool]:
    from temporalio.service import RPCError

    from bootstrap.clock import ClockStuckError
    from embedded.home import Home

    home = Home(settings.home)
    if not await _workers(settings):
        # A timer that fires meets nobody, and the server waits for its answer for ever.
        fail(
            "No worker is alive, so nothing due on the way could happen. See `handrail doctor`.",
            UNAVAILABLE,
        )
    sandbox_clock = await _connect(settings)
    zone = await _zone(settings)

    def progress(now: datetime) -> None:
        home.save_clock(now)
        narrate(f"  {now.astimezone(zone):%Y-%m-%d %H:%M}")

    await _followed(settings)
    try:
        wanted = target(await sandbox_clock.now(), zone)
        now = await sandbox_clock.to(wanted, progress)
    except OverflowError:
        fail("No clock goes so far. Give a shorter time, or a date.", REFUSED)
    except ValueError as error:
        fail(str(error), REFUSED)
    except ClockStuckError as error:
        fail(f"The sandbox's clock could not be sent ahead: {error}", UNAVAILABLE)
    except RPCError as error:
        fail(
            f"The sandbox's clock could not be sent ahead: {why(error)}. Where its Temporal or its "
            "worker ended, both are being started again; see `handrail status`, then repeat.",
            UNAVAILABLE,
        )
    home.save_clock(now)
    return now, zone, True


async def _now(settings: "Settings") -> tuple[datetime, ZoneInfo, bool]:
    from temporalio.service import RPCError

    from bootstrap.clock import SystemClock

    zone = await _zone(settings)
    if not settings.sandbox:
        return await SystemClock().now(), zone, False
    try:
        return await (await _connect(settings)).now(), zone, True
    except RPCError as error:
        fail(
            f"The sandbox's clock does not answer: {why(error)}. See `handrail doctor`.",
            UNAVAILABLE,
        )


async def _connect(settings: "Settings") -> Any:
    from temporalio.client import Client

    from bootstrap.clock import SandboxClock

    try:
        client = await asyncio.wait_for(
            Client.connect(**settings.temporal_connect_config()), CONNECT_SECONDS
        )
    except (RuntimeError, TimeoutError) as error:
        fail(
            f"The sandbox's server at {settings.temporal_address} does not answer "
            f"({why(error)}). See `handrail doctor`.",
            UNAVAILABLE,
        )
    return SandboxClock(client)


async def _followed(settings: "Settings") -> None:
    """Wait until what was recorded is known everywhere: what it leads to may lie on the way."""
    from store.liveness import unread

    deadline = time.monotonic() + FOLLOWED_SECONDS
    while left := await unread(settings.require_database_url()):
        if time.monotonic() > deadline:
            narrate(
                f"The worker has not dealt with the last {left} events yet; what they lead to may "
                f"come late. See `handrail doctor`."
            )
            return
        await asyncio.sleep(FOLLOWED_POLL_SECONDS)


async def _workers(settings: "Settings") -> int:
    import asyncpg

    from store.liveness import live_workers

    try:
        return await live_workers(settings.require_database_url())
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        fail(f"The database does not answer: {why(error)}. See `handrail doctor`.", UNAVAILABLE)


async def _zone(settings: "Settings") -> ZoneInfo:
    """The program's time zone; before there is one, the zone that `handrail init` gives it."""
    if settings.database_url is None:
        return ZoneInfo(DEFAULT_ZONE)
    import asyncpg

    from store.database import queries

    try:
        connection = await asyncpg.connect(settings.database_url.told(), timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        fail(f"The database does not answer: {why(error)}. See `handrail doctor`.", UNAVAILABLE)
    try:
        program = await queries.program(connection)
    finally:
        await connection.close()
    if program is not None:
        return ZoneInfo(program["zone"])
    narrate(
        f"There is no program yet; local time is taken as that of {DEFAULT_ZONE}, which "
        f"handrail init gives it unless --zone names another."
    )
    return ZoneInfo(DEFAULT_ZONE)


def _tell(answer: tuple[datetime, ZoneInfo, bool], *, as_json: bool) -> None:
    now, zone, is_sandbox = answer
    local = now.astimezone(zone)
    if as_json:
        emit_json(
            {
                "now": now.astimezone(UTC).isoformat(),
                "local": local.isoformat(),
                "zone": zone.key,
                "sandbox": is_sandbox,
            }
        )
        return
    whose = "the sandbox's clock" if is_sandbox else "this machine's clock"
    print(f"{local:%A %Y-%m-%d %H:%M} {zone.key} ({whose})")
