"""After erasing somebody nothing names them but what docs/security.md says: store, mail, engine."""

import base64
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError

from bootstrap.door import Door
from bootstrap.encryption import EncryptingCodec
from domain.envelope import Envelope, Receipt
from domain.kernel.sealed import Sealed
from domain.policy.playbook import Playbook
from domain.streams import digest_workflow_id
from embedded.mailcatcher import MailCatcher, caught_mails
from store.database import queries
from store.events import read_stream
from tests.conftest import MASTER_KEY, Database
from tests.domain.tables import table
from tests.journey import E
from tests.workflows.conftest import Running, WorkflowOffice, at, day, office_of

HANDLE, NAME, ADDRESS = "zaphod-q", "Zaphod Quillfeather", "z.quill@alder-creek.example"
WORDS = re.compile("zaphod|quillfeather|z.quill", re.IGNORECASE)
Hits = dict[str, list[str]]
"""What names the person, by where it stands."""


class DoorOffice(WorkflowOffice):
    """Gives every command at the door, as the command line does."""

    door: Door

    async def give(self, envelope: Envelope) -> Receipt:
        async with self.pool.acquire() as connection:
            await queries.beat(
                connection, id="a worker in this process", release="test", schema="test"
            )
        return await self.door.submit(envelope)


@pytest.fixture
async def front(running: Running, sandbox_database: Database) -> AsyncIterator[DoorOffice]:
    services = running.services
    office = DoorOffice(
        services.pool, services.vault, office_of(services, sandbox_database).clock,
        sandbox_database.cluster,
    )  # fmt: skip
    office.client, office.time = services.client, cast(Any, services.clock)
    office.door = Door(
        services.settings, services.pool, services.vault, services.client, services.clock,
        sandbox=True,
    )  # fmt: skip
    async with running.worker():
        yield office


def remains() -> set[str]:
    """The places in which docs/security.md says that a name may stay."""
    return {row["Where"] for row in table("../security.md", "What it cannot reach")}


def payloads(message: Message) -> Iterator[Payload]:
    """Every payload in a protobuf message."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        kind = field.message_type
        assert kind is not None
        if kind.GetOptions().map_entry:
            if kind.fields_by_name["value"].message_type is not None:
                for inner in value.values():
                    yield from payloads(inner)
        elif isinstance(value, Message):
            yield from payloads(value)
        else:
            for inner in value:
                yield from payloads(inner)


async def runs(client: Client, workflow: str) -> list[Any]:
    """The histories of a workflow's runs, the last one first."""
    found: list[Any] = []
    run_id: str | None = None
    while True:
        try:
            history = await client.get_workflow_handle(workflow, run_id=run_id).fetch_history()
        except RPCError:
            assert not found, "a run is missing"
            return found
        found.append(history)
        first = history.events[0]
        assert first.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
        run_id = first.workflow_execution_started_event_attributes.continued_execution_run_id
        if not run_id:
            return found


class Search:
    """Looks for the name as somebody could who holds the master key and the whole machine."""

    def __init__(self, office: DoorOffice, mails: MailCatcher) -> None:
        self._office = office
        self._mails = mails
        self.hits: Hits = {}

    def note(self, where: str, text: str) -> None:
        if found := WORDS.search(text):
            around = text[max(0, found.start() - 60) : found.end() + 60]
            self.hits.setdefault(where, []).append(around)

    async def everywhere(self) -> Hits:
        async with self._office.pool.acquire() as connection:
            await self._events(connection)
            await self._tables(connection)
            await self._sealed_rows(connection)
            people = [r["id"] for r in await connection.fetch("select id from read.people")]
            days = await connection.fetch("select distinct local_date from ops.mails")
        for caught in caught_mails(self._mails.maildir):
            self.note("caught mail", said(caught.raw))
        ids = [f"engagement:{E}", "program"]
        ids += [digest_workflow_id(p, d["local_date"]) for p in people for d in days]
        payloads_seen = 0
        for workflow in ids:
            for history in await runs(self._office.client, workflow):
                for event in history.events:
                    payloads_seen += await self._temporal(workflow, event)
        assert payloads_seen > 50, "the search sees nothing"
        return self.hits

    async def _temporal(self, workflow: str, event: Message) -> int:
        self.note("Temporal, in the clear", str(event))
        found = await EncryptingCodec(MASTER_KEY).decode(list(payloads(event)))
        for payload in found:
            text = payload.data.decode("utf-8", "replace")
            self.note("Temporal", text)
            if '"sealed"' not in text:
                continue
            document = json.loads(text)
            inside = document.get("body") or (
                document["sealed"] and json.loads(document["message"])
            )
            if not inside:
                continue
            place = "command" if "body" in document else "answer"
            async with self._office.pool.acquire() as connection:
                await self._office.vault.open(
                    connection, [(f"{place} {document['command_id']}+0", inside)]
                )
            self.note("Temporal", inside["text"] or "")
        return len(found)

    async def _tables(self, connection: Any) -> None:
        """Every row of every table as a dump would have it; events are looked at one by one."""
        for found in await connection.fetch(
            "select schemaname || '.' || tablename as name from pg_tables"
            " where schemaname !~ '^(pg_|information_schema)'"
        ):
            name = found["name"]
            if name == "es.events":
                continue
            rows = await connection.fetch(f"select t::text as line from {name} t")
            where = "read model of such an event" if name.startswith("read.") else name
            for row in rows:
                self.note(where, row["line"])

    async def _sealed_rows(self, connection: Any) -> None:
        """Answers and mails, as far as their keys are there."""
        vault = self._office.vault
        for row in await connection.fetch("select command_id, receipt from es.receipts"):
            document = {"message": json.loads(json.loads(row["receipt"])["message"])}
            await vault.open(connection, [(f"receipt {row['command_id']}+0", document)])
            self.note("es.receipts", str(document["message"]["text"]))
        for row in await connection.fetch("select id, content from ops.mails"):
            document = json.loads(row["content"])
            await vault.open(connection, [(f"mail {row['id']}+0", document)])
            if document["text"] is not None:
                letter = json.loads(document["text"])
                self.note("ops.mails", said(base64.b64decode(letter["message"])))
                self.note("ops.mails", letter["recipient"])

    async def _events(self, connection: Any) -> None:
        streams = await connection.fetch("select distinct stream from es.events")
        for stream in [row["stream"] for row in streams]:
            for recorded in await read_stream(connection, self._office.vault, stream):
                self.note("event's stamp", f"{recorded.stamp.actor} {recorded.stamp.stream}")
                for value in (v for _, v in recorded.event):
                    self._value(value)

    def _value(self, value: Any) -> None:
        if isinstance(value, Sealed):
            whose = "an engagement" if value.about.startswith("engagement:") else value.about
            self.note(f"event, sealed for {whose}", value.text or "")
        elif isinstance(value, dict | list | tuple):
            for inner in value.values() if isinstance(value, dict) else value:
                self._value(inner)
        elif hasattr(value, "model_fields_set"):
            for _, inner in value:
                self._value(inner)
        else:
            self.note("event, not sealed", str(value))


