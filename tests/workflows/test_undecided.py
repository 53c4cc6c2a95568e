"""What cannot be decided is answered as a defect, and stops nothing and nobody else."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from activities import follow, undecided, writing
from activities.dispatch import start_digest
from activities.follow import Follower
from activities.mail.compose import compose
from activities.mailing import announcing, claiming
from domain.deciding import decide_in_full
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from store.defects import Defect, defects
from tests.workflows.conftest import Running, WorkflowOffice, at, day
from tests.workflows.test_years import E, prepared

HARBOR = "harbor-charter"


async def noted(story: WorkflowOffice) -> list[tuple[str, str | None, str]]:
    async with story.pool.acquire() as connection:
        found: list[Defect] = await defects(connection)
    return [(d.kind, d.stream, d.problem.partition(",")[0]) for d in found]


def unless(works: Callable[..., Any], sick: Callable[..., bool]) -> Callable[..., Any]:
    """A rule with a bug: it fails where `sick` says so."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        if sick(*args):
            raise OverflowError("Joy Kim")
        return works(*args, **kwargs)

    return rule


async def test_a_bug_in_a_rule_is_answered_and_mended_by_the_same_command_under_its_id(
    story: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    with monkeypatch.context() as release:
        release.setattr(
            writing,
            "decide_in_full",
            unless(decide_in_full, lambda command, *_: getattr(command, "notes", "") == "sick"),
        )
        sick = story.envelope(
            "conversation log", "marcus", engagement=E, group="parents", notes="sick"
        )
        first, other = await asyncio.gather(
            story.give(sick),
            story.ask("conversation log", "marcus", engagement=E, group="students", notes="n"),
        )
        assert (first.outcome, first.events, first.stands) == ("defect", (), True)
        assert "Joy" not in first.message
        assert f"--command-id {sick.command_id}" in first.message
        assert other.outcome == "recorded", "of the same engagement"
        assert (await story.give(sick)).outcome == "defect"
        assert await noted(story) == [
            ("command", f"engagement:{E}", "OverflowError in activities.writing.decide")
        ]
    mended = await story.give(sick)
    assert mended.outcome == "recorded"
    assert await noted(story) == []
    assert (await story.give(sick)).repeated, "now there is a receipt"


async def test_reminders_that_cannot_be_prepared_are_when_that_is_mended(
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    item = await story.agreed("Theory of action", day(4, 16))
    before = len(mails.messages())
    with monkeypatch.context() as release:
        release.setattr(announcing, "start_digest", unless(start_digest, lambda *_: True))
        await story.until(at(day(4, 5), 10))
        assert len(mails.messages()) == before
        [(kind, stream, problem)] = await noted(story)
        assert (kind, stream) == ("moment", f"engagement:{E}")
        assert problem == "OverflowError in activities.mailing.announcing.announce"
        # The engagement's workflow holds nothing meanwhile.
        await story.do("conversation log", "marcus", engagement=E, group="students")
    await story.until(at(day(4, 5), 12))
    assert len(mails.messages()) > before
    assert (await story.ledger(item))[0]["status"] == "sent"
    assert await noted(story) == []


async def test_a_mail_that_cannot_be_made_holds_up_no_other_and_goes_when_that_is_mended(
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 22), 12))
    with monkeypatch.context() as release:
        release.setattr(
            claiming, "compose", unless(compose, lambda digest: "joy@" in digest.address)
        )
        # Overdue by five working days, of which Joy and Marcus are told.
        before = {who: len(told(mails, who)) for who in ("joy", "marcus")}
        await story.until(at(day(4, 23), 12))
        assert len(told(mails, "joy")) == before["joy"]
        assert len(told(mails, "marcus")) > before["marcus"]
        assert {kind for kind, _, _ in await noted(story)} == {"mail"}
    await story.until(at(day(4, 23), 15))
    assert len(told(mails, "joy")) > before["joy"]
    assert await noted(story) == []


def told(mails: MailCatcher, who: str) -> list[Any]:
    return [m for m in mails.messages() if f"{who}@" in m["To"]]


async def test_a_fact_that_one_engagement_cannot_take_over_reaches_the_others_and_it_later(
    story: WorkflowOffice,
    running: Running,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.do(
        "lea register", id=HARBOR, name="Harbor Charter", type="charter_school", county="Manzanita"
    )
    await story.to_onboarding(playbook, engagement=HARBOR, lea=HARBOR)
    monkeypatch.setattr(follow, "_LOOK_AGAIN_SECONDS", 0.0)
    at_ = running.services
    follower = Follower(at_.pool, at_.vault, at_.clock, at_.client)

    async def moved(engagement: str) -> int:
        async with story.pool.acquire() as connection:
            await follower.catch_up(connection)
            found: int = await connection.fetchval(
                "select count(*) from es.events where stream = $1 and type = $2",
                f"engagement:{engagement}",
                "summit-followed",
            )
            return found

    for engagement in (E, HARBOR):
        await moved(engagement)
    first, later = day(11, 12), day(11, 19)
    await story.do(
        "summit plan", summit="Y1-1", title="First summit", first=first, last=first,
        place="Sacramento", registration_due=day(11, 4), hours=6,
    )  # fmt: skip
    for engagement in (E, HARBOR):
        await story.do("summit invite", summit="Y1-1", engagement=engagement)
    with monkeypatch.context() as release:
        release.setattr(
            writing,
            "decide_in_full",
            unless(
                decide_in_full,
                lambda command, *_: (
                    getattr(command, "engagement", "") == E and command.kind() == "summit take-over"
                ),
            ),
        )
        await story.do("summit reschedule", summit="Y1-1", to=later, reason="fire")
        assert (await moved(E), await moved(HARBOR)) == (0, 1)
        assert {(kind, stream) for kind, stream, _ in await noted(story)} == {
            ("news", f"engagement:{E}")
        }
    assert (await moved(E), await moved(HARBOR)) == (1, 1)
    assert await noted(story) == []


def test_what_failed_often_rests_longer_and_never_longer_than_an_hour() -> None:
    rests = [undecided.pace(seen).total_seconds() for seen in (1, 2, 3, 7, 1000)]
    assert rests == [60, 120, 240, 3600, 3600]
