"""What somebody is told of a command is true, also where its answer is lost."""

import asyncio
import base64
import logging
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from activities import writing
from bootstrap.door import Door, NotAccepted, NotKnown, StillWorking
from bootstrap.settings import load_settings
from bootstrap.wiring import services
from cli.main import main
from domain.deciding import decide_in_full
from domain.envelope import Envelope
from domain.kernel.refusals import ForeignKey, Invalid
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import TemporalServer
from store.database import open_pool, queries
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, FixedClock, Office, new_id
from tests.workflows.conftest import Running, WorkflowOffice, day, office_of
from tests.workflows.test_undecided import unless
from tests.workflows.test_years import E, prepared


def door_of(running: Running) -> Door:
    at = running.services
    return Door(at.settings, at.pool, at.vault, at.client, at.clock, sandbox=True)


async def beat(running: Running) -> None:
    async with running.services.pool.acquire() as connection:
        await queries.beat(connection, id="worker of the test", release="r", schema="s")


async def times_recorded(office: Office, command_id: UUID) -> int:
    async with office.pool.acquire() as connection:
        found: int = await connection.fetchval(
            "select count(*) from es.events where command_id = $1", command_id
        )
        return found


async def test_what_is_not_known_is_said_so_and_the_id_records_it_once(
    running: Running, sandbox_database: Database, playbook: Playbook, calendar: CalendarPack
) -> None:
    at = running.services
    # Straight into the record: the server gets its first worker later.
    office = Office(at.pool, at.vault, FixedClock(await at.clock.now()), sandbox_database.cluster)
    await office.furnish(playbook, calendar)
    await office.to_onboarding(playbook)
    door = door_of(running)

    def logged(note: str) -> Envelope:
        return office.envelope(
            "conversation log", "marcus", engagement=E, group="parents", notes=note
        )

    with pytest.raises(NotAccepted, match=r"no worker is running.* nothing was sent"):
        await door.submit(logged("nobody there"))
    # The heart of a worker that ended has not been missed yet.
    await beat(running)
    lost = logged("lost")
    with pytest.raises(NotKnown, match=f"only with this id.*--command-id {lost.command_id}") as no:
        await door.submit(lost)
    assert not isinstance(no.value, StillWorking)
    given_up = logged("broken off")
    with pytest.raises(NotKnown, match=f"only with this id.*--command-id {given_up.command_id}"):
        await asyncio.wait_for(door.submit(given_up), 0.5)
    async with running.worker():
        for envelope in (lost, given_up):
            await beat(running)
            receipt = await door.submit(envelope)
            assert receipt.outcome == "recorded"
            assert await times_recorded(office, envelope.command_id) == 1


async def test_only_the_store_answers_a_command_that_is_repeated(
    story: WorkflowOffice,
    running: Running,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    envelope = story.envelope(
        "conversation log", "marcus", engagement=E, group="parents", notes="n"
    )
    await beat(running)
    door = door_of(running)
    assert (await door.submit(envelope)).outcome == "recorded"
    # As after a restore from a backup of before, under an engine that goes on.
    owner = await asyncpg.connect(sandbox_database.owner_url)
    for table in ("es.events", "es.receipts"):
        await owner.execute(f"alter table {table} disable trigger append_only")
        await owner.execute(f"delete from {table} where command_id = $1", envelope.command_id)
    await owner.close()
    again = await door.submit(envelope)
    assert (again.outcome, again.refusal, again.repeated) == ("refused", "StorePutBack", False)
    assert await times_recorded(story, envelope.command_id) == 0


async def test_whoever_has_another_key_is_refused_before_anything_is_sent(
    story: WorkflowOffice, running: Running, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await beat(running)
    other = replace(door_of(running), vault=Vault(MASTER_KEY[::-1]), client=None)
    for stream in ("lea register", "conversation log"):
        envelope = (
            story.envelope(stream, id="x", name="X", county="C")
            if stream == "lea register"
            else story.envelope(stream, "marcus", engagement=E, group="parents")
        )
        with pytest.raises(ForeignKey, match="HANDRAIL_KEY_FILE"):
            await other.submit(envelope)


async def test_what_is_too_long_for_the_engine_is_refused_before_it_is_sent(
    story: WorkflowOffice, running: Running, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await beat(running)
    endless = story.envelope("conversation log", "marcus", engagement=E, group="parents")
    for length in (1_000_000, 5_000_000):
        long = endless.model_copy(update={"body": {**endless.body, "notes": "n" * length}})
        with pytest.raises(Invalid, match="at most 1,000,000"):
            await door_of(running).submit(long)
    await story.do("conversation log", "marcus", engagement=E, group="parents", notes="short")


async def test_a_store_or_an_engine_that_is_gone_is_told_apart(
    running: Running, sandbox_database: Database, time_server: TemporalServer
) -> None:
    office = office_of(running.services, sandbox_database)
    office.clock.at = await office.time.now()
    await beat(running)
    envelope = office.envelope("lea register", id="x", name="X", type="school_district", county="C")
    time_server.process.stop()
    with pytest.raises(NotKnown, match=r"Temporal at .* gave no answer"):
        await door_of(running).submit(envelope)
    pool = await open_pool(sandbox_database.url)
    await pool.close()
    with pytest.raises(NotAccepted, match=r"database does not answer .* nothing was sent"):
        await replace(door_of(running), pool=pool).submit(envelope)


async def test_the_command_line_has_a_code_for_what_is_not_known_and_for_a_defect(
    time_server: TemporalServer,
    mails: MailCatcher,
    tmp_path: Path,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {
        "DATABASE_URL": sandbox_database.url,
        "TEMPORAL_ADDRESS": time_server.address,
        "HANDRAIL_HOME": str(tmp_path),
        "HANDRAIL_KEY": base64.b64encode(MASTER_KEY).decode(),
        "HANDRAIL_ACTOR": "marcus",
    }.items():
        monkeypatch.setenv(name, value)
    async with services(load_settings(), pool_size=20) as at:
        running = Running(at, mails.smtp_url)
        office = office_of(at, sandbox_database)
        await codes(running, office, playbook, calendar, monkeypatch, capsys)


async def codes(
    running: Running,
    office: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def typed(*more: str) -> tuple[int, str]:
        await beat(running)
        words = ["conversation", "log", E, "parents", "--note", "sick", *more]

        def work() -> int:
            try:
                main(words)
            except SystemExit as left:
                return int(left.code or 0)
            return 0

        code = await asyncio.to_thread(work)
        said = capsys.readouterr()
        return code, said.out + said.err

    with_id = ("--command-id", str(new_id()))
    async with running.worker():
        await prepared(office, playbook, calendar, day(3, 9))
        with monkeypatch.context() as release:
            # The worker here logs too, perhaps to what another test's capture has closed.
            release.setattr(logging, "raiseExceptions", False)
            release.setattr(
                writing,
                "decide_in_full",
                unless(decide_in_full, lambda command, *_: getattr(command, "notes", "") == "sick"),
            )
            code, said = await typed(*with_id)
            assert (code, "--command-id" in said, "Traceback" in said) == (5, True, False), said
            code, said = await typed(*with_id, "--json")
            assert (code, '"outcome": "defect"' in said) == (5, True), said
        code, said = await typed(*with_id)
        assert code == 0, said
    code, said = await typed("--json")
    assert (code, '"outcome": "unknown"' in said) == (4, True), said
