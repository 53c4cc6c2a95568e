"""`handrail up` and everything around it: down, status, doctor, the clock, the caught mail."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.terminal.output import DONE, REFUSED, UNAVAILABLE, emit_json, emit_table, fail, narrate
from cli.terminal.session import Json, Switch, settings_or_fail
from cli.verbs import Verbs

if TYPE_CHECKING:
    from bootstrap.settings import Settings
    from embedded.home import Part, StackRecord


STOP_SECONDS = 90.0
FOLLOW_SECONDS = 0.2
ONE_ASKING_SECONDS = 0.5
LOG_NAME_WIDTH = len("postgresql")


def register(app: Verbs) -> None:
    """Add the commands that run Handrail on this machine."""
    app.command(up)
    app.command(down)
    app.command(status)
    app.command(doctor)


def up(
    *,
    detach: Switch = False,
    sandbox: Switch = False,
    trust_network: Switch = False,
    json_: Json = False,
) -> None:
    """Start Handrail on this machine: Temporal, PostgreSQL, a mail catcher and the worker.

    Parts whose address is set (TEMPORAL_ADDRESS, DATABASE_URL, SMTP_URL) are used, not started.
    Starting again goes on where it stopped.

    Args:
        detach: Answer when everything runs, and leave it running. Without it, follow the logs
            until Ctrl-C stops everything.
        sandbox: Practise with a clock that can be sent ahead; see `handrail clock`. The data
            stay a sandbox's for ever.
        trust_network: Practise where the sandbox's Temporal cannot be kept to this machine: it
            listens on every interface, and whoever reaches it can act as anybody.
        json_: One JSON object instead of the table.
    """
    from embedded.detached import DetachedError, start_detached
    from embedded.process import StartError

    if trust_network:
        from embedded.temporal import TRUST_VARIABLE

        # For the supervisor too, which is another process.
        os.environ[TRUST_VARIABLE] = "yes"
    settings = settings_or_fail(use_stack=False)
    if not detach:
        raise SystemExit(asyncio.run(_foreground(settings, sandbox=sandbox, as_json=json_)))
    try:
        record = start_detached(settings, sandbox=sandbox, say=narrate)
    except DetachedError as error:
        fail(str(error), error.code)
    except StartError as error:
        fail(str(error), UNAVAILABLE)
    _show(record, as_json=json_)
    narrate("Stop it with `handrail down`.")


def down(*, json_: Json = False) -> None:
    """Stop what `handrail up` started. The data stay.

    Args:
        json_: One JSON object.
    """
    from bootstrap.settings import is_locked
    from embedded.home import read_holder

    settings = settings_or_fail(use_stack=False)
    home = settings.home
    was_running = is_locked(home)
    holder = read_holder(home) if was_running else None
    if holder is not None and holder.is_alive():
        narrate(f"stopping process {holder.pid} on {home}")
        try:
            os.kill(holder.pid, signal.SIGTERM)
        except PermissionError:
            fail(f"Process {holder.pid} belongs to another user. Stop it as that user.", REFUSED)
        except ProcessLookupError:
            # It ended between the two lines; its servers are ending too.
            narrate("it has just ended by itself")
    deadline = time.monotonic() + STOP_SECONDS
    while is_locked(home):
        if time.monotonic() > deadline:
            fail(f"The stack on {home} does not end. Its logs are in {home / 'logs'}.", UNAVAILABLE)
        time.sleep(0.05)
    if json_:
        emit_json({"home": home, "stopped": was_running})
    else:
        print("Stopped." if was_running else f"Nothing is running on {home}.")


def status(*, json_: Json = False) -> None:
    """Say what runs where.

    Exits with 3 when nothing runs.

    Args:
        json_: One JSON object.
    """
    from bootstrap.settings import is_locked, read_live_stack
    from embedded.home import StackRecord, read_holder

    home = settings_or_fail(use_stack=False).home
    found = read_live_stack(home)
    if found is not None:
        record = StackRecord.model_validate(found)
        _show(record, as_json=json_)
        for alarm in record.alarms:
            narrate(f"Alarm: {alarm}")
        return
    busy = is_locked(home)
    holder = read_holder(home) if busy else None
    if json_:
        emit_json({"running": False, "home": home, "changing": busy})
        raise SystemExit(UNAVAILABLE)
    if holder is not None:
        fail(f"A stack on {home} is starting or stopping (process {holder.pid}).", UNAVAILABLE)
    fail(f"Nothing is running on {home}. Start it with `handrail up`.", UNAVAILABLE)


def doctor(*, json_: Json = False) -> None:
    """Look at every part: what is reachable, what is not, what to do.

    Exits with 3 when something needed is away.

    Args:
        json_: One JSON object.
    """
    from embedded.doctor import examine

    findings = asyncio.run(examine(settings_or_fail()))
    if json_:
        emit_json({"findings": [vars(finding) for finding in findings]})
    else:
        emit_table("", ("Part", "State", "Seen"), [(f.part, f.state, f.seen) for f in findings])
        for finding in findings:
            if finding.remedy:
                print(f"\n{finding.part}: {finding.remedy}")
    away = any(finding.state == "away" for finding in findings)
    raise SystemExit(UNAVAILABLE if away else DONE)


async def _foreground(settings: "Settings", *, sandbox: bool, as_json: bool) -> int:
    from bootstrap.settings import SettingsError
    from embedded.detached import exit_code_of
    from embedded.home import AlreadyRunningError, WrongKindError
    from embedded.process import StartError
    from embedded.supervisor import Stack

    following: list[asyncio.Task[None]] = []

    def ready(record: "StackRecord") -> None:
        _show(record, as_json=as_json)
        narrate("Following the logs. Ctrl-C stops everything.")
        following.append(asyncio.create_task(_follow(record.logs)))

    def asked_to_stop() -> None:
        if stopping:
            # One Ctrl-C reaches every process of the terminal, and a child that has not yet become
            # its program still has our handlers: what it hears, we hear again.
            if loop.time() - stopping[0] < ONE_ASKING_SECONDS:
                return
            # The leashes end the servers without us.
            os._exit(128 + signal.SIGINT)
        stopping.append(loop.time())
        narrate("stopping; once more to leave at once")
        stack.stop()

    stopping: list[float] = []
    stack = Stack(settings, sandbox=sandbox, say=narrate)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked_to_stop)
    try:
        code = await stack.run(ready)
    except (AlreadyRunningError, WrongKindError, SettingsError, StartError) as error:
        narrate(str(error))
        return exit_code_of(error)
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    narrate("stopped")
    return code


async def _follow(logs: Path) -> None:
    """Copy what is added to the logs to stderr, each line with the name of its log."""
    from embedded.logs import LogFollower

    follower = LogFollower(logs)
    while True:
        for name, line in follower.new_lines():
            narrate(f"{name.ljust(LOG_NAME_WIDTH)} | {line}")
        await asyncio.sleep(FOLLOW_SECONDS)


def _show(record: "StackRecord", *, as_json: bool) -> None:
    if as_json:
        emit_json({"running": True} | _public(record))
    else:
        _table(record)
    # Whoever reads us through a pipe is to see it now, not when the stack ends.
    sys.stdout.flush()


def _table(record: "StackRecord") -> None:
    kind = "Handrail sandbox" if record.sandbox else "Handrail"
    emit_table(
        f"{kind}, since {record.started_at.astimezone():%Y-%m-%d %H:%M:%S %Z}",
        ("Part", "Where", "Process"),
        [(part.name, part.where, _process(part)) for part in record.parts],
    )


def _process(part: "Part") -> str | int | None:
    if not part.ours or not part.restarts or part.restarted_at is None:
        return part.pid if part.ours else "not ours"
    often = "" if part.restarts == 1 else f" {part.restarts} times, last"
    return (
        f"{part.pid or 'ended'}, started again{often} "
        f"{part.restarted_at.astimezone():%Y-%m-%d %H:%M:%S}"
    )


def _public(record: "StackRecord") -> dict[str, Any]:
    """The record without passwords: `stack.json` has them, for its owner alone."""
    shown = record.model_dump(
        mode="json", exclude={"database_url", "owner_database_url", "smtp_url"}
    )
    return {**shown, "stack_file": str(record.home / "stack.json")}
