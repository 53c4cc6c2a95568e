"""Notices a second through the whole path, against the bare conversation with the mail server."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from activities.mail.deliver import deliver
from activities.names import WORKFLOW_QUEUE
from benchmarks import morning
from benchmarks.setting import (
    AGREED,
    DUE,
    LEA,
    MORNING,
    StandingClock,
    add_contacts,
    shipped_playbook,
)
from bootstrap.wiring import Services
from domain.streams import host_workflow_id
from embedded.mailcatcher import MailCatcher

SCENES = (("one engagement a mail", 200, 200), ("twenty engagements a mail", 1000, 50))
AT_ONCE = 16
"""As many mails as a worker sends at the same time."""
PATIENCE_SECONDS = 600


async def run(
    at: Services, clock: StandingClock, people: dict[str, str], mails: MailCatcher
) -> AsyncIterator[str]:
    """Send each morning, then the same mails bare."""
    yield "Reminders from due to delivered (due, digest, SMTP, report), against bare SMTP:"
    first = 0
    for scene, engagements, readers in SCENES:
        contacts = await add_contacts(at.pool, first, first + readers)
        first += readers
        before = len(mails.messages())
        streams = await morning.write(
            at.pool,
            at.vault,
            AGREED,
            engagements=engagements,
            contacts=contacts,
            lead=people["marcus"],
            director=people["dana"],
            lea=LEA,
            playbook=shipped_playbook().ref,
            due=DUE,
            name=f"morning-{readers}",
        )
        clock.at = MORNING + timedelta(seconds=30)
        begin = time.perf_counter()
        for stream in streams:
            await start(at, stream, datetime.now(UTC))
        while not await _all_reported(at, first):
            if time.perf_counter() - begin > PATIENCE_SECONDS:
                raise RuntimeError(f"{scene}: not done after {PATIENCE_SECONDS} seconds")
            await asyncio.sleep(0.1)
        took = time.perf_counter() - begin
        caught = mails.messages()[before:]
        if len(caught) != readers:
            raise RuntimeError(f"{scene}: {len(caught)} mails for {readers} people")
        bare = await _bare([m.as_bytes() for m in caught], mails.smtp_url)
        yield (
            f"  {scene}: {engagements} notices in {readers} mails, "
            f"{engagements / took:.0f} notices/s, {readers / took:.1f} mails/s; bare SMTP "
            f"{readers / bare:.0f} mails/s; the whole path takes {took / bare:.1f} times as long"
        )


async def start(at: Services, engagement: str, wake: datetime | None) -> None:
    """Start an engagement's workflow as recovery does."""
    stream = f"engagement:{engagement}"
    await at.client.start_workflow(
        "Engagement",
        {
            "stream": stream,
            "is_open": True,
            "next_wake": wake.isoformat() if wake else None,
            "facets": {"phase": "partnering"},
        },
        id=host_workflow_id(stream),
        task_queue=WORKFLOW_QUEUE,
    )


async def _all_reported(at: Services, mails: int) -> bool:
    async with at.pool.acquire() as connection:
        done = await connection.fetchval(
            "select count(*) from ops.mails m where outcome = 'sent' and not exists"
            " (select from ops.mail_streams s where s.mail = m.id and not s.reported)"
        )
    return bool(done == mails)


async def _bare(messages: list[bytes], smtp_url: str) -> float:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(message: bytes) -> None:
        async with places:
            await deliver(
                message, "handrail@collaborative.example", "joy@alder-creek.example", smtp_url
            )

    begin = time.perf_counter()
    await asyncio.gather(*(one(message) for message in messages))
    return time.perf_counter() - begin
