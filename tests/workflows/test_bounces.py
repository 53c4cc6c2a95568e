"""Mail servers that refuse, hang and send reports: nobody waits for anybody else's trouble."""

import asyncio
import mailbox
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.follow import Follower
from activities.mail.deliver import CONVERSATION_SECONDS
from activities.mail.smtp_url import parse_smtp_url
from activities.mailing.returns import ReturnReader
from activities.mailing.sending import _INSIST, _INSIST_SECONDS
from activities.names import MAIL_QUEUE, SEND_MAIL, SMTP_QUEUE, ClaimedMail, Handed
from bootstrap.settings import Settings
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.looks.returned import look_at_returned_mail
from embedded.mailcatcher import MailCatcher
from embedded.process import free_port
from tests.conftest import Database, load
from tests.workflows.conftest import Running, WorkflowOffice, at, day, office_of
from tests.workflows.test_years import body, prepared
from worker import workers
from workflows.digest import SEND_TIMEOUT

E = "alder-creek-usd"
REPORT = Path(__file__).parents[1] / "mail" / "reports" / "failed" / "postfix.eml"


class Moody:
    """A mail server that treats every recipient differently."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.taken: list[str] = []
        self.said: list[tuple[str, str, str]] = []
        """To whom, on which day and what, of every mail that was taken."""

    # The names and the arguments are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        who = address.partition("@")[0]
        self.asked[who] += 1
        answers = self.answers.get(who, [])
        if answers == ["hang"]:
            await asyncio.Event().wait()
        if answers:
            return answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        who = [a.partition("@")[0] for a in envelope.rcpt_tos]
        self.taken += who
        self.said += [(w, str(mail["Date"])[:16], " ".join(body(mail).split())) for w in who]
        return "250 OK"


@pytest.fixture
def moody() -> Iterator[tuple[Moody, str]]:
    server = Moody()
    controller = Controller(server, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield server, f"smtp://127.0.0.1:{controller.port}?timeout=0.5"
    controller.stop()


async def deliveries(
    story: WorkflowOffice, item: str, step: str
) -> dict[str, tuple[str, str | None]]:
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select p.handle, d.outcome, o.handle as instead_of from read.deliveries d"
            " join read.people p on p.id = d.person"
            " left join read.people o on o.id = d.instead_of"
            " join read.notices n using (stream, n) where n.item = $1 and n.step = $2",
            item,
            step,
        )
    return {row["handle"]: (row["outcome"], row["instead_of"]) for row in rows}


async def test_nobody_waits_for_a_recipient_who_hangs_is_put_off_or_is_refused(
    running: Running,
    sandbox_database: Database,
    moody: tuple[Moody, str],
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    """On one morning Joy's server hangs, Marcus's says later, Dana's refuses, Noor's is fine."""
    server, url = moody
    moods = {
        "joy": ["hang"],
        "marcus": ["451 4.7.1 greylisted"] * 3,
        "dana": ["550 5.1.1 no such user"] * 9,
    }
    async with Running(running.services, url).worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        await story.do(
            "lea register", id="harbor-charter", name="Harbor Charter", type="charter_school"
        )
        await story.do("person register", handle="noor", name="Noor Aziz", at="harbor-charter",
                       email="noor@harbor.example")  # fmt: skip
        await story.do("prong opt-out", engagement=E, prong="coaching", reason="r")
        await story.to_onboarding(playbook, engagement="harbor-charter", lea="harbor-charter")
        await story.do("engagement assign", engagement="harbor-charter", role="lea_contact",
                       person="noor")  # fmt: skip
        other = "harbor-charter"
        await story.do("prong opt-out", engagement=other, prong="coaching", reason="r")
        # Ten working days late: the contact, the Lead and the Director are told.
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 29), 12))
        server.answers = moods
        server.asked.clear()
        server.taken.clear()
        receipt = await story.do(
            "deliverable propose", "marcus", engagement=other, title="Plan", due=day(5, 14)
        )
        assert receipt.events
        await story.do("deliverable sign", "marcus", engagement=other, deliverable="D1")
        await story.do("deliverable sign", engagement=other, deliverable="D1", person="noor",
                       evidence="mail")  # fmt: skip
        await story.until(at(day(4, 30), 8, 1) + timedelta(seconds=10))
        assert "noor" in server.taken
        fates = await deliveries(story, d1, "+10")
        assert fates["dana"] == ("bounced", None)
        assert fates["joy"] == ("pending", None)
        assert fates["marcus"] == ("pending", None)
        await story.until(at(day(4, 30), 8, 5))
        assert (await deliveries(story, d1, "+10"))["marcus"] == ("sent", None)
        assert server.asked["marcus"] == 4
        assert server.asked["dana"] == 1, "what is refused for good is not tried again"
        assert server.asked["joy"] > 3, "what hangs is tried again and again"
        assert server.taken.count("noor") == server.taken.count("marcus") == 1
        server.answers["joy"] = []
        await story.until(at(day(4, 30), 8, 20))
        assert (await deliveries(story, d1, "+10"))["joy"] == ("sent", None)


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
async def test_a_report_in_the_mailbox_turns_sent_into_bounced_once(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
    kind: str,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.do("engagement assign", engagement=E, role="assistant", person="tess")
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 5), 9))
    [first] = mails.messages()
    where = tmp_path / "bounces"
    reader = ReturnReader(story.pool, story.vault, running.services.clock, story.client, where)
    async with story.pool.acquire() as connection:
        assert await reader.catch_up(connection) == Counter(), "the mailbox is still to come"
    for text in (
        b"From: bob@x.example\nSubject: lunch?\n\nAt noon.\n",
        report(first["Message-ID"]).replace(b"Action: failed", b"Action: delayed"),
        report("<00000000-0000-5000-8000-000000000000@collaborative.example>"),
        report(first["Message-ID"]).replace(b"joy@alder-creek", b"elena@alder-creek"),
        report(first["Message-ID"]).replace(b"MAILER-DAEMON", b"x" * 1_000_001),
        report(first["Message-ID"]),
        report(first["Message-ID"]) + b"\nread again later\n",
    ):
        deliver_into(where, kind, text)
    before = contents(where)

    async with story.pool.acquire() as connection:
        found = await reader.catch_up(connection)
        assert found == {
            "foreign": 2, "temporary": 1, "malformed": 1, "elsewhere": 1, "bounced": 2
        }  # fmt: skip
        [look] = await look_at_returned_mail(connection, Settings(home=tmp_path))
        assert look.state == "attention"
        assert look.seen == (
            "not understood of 7 messages in 30 days: 1 broken or too large, "
            "1 about another address than the mail went to"
        )
        again = ReturnReader(story.pool, story.vault, running.services.clock, story.client, where)
        assert await again.catch_up(connection) == Counter(), "also after a restart"
        events = await connection.fetch(
            "select type, data from es.events where stream = $1 and type in"
            " ('notices-delivered', 'address-bounced', 'recipients-added') order by version",
            f"engagement:{E}",
        )
    assert contents(where) == before, "the mailbox is never changed"
    assert [e["type"] for e in events] == [
        "notices-delivered", "notices-delivered", "address-bounced", "recipients-added",
    ]  # fmt: skip
    assert "joy@" not in events[1]["data"]
    assert "5.1.1" in events[1]["data"]

    answers = f"In-Reply-To: {first['Message-ID']}\nSubject: Re: D1\n\n"
    for head, said in (
        ("From: joy@alder-creek.example\n", "May we have another week?"),
        ("From: joy@alder-creek.example\nAuto-Submitted: auto-replied\n", "Back on Monday."),
        ("From: x@y.example\nAuto-Submitted: auto-replied\n", "I no longer work here."),
    ):
        deliver_into(where, kind, f"{head}{answers}{said}\n".encode())
    async with story.pool.acquire() as connection:
        assert await again.catch_up(connection) == {"answer": 1, "automatic": 1, "left": 1}
        _, look = await look_at_returned_mail(connection, Settings(home=tmp_path))
        told = "written by people to nobody in 30 days: 1 an answer, 1 saying that somebody left"
        assert (look.state, look.seen) == ("attention", told)

    await story.until(at(day(4, 5), 10))
    assert await deliveries(story, d1, "t-14") == {
        "joy": ("bounced", None),
        "elena": ("sent", "joy"),
    }
    [instead] = [m for m in mails.messages() if "elena@" in m["To"]]
    assert "Mail does not reach Joy Kim, so this comes to you." in " ".join(body(instead).split())

    await story.until(at(day(4, 6), 9))
    [task] = [m for m in mails.messages() if "tess@" in m["To"]]
    assert "Find out the right mail address of Joy Kim" in " ".join(body(task).split())
    assert "handrail person change joy --email ADDRESS" in " ".join(body(task).split())


async def test_a_new_address_in_the_directory_settles_the_task_everywhere(
    running: Running,
    sandbox_database: Database,
    moody: tuple[Moody, str],
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    server, url = moody
    server.answers = {"joy": ["550 5.1.1 no such user"]}
    async with Running(running.services, url).worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 5), 9))
        assert server.taken == ["elena"], "at once, not on the next day"
        follower = Follower(story.pool, story.vault, running.services.clock, story.client)
        await story.do("person change", person="joy", email="joy.kim@alder-creek.example")
        async with story.pool.acquire() as connection:
            await follower.catch_up(connection)
            await follower.catch_up(connection)
            mended = await connection.fetchval(
                "select count(*) from es.events where type = 'address-mended'"
            )
            owed = await connection.fetch("select * from read.obligations where item ~ '^address/'")
        assert (mended, owed) == (1, [])
        await story.until(at(day(4, 13), 9))
        assert [who for who in server.taken if who != "marcus"] == ["elena", "joy.kim"]
        assert await deliveries(story, d1, "t-3") == {"joy": ("sent", None)}


def report(message_id: str) -> bytes:
    mail = b"<0f8fad5b-d9cb-569f-a165-70867728950e@collaborative.example>"
    return REPORT.read_bytes().replace(mail, message_id.encode())


def deliver_into(where: Path, kind: str, text: bytes) -> None:
    box: mailbox.Mailbox[Any] = (
        mailbox.mbox(where) if kind == "mbox" else mailbox.Maildir(where, create=True)
    )
    box.add(text)
    box.close()


def contents(where: Path) -> dict[str, bytes]:
    if where.is_file():
        return {"": where.read_bytes()}
    return {
        str(path.relative_to(where)): path.read_bytes()
        for path in where.rglob("*")
        if path.is_file()
    }


@workflow.defn(name="BegunBefore")
class BegunBefore:
    """A digest as a release began it that sent mails through the queue of claims."""

    @workflow.run
    async def run(self, claimed: ClaimedMail) -> None:
        await workflow.execute_activity(
            SEND_MAIL,
            claimed,
            result_type=Handed,
            task_queue=MAIL_QUEUE,
            start_to_close_timeout=timedelta(seconds=20),
        )


@asynccontextmanager
async def before(story: WorkflowOffice) -> AsyncIterator[None]:
    async with Worker(
        story.client,
        task_queue="before",
        workflows=[BegunBefore],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


async def test_what_an_older_release_had_begun_to_send_is_still_sent(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 5), 9))
    async with story.pool.acquire() as connection:
        mail = await connection.fetchval(
            "update ops.mails set outcome = null, offered = true returning id"
        )
    async with before(story):
        await story.client.execute_workflow(
            BegunBefore.run, ClaimedMail(mail=mail), id="before", task_queue="before"
        )
    assert len(mails.messages()) == 2


async def test_the_rate_is_limited_on_the_queue_of_conversations_alone(running: Running) -> None:
    limits = {
        worker.task_queue: worker.config().get("max_task_queue_activities_per_second")
        for worker in workers(running.services, None)  # type: ignore[arg-type]
    }
    assert limits.pop(SMTP_QUEUE) == running.services.settings.mails_per_second == 10
    assert set(limits.values()) == {None}


def test_an_attempt_to_send_is_over_before_the_next_may_begin() -> None:
    longest = CONVERSATION_SECONDS + _INSIST * _INSIST_SECONDS
    assert longest < SEND_TIMEOUT.total_seconds()
    with pytest.raises(ValueError, match="up to 45"):
        parse_smtp_url("smtp://mail.example?timeout=46")
    assert parse_smtp_url("smtp://mail.example?timeout=45").timeout_seconds * 10 < (
        CONVERSATION_SECONDS
    )


async def test_what_is_put_off_for_days_counts_as_refused_and_leaves_a_task(
    running: Running,
    sandbox_database: Database,
    moody: tuple[Moody, str],
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    server, url = moody
    async with Running(running.services, url).worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        server.answers = {"joy": ["452 4.2.2 mailbox full"] * 100_000}
        await story.until(at(day(4, 9), 12))
        assert (await deliveries(story, d1, "t-14"))["joy"] == ("pending", None)
        await story.until(at(day(4, 12), 12))
        fates = await deliveries(story, d1, "t-14")
        assert fates["joy"] == ("bounced", None)
        assert "elena" in fates, "the superintendent stands in"
        assert any(row["step"] for row in await story.ledger(await address_task(story)))


async def address_task(story: WorkflowOffice) -> str:
    async with story.pool.acquire() as connection:
        return str(
            await connection.fetchval(
                "select item from read.obligations where item like 'address/%'"
            )
        )


LOST = "MARCUS OYELARAN, WHOM MAIL DOES NOT REACH"


async def looked_over(
    running: Running, story: WorkflowOffice, calendar: CalendarPack
) -> tuple[Follower, str]:
    """Two engagements of Marcus's since Tue 6 Apr; Ruth, who leads a third, stands in for him."""
    whole = Playbook.model_validate(load("packs/playbooks/dta-sir.yaml"))
    await prepared(story, whole, calendar, day(4, 6))
    await story.do("engagement assign", engagement=E, role="assistant", person="tess")
    await story.do("person register", "dana", handle="ruth", name="Ruth Adeyemi",
                   email="ruth@collaborative.example", role=["lead"])  # fmt: skip
    for lea, name, lead in (
        ("harbor-charter", "Harbor Charter", "marcus"), ("elk-grove", "Elk Grove", "ruth"),
    ):  # fmt: skip
        await story.do("lea register", id=lea, name=name)
        await story.do("engagement open", engagement=lea, lea=lea, lead=lead, director="dana")
    await story.do("risk raise", "ruth", engagement="elk-grove", risk="politics", level="high",
                   reason="r")  # fmt: skip
    await story.do("person change", "dana", person="marcus", fallback="ruth")
    d1 = await story.agreed("Theory of action", day(4, 16))
    services = running.services
    follower = Follower(services.pool, services.vault, services.clock, services.client)
    async with story.pool.acquire() as connection:
        await follower.catch_up(connection)
    return follower, d1


