"""The command line in this process, on the test's own clock and database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bootstrap import door
from bootstrap.settings import Settings
from cli.main import main
from store.database import open_pool
from tests.conftest import Database, Office


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
def ask(
    office: Office,
    sandbox_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Ask a question as `handrail WORDS` does; a command needs a worker, and is not for here."""

    @asynccontextmanager
    async def opened(settings: Settings, **_: Any) -> AsyncIterator[door.Door]:
        pool = await open_pool(sandbox_database.url, size=2)
        try:
            yield door.Door(settings, pool, office.vault, None, office.clock, sandbox=True)
        finally:
            await pool.close()

    monkeypatch.setattr(door, "open_door", opened)
    monkeypatch.setenv("DATABASE_URL", sandbox_database.url)
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))

    def said(words: tuple[str, ...]) -> int:
        try:
            main(list(words))
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 1
        return 0

    async def ask(*words: str) -> Answer:
        capsys.readouterr()
        code = await asyncio.to_thread(said, words)
        return Answer(code, *capsys.readouterr())

    return ask
