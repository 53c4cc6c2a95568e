"""The sandbox of a demonstration: started in a directory of its own, always stopped again."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap.settings import read_live_stack
from embedded.process import Leashed, StartError, Stop

ROOT = Path(__file__).parent.parent
READY_SECONDS = 120.0
POLL_SECONDS = 0.1
FOREIGN = ("HANDRAIL_", "TEMPORAL_", "PG", "DATABASE_URL", "SMTP_URL")
"""Beginnings of variables that lead to somebody's real services."""
STOPS = (Stop(signal.SIGTERM, 60), Stop(signal.SIGKILL, 5))


class DemoError(Exception):
    """Something that the demonstration shows is not as it must be."""


@dataclass(frozen=True)
class Answer:
    """What a command line said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Stage:
    """A running sandbox, and the command line that reaches it."""

    home: Path

    async def handrail(
        self, line: str | list[str], *, by: str | None = None, expect: int = 0
    ) -> Answer:
        """Run `handrail` as somebody, in a process of its own, as staff do.

        Args:
            line: What stands after `handrail`.
            by: The acting person's handle.
            expect: The exit code that is right.

        Raises:
            DemoError: It ended with another exit code.
        """
        arguments = line.split() if isinstance(line, str) else line
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli.main",
            *arguments,
            cwd=ROOT,
            env={**os.environ, **({"HANDRAIL_ACTOR": by} if by else {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        answer = Answer(process.returncode or 0, out.decode(), err.decode())
        if answer.code != expect:
            raise DemoError(
                f"handrail {' '.join(arguments)} ended with {answer.code}, not {expect}:\n"
                f"{answer.out}{answer.err}"
            )
        return answer


def forget_the_users_services(home: Path) -> None:
    """Make the environment the demonstration's own: nothing real can be reached from it."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            del os.environ[name]
    config = home / "config.toml"
    config.write_text("", encoding="utf-8")
    os.environ |= {
        "HANDRAIL_HOME": str(home),
        "HANDRAIL_CONFIG": str(config),
        "HANDRAIL_LOG_LEVEL": "WARNING",
        "XDG_CONFIG_HOME": str(home / "config"),
    }


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A fresh sandbox; stopped at the end whatever happens, and removed unless something failed.

    The stack is on a leash: it ends even when this process is killed.

    Raises:
        StartError: It did not come up.
    """
    home = Path(tempfile.mkdtemp(prefix="handrail-demo-"))
    forget_the_users_services(home)
    try:
        # Shielded: an interrupt must find something that can be stopped.
        stack = await asyncio.shield(asyncio.to_thread(_start, home))
    except StartError:
        print(f"The logs are in {home / 'logs'}.", file=sys.stderr)
        raise
    try:
        await _until_ready(stack, home)
        yield Stage(home)
    except Exception:
        print(f"Stopping; what it left is in {home}.", file=sys.stderr, flush=True)
        _stop(stack)
        raise
    except BaseException:
        # Interrupted: nobody will look at what is left.
        print("Stopping …", file=sys.stderr, flush=True)
        _stop(stack)
        shutil.rmtree(home)
        raise
    _stop(stack)
    shutil.rmtree(home)


def _start(home: Path) -> Leashed:
    return Leashed(
        "The sandbox",
        [sys.executable, "-m", "cli.main", "up", "--sandbox"],
        cwd=ROOT,
        log=home / "up.log",
        stops=STOPS,
    )


async def _until_ready(stack: Leashed, home: Path) -> None:
    deadline = asyncio.get_running_loop().time() + READY_SECONDS
    while read_live_stack(home) is None:
        code = stack.exit_code()
        if code is not None:
            raise StartError(f"The sandbox ended with status {code}:\n{stack.new_log()}")
        if asyncio.get_running_loop().time() > deadline:
            raise StartError(f"The sandbox was not ready in {READY_SECONDS:.0f} seconds.")
        await asyncio.sleep(POLL_SECONDS)


def _stop(stack: Leashed) -> None:
    """End the sandbox; a second Ctrl-C does not leave half of it behind."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stack.stop()
    finally:
        signal.signal(signal.SIGINT, before)
