"""Calendar files to subscribe to: the dates of the mails, kept up to date, under secret names."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import vobject
from icalendar import Calendar

from activities.feeds import Feed, Keeper, feeds, file_name
from activities.mail.compose import compose
from activities.mail.digest import Digest, DigestItem
from domain.policy.calendar import CalendarPack, local_date
from domain.policy.playbook import Playbook
from tests.conftest import Office, eventually, new_id

E = "alder-creek-usd"
DUE = date(2026, 10, 14)
ASK = "Send it to your Lead by the due date, or ask for another date."


@pytest.fixture
def keeper(office: Office, tmp_path: Path) -> Keeper:
    return Keeper(office.pool, office.vault, office.clock, tmp_path / "feeds")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "feeds"


def written(directory: Path) -> dict[str, int]:
    """The files of a directory; one that was written again has another number."""
    return {path.name: path.stat().st_ino for path in directory.iterdir()}


async def known(office: Office) -> dict[str, Feed]:
    async with office.pool.acquire() as connection:
        found = await feeds(connection, office.vault, "America/Los_Angeles", office.clock.at)
        names = await connection.fetch("select id, handle from read.people")
    handles = {row["id"]: row["handle"] for row in names}
    return {handles.get(feed.of, feed.of): feed for feed in found}


def dates(path: Path) -> dict[str, Any]:
    """The entries of a file by their UID."""
    return {str(e["UID"]): e for e in Calendar.from_ical(path.read_bytes()).walk("VEVENT")}


async def test_a_file_holds_the_dates_of_the_mails_and_follows_them(
    office: Office, keeper: Keeper, files: Path, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    d1 = await office.agreed("Theory of action", DUE)
    assert await keeper.refresh() > 0
    of = await known(office)
    for whose in (E, "marcus"):
        entry = dates(files / of[whose].file)[f"{E}.D1@collaborative.example"]
        assert entry.decoded("DTSTART") == DUE
        assert entry["SUMMARY"] == ("D1 Theory of action due – Alder Creek Unified School District")
        assert entry["SEQUENCE"] == 2

    about: dict[str, Any] = {"engagement": E, "deliverable": d1}
    redated = {"due": date(2026, 10, 28), "reason": "fires"}
    await office.do("deliverable redate", "marcus", **about, **redated)
    await office.do("deliverable sign", "marcus", **about)
    await office.do("deliverable sign", person="joy", evidence="a mail", **about)
    assert await keeper.refresh() == 2, "the engagement's and its Lead's"
    moved = dates(files / (await known(office))[E].file)[f"{E}.D1@collaborative.example"]
    assert moved.decoded("DTSTART") == date(2026, 10, 28)
    assert moved["SEQUENCE"] == 4

    await office.do("deliverable submit", engagement=E, deliverable=d1, person="joy",
                    evidence="a mail")  # fmt: skip
    await keeper.refresh()
    now_owed = dates(files / (await known(office))[E].file)
    assert f"{E}.D1@collaborative.example" not in now_owed
    assert f"{E}.D1.review@collaborative.example" in now_owed


async def test_an_entry_is_the_one_of_the_mail(
    office: Office, keeper: Keeper, files: Path, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", DUE)
    await keeper.refresh()
    digest = Digest(
        mail_id=new_id(), person="p", name="Joy Kim", address="joy@alder-creek.example",
        side="lea", local_date=date(2026, 9, 30), zone="America/Los_Angeles", program="DTA",
        agency="The Collaborative", sender="handrail@collaborative.example",
        message_id="<x@collaborative.example>",
        items=(DigestItem(stream=f"engagement:{E}", lea_name="Alder Creek Unified School District",
                          item="D1", title="Theory of action", due=DUE, step="t-14",
                          action=ASK),),
    )  # fmt: skip
    [part] = compose(digest, sent_at=office.clock.at).iter_attachments()
    [mailed] = Calendar.from_ical(part.get_content()).walk("VEVENT")
    kept = dates(files / (await known(office))[E].file)[str(mailed["UID"])]
    text = (files / (await known(office))[E].file).read_text()
    read = vobject.readOne(text)
    assert (read.method.value, read.refresh_interval.value) == ("PUBLISH", "PT1H")
    assert read.contents["name"][0].value == read.x_wr_calname.value
    assert read.x_wr_calname.value.startswith("Alder Creek")
    for event in read.vevent_list:
        assert event.organizer.value == "mailto:handrail@collaborative.example"
        assert event.transp.value == "TRANSPARENT"
        assert "attendee" not in event.contents, "a feed is for nobody in particular"
    for name in ("UID", "SEQUENCE", "SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "STATUS"):
        assert mailed[name].to_ical() == kept[name].to_ical(), name


async def test_only_what_changed_is_written_and_what_was_deleted_comes_back(
    office: Office, keeper: Keeper, files: Path, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", DUE)
    changed = await keeper.refresh()
    before = written(files)
    assert len(before) == changed
    office.clock.move(date(2026, 9, 1))
    await office.do("conversation log", "marcus", engagement=E, group="parents")
    assert await keeper.refresh() == 0
    another = Keeper(office.pool, office.vault, office.clock, files)
    assert await another.refresh() == 0, "a worker that starts again writes nothing anew"
    assert written(files) == before

    lost = files / (await known(office))[E].file
    lost.unlink()
    assert await keeper.refresh() == 1
    assert lost.exists()


async def test_names_are_secret_stable_and_say_nothing(
    office: Office, keeper: Keeper, files: Path, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await keeper.refresh()
    for feed in (await known(office)).values():
        assert feed.file == file_name(office.vault, feed.kind, feed.of)
        assert len(feed.file) == 36
        assert feed.of not in feed.file
    everything = b"".join((files / name).read_bytes() for name in written(files))
    for name in (b"Marcus", b"Oyelaran", b"marcus", b"joy", b"Joy", b"dana", b"Dana"):
        assert name not in everything


async def test_what_is_over_holds_no_dates_and_who_left_has_no_file(
    office: Office, keeper: Keeper, files: Path, playbook: Playbook, calendar: CalendarPack
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", DUE)
    await keeper.refresh()
    (files / "index.html").write_text("ours")
    of = await known(office)
    assert dates(files / of[E].file)
    assert (files / of["marcus"].file).exists()
    await office.do("engagement withdraw", "dana", engagement=E, reason="vacancy")
    await office.do("person leave", "dana", person="marcus", on=local_date(office.clock.at, "UTC"))
    office.clock.move(date(2026, 9, 2))
    await keeper.refresh()
    assert dates(files / of[E].file) == {}
    assert not (files / of["marcus"].file).exists()
    assert (files / "index.html").read_text() == "ours"


async def test_a_directory_that_cannot_be_written_is_tried_again(
    office: Office, tmp_path: Path, playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "in the way"
    in_the_way.symlink_to(tmp_path / "nowhere" / "at all")
    files = in_the_way
    monkeypatch.setattr("activities.feeds._POLL_SECONDS", 0.05)
    await office.to_onboarding(playbook)
    keeper = Keeper(office.pool, office.vault, office.clock, files)
    keeping = asyncio.create_task(keeper.keep())
    try:
        await asyncio.sleep(0.2)
        assert not keeping.done()
        (tmp_path / "nowhere" / "at all").mkdir(parents=True)
        feed = (await known(office))[E].file

        async def there() -> bool:
            return (files / feed).exists()

        await eventually(there)
        before = (files / feed).read_bytes()
        await office.agreed("Theory of action", DUE)

        async def follows() -> bool:
            return (files / feed).read_bytes() != before

        await eventually(follows)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
