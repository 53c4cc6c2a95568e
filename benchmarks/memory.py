"""Memory of the mail worker over a hundred thousand notices: ``make bench-memory``."""

import asyncio
import gc
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from activities.mailing.claiming import claim
from activities.mailing.mailroom import Mailroom
from activities.mailing.sending import send
from activities.names import DigestRun
from activities.record import Record
from benchmarks import morning
from benchmarks.setting import (
    AGREED,
    DUE,
    KEY,
    LEA,
    MORNING,
    StandingClock,
    add_contacts,
    furnish,
    resident_mb,
    shipped_playbook,
)
from domain.envelope import Envelope
from domain.policy.calendar import local_date
from domain.reminders.notices import RecordDelivery
from embedded.mailcatcher import mail_catcher
from embedded.postgres import DATABASE, postgres_cluster
from store.database import open_pool
from store.migrations import migrate
from store.vault import Vault

A_MAIL, MAILS, BATCH = 100, 1000, 50
LOOK_EVERY = 10_000


async def main() -> None:
    """Claim, send and report mail after mail, as the mail worker does, and look at the memory."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with (
        tempfile.TemporaryDirectory(prefix="handrail-bench-") as directory,
        postgres_cluster(Path(directory) / "postgres", durable=False) as cluster,
        mail_catcher(Path(directory) / "mail") as mails,
    ):
        await migrate(cluster.owner_url(DATABASE))
        pool = await open_pool(cluster.app_url(DATABASE), size=8)
        vault, clock = Vault(KEY), StandingClock(AGREED)
        people = await furnish(pool, vault, clock)
        record = Record(pool, vault, clock)
        nobody: Any = None  # Nothing here talks to Temporal.
        mailroom = Mailroom(
            pool=pool, vault=vault, clock=clock, record=record, client=nobody,
            smtp_url=mails.smtp_url,
        )  # fmt: skip
        first_look: float | None = None
        for batch in range(0, MAILS, BATCH):
            contacts = await add_contacts(pool, batch, batch + BATCH)
            made = await morning.write(
                pool, vault, AGREED, engagements=BATCH, contacts=contacts,
                lead=people["marcus"], director=people["dana"], lea=LEA,
                playbook=shipped_playbook().ref, due=DUE, deliverables=A_MAIL,
                name=f"batch-{batch}",
            )  # fmt: skip
            clock.at = MORNING + timedelta(seconds=30)
            today = local_date(clock.at, "America/Los_Angeles")
            for engagement, contact in zip(made, contacts, strict=True):
                claimed = await claim(mailroom, DigestRun(person=contact, on=today))
                await send(mailroom, claimed)
                assert claimed.mail is not None
                command = RecordDelivery(
                    of=f"engagement:{engagement}", mail=claimed.mail, message_id="<x@y>",
                    person=contact, outcome="sent", detail="250 OK", at=clock.at,
                )  # fmt: skip
                await record.execute(Envelope.by_system(command, claimed.mail, clock.at))
            notices = (batch + BATCH) * A_MAIL
            if notices % LOOK_EVERY == 0:
                gc.collect()
                now = resident_mb()
                first_look = first_look or now
                print(
                    f"{notices:7,} notices: {now:.0f} MB, {now / first_look:.2f} times as much as "
                    f"after {LOOK_EVERY:,}",
                    flush=True,
                )
        await pool.close()


if __name__ == "__main__":
    asyncio.run(main())