async def dead(story: WorkflowOffice) -> list[str]:
    """The streams on which an address was found dead."""
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select stream from es.events where type = 'address-bounced' order by position"
        )
    return [row["stream"] for row in rows]


async def test_an_overview_that_is_refused_leaves_one_task_and_goes_to_the_fallback_contact(
    running: Running,
    sandbox_database: Database,
    moody: tuple[Moody, str],
    calendar: CalendarPack,
) -> None:
    server, url = moody
    server.answers = {"marcus": ["550 5.1.1 no such user"] * 9}
    async with Running(running.services, url).worker():
        story = office_of(running.services, sandbox_database)
        follower, d1 = await looked_over(running, story, calendar)

        def weeks() -> list[tuple[str, str, bool]]:
            return [(who, on, LOST in text) for who, on, text in server.said
                    if "theory of action, due" in text.casefold()]  # fmt: skip

        await story.until(at(day(4, 12), 12))
        assert server.asked["marcus"] == 1
        assert await dead(story) == [f"engagement:{E}"], "one task, whatever he leads"
        owed = await address_task(story)
        # Ruth has had her own week this morning.
        assert weeks() == []
        await story.until(at(day(4, 13), 12))
        assert weeks() == [("ruth", "Tue, 13 Apr 2055", True)]
        told = [text for who, _, text in server.said if who == "tess"]
        assert "Find out the right mail address of Marcus Oyelaran" in told[0]
        await story.until(at(day(4, 19), 12))
        assert server.asked["marcus"] == 1, "nothing more goes to a dead address"
        assert weeks()[1:] == [("ruth", "Mon, 19 Apr 2055", True)]

        await story.do(
            "person change", "dana", person="marcus", email="m.oyelaran@collaborative.example"
        )
        async with story.pool.acquire() as connection:
            await follower.catch_up(connection)
            assert owed not in await connection.fetchval(
                "select coalesce(array_agg(item), '{}') from read.obligations"
            )
        await story.until(at(day(4, 26), 12))
        assert weeks()[2:] == [("m.oyelaran", "Mon, 26 Apr 2055", False)]
        assert d1 == "D1"


async def test_an_overview_that_is_reported_as_undelivered_is_passed_on_as_well(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    await looked_over(running, story, calendar)
    await story.until(at(day(4, 12), 9))
    [first] = [m for m in mails.messages() if "marcus@" in m["To"]]
    where = tmp_path / "bounces"
    reader = ReturnReader(story.pool, story.vault, running.services.clock, story.client, where)
    text = report(first["Message-ID"])
    deliver_into(where, "mbox", text.replace(b"joy@alder-creek", b"marcus@collaborative"))
    async with story.pool.acquire() as connection:
        assert await reader.catch_up(connection) == Counter(bounced=1)
    assert await dead(story) == [f"engagement:{E}"]
    assert "address/" in await address_task(story)
    await story.until(at(day(4, 13), 12))
    [instead] = [m for m in mails.messages() if LOST in " ".join(body(m).split())]
    assert ("ruth@" in instead["To"], instead["Date"][:11]) == (True, "Tue, 13 Apr")