def said(raw: bytes) -> str:
    """A mail in the raw and decoded: headers and texts."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    parts = [p.get_content() for p in message.walk() if p.get_content_maintype() == "text"]
    return "\n".join([raw.decode("utf-8", "replace"), *map(str, message.values()), *parts])


async def _lived(office: DoorOffice, playbook: Playbook, calendar: Any) -> None:
    """Zaphod was LEA contact and late; things were said of him, and refused that named him."""
    await office.time.to(datetime.fromisoformat("2055-03-01T17:00:00+00:00"))
    await office.furnish(playbook, calendar)
    await office.do("person register", handle=HANDLE, name=NAME, email=ADDRESS, at="ACUSD")
    await office.to_onboarding(playbook)
    await office.do("engagement assign", engagement=E, role="lea_contact", person=HANDLE)
    await office.do("engagement assign", engagement=E, role="assistant", person="tess")
    deliverable = {"engagement": E, "deliverable": "D1"}
    await office.do("deliverable propose", "marcus", engagement=E, due=day(4, 2),
                    title=f"Plan of {NAME}", person=HANDLE, evidence=f"{NAME} by mail")  # fmt: skip
    await office.do("deliverable sign", "marcus", **deliverable)
    await office.do("deliverable sign", **deliverable, person=HANDLE, evidence="his mail")
    await office.do("conversation log", engagement=E, group="parents", person=HANDLE,
                    notes=f"{NAME} sighed")  # fmt: skip
    await office.do("contact log", "marcus", engagement=E, how="visit", people=["joy"],
                    purpose=f"Ask Joy how {NAME} is")  # fmt: skip
    no = await office.refused("engagement assign", "dana", engagement=E, role="lead", person=HANDLE)
    assert no.message
    no = await office.refused("conversation log", "marcus", engagement=E, group="parents",
                              person="zafod-q")  # fmt: skip
    assert HANDLE in no.message, "the nearest name is told"
    await office.refused("person register", handle=HANDLE, name="Somebody Else")
    await office.refused("person change", person=f"@{HANDLE}", role=["lead"])


async def test_what_still_names_somebody_erased_is_what_the_page_says(
    front: DoorOffice, mails: MailCatcher, playbook: Playbook, calendar: Any
) -> None:
    await _lived(front, playbook, calendar)
    # His own mails, and the one by which the Lead hears that he is late.
    await front.until(at(day(4, 12), 12))
    to_lead = [m for m in mails.messages() if "marcus@" in str(m["To"])]
    assert any("Zaphod" in said(m.as_bytes()) for m in to_lead)
    await front.do("engagement assign", engagement=E, role="lea_contact", person="joy")

    before = await Search(front, mails).everywhere()
    assert {"Temporal", "es.receipts", "ops.mails", "caught mail"} <= before.keys(), (
        "what is to be erased must have been there to be found"
    )
    assert not any("clear" in where for where in before)
    many = len(caught_mails(mails.maildir))

    await front.do("person erase", "dana", person=HANDLE, reason="request of 3 May", sure=True)
    after = await Search(front, mails).everywhere()
    assert after.keys() == remains(), after
    assert 0 < len(caught_mails(mails.maildir)) < many
    assert await _verified(front) == []


async def _verified(office: DoorOffice) -> list[Any]:
    async with office.pool.acquire() as connection:
        streams = await connection.fetch("select distinct stream from es.events")
        return [
            broken
            for row in streams
            for broken in await connection.fetch("select * from es.broken_links($1)", row["stream"])
        ]
