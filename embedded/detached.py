"""A supervisor that goes on when the command that started it has answered.

The child reports through a pipe, one JSON object a line: `say`, then `ready` or `failed`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from bootstrap.logging import configure_logging
from bootstrap.settings import Settings, SettingsError, load_settings
from embedded.files import private_log
from embedded.home import AlreadyRunningError, Home, StackRecord, WrongKindError, rotate_log
from embedded.process import StartError, child_environment
from embedded.supervisor import Stack

REFUSED, UNAVAILABLE = 1, 3


class DetachedError(RuntimeError):
    """The detached supervisor gave up; carries the exit code of the command."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


def exit_code_of(error: BaseException) -> int:
    """What a failed start means to the caller: refused, or something is away."""
    refused = isinstance(error, AlreadyRunningError | WrongKindError | SettingsError)
    return REFUSED if refused else UNAVAILABLE


def start_detached(settings: Settings, *, sandbox: bool, say: Callable[[str], None]) -> StackRecord:
    """Start a supervisor of its own session and wait until everything runs.

    Args:
        settings: Only the data directory is used; the child loads its own.
        sandbox: With the time-skipping server.
        say: Told each step.

    Raises:
        DetachedError: It did not come up; nothing of it is left.
    """
    home = Home(settings.home)
    home.make()
    log = home.logs / "supervisor.log"
    rotate_log(log)
    report_read, report_write = os.pipe()
    try:
        with private_log(log) as output:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "embedded.detached", str(report_write)),
                    *(["--sandbox"] if sandbox else []),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home.path,
                env=child_environment() | {"HANDRAIL_HOME": str(home.path)},
                pass_fds=[report_write],
                start_new_session=True,
            )
    finally:
        os.close(report_write)
    try:
        with os.fdopen(report_read, encoding="utf-8") as report:
            for line in report:
                told = json.loads(line)
                if "say" in told:
                    say(told["say"])
                elif "ready" in told:
                    return StackRecord.model_validate(told["ready"])
                else:
                    child.wait()
                    raise DetachedError(told["failed"], told["code"])
    except KeyboardInterrupt:
        # Whoever interrupts the start does not want its half.
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    code = child.wait()
    raise DetachedError(
        f"The supervisor ended with status {code} before everything ran. Its log is {log}.",
        UNAVAILABLE,
    )


class Report:
    """The writing end; quiet once the reader has what it waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        os.set_inheritable(descriptor, False)

    def tell(self, **what: Any) -> None:
        """Send one object."""
        if self._descriptor is not None:
            # The command may have been killed while it waited; the stack goes on.
            with suppress(BrokenPipeError):
                os.write(self._descriptor, (json.dumps(what) + "\n").encode())

    def close(self) -> None:
        """Say that nothing more will come."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def supervise(settings: Settings, report: Report, *, sandbox: bool) -> int:
    """Run a stack until a signal ends it."""
    log = structlog.get_logger("supervisor")

    def say(message: str) -> None:
        log.info("supervisor", said=message)
        report.tell(say=message)

    def ready(record: StackRecord) -> None:
        log.info("stack_ready", pid=record.pid, sandbox=record.sandbox)
        report.tell(ready=record.model_dump(mode="json"))
        report.close()

    stack = Stack(settings, sandbox=sandbox, say=say)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stack.stop)
    try:
        return await stack.run(ready)
    except (AlreadyRunningError, WrongKindError, SettingsError, StartError) as error:
        log.error("stack_failed", reason=str(error))  # noqa: TRY400 - said in words, for people
        report.tell(failed=str(error), code=exit_code_of(error))
        return exit_code_of(error)


def main() -> int:
    """Entry point of the detached process."""
    report = Report(int(sys.argv[1]))
    # One handler is enough for a session without a terminal, but a stray SIGHUP must not end it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        settings = load_settings(use_stack=False)
    except SettingsError as error:
        report.tell(failed=str(error), code=REFUSED)
        return REFUSED
    configure_logging(settings)
    return asyncio.run(supervise(settings, report, sandbox="--sandbox" in sys.argv[2:]))


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # The Temporal SDK's threads can abort an interpreter that is shutting down; all is done here.
    os._exit(status)
