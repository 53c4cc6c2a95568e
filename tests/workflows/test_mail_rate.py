"""No more mails a second than the mail server may be asked to take, on the server of real work.

The time-skipping server of a sandbox keeps no rates.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.mailing.claiming import claim
from activities.names import SEND_MAIL, SMTP_QUEUE, ClaimedMail, DigestRun, Handed
from benchmarks import morning
from benchmarks.setting import (
    AGREED,
    DUE,
    KEY,
    LEA,
    MORNING,
    ZONE,
    StandingClock,
    add_contacts,
    furnish,
    mailroom,
    services_at,
    shipped_playbook,
)
from domain.policy.calendar import local_date
from domain.streams import in_epoch
from embedded.mailcatcher import caught_mails, mail_catcher
from embedded.temporal import dev_temporal
from store.database import open_pool
from store.vault import Vault
from tests.conftest import Database
from worker import workers
from workflows.host import beside

MAILS, A_SECOND = 10, 4
AT_ONCE = 4
"""The server divides a queue, and its rate, into four; each part lets one go at once."""


@workflow.defn(name="AllAtOnce")
class AllAtOnce:
    """Mails that are all made, and wait for their conversations at the same moment."""

    @workflow.run
    async def run(self, mails: list[ClaimedMail]) -> None:
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    SEND_MAIL,
                    mail,
                    result_type=Handed,
                    task_queue=beside(SMTP_QUEUE),
                    start_to_close_timeout=timedelta(seconds=20),
                )
                for mail in mails
            )
        )


async def test_mails_go_no_faster_than_the_limit_and_all_of_them_go(
    sandbox_database: Database, tmp_path: Path
) -> None:
    vault, clock = Vault(KEY), StandingClock(AGREED)
    pool = await open_pool(sandbox_database.url, size=20)
    with dev_temporal(tmp_path / "temporal") as temporal, mail_catcher(tmp_path / "mail") as caught:
        people = await furnish(pool, vault, clock)
        contacts = await add_contacts(pool, 0, MAILS)
        await morning.write(
            pool,
            vault,
            AGREED,
            engagements=MAILS,
            contacts=contacts,
            lead=people["marcus"],
            director=people["dana"],
            lea=LEA,
            playbook=shipped_playbook().ref,
            due=DUE,
        )
        clock.at = MORNING + timedelta(seconds=30)
        at = await services_at(pool, vault, clock, temporal.address, tmp_path)
        limited = replace(at.settings, mails_per_second=float(A_SECOND))
        at = replace(at, settings=limited)
        room = mailroom(at, caught.smtp_url)
        on = local_date(clock.at, ZONE)
        mails = [await claim(room, DigestRun(person=contact, on=on)) for contact in contacts]
        ours = workers(at, room)
        queue = in_epoch(SMTP_QUEUE, at.epoch_id)
        [smtp] = [worker for worker in ours if worker.task_queue == queue]
        many = Worker(
            at.client,
            task_queue=in_epoch("many", at.epoch_id),
            workflows=[AllAtOnce],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with smtp, many:
            await at.client.execute_workflow(AllAtOnce.run, mails, id="many", task_queue="many")
        came = [mail.caught_at for mail in caught_mails(caught.maildir)]
        readers = {mail["To"] for mail in caught.messages()}
    await pool.close()

    assert len(came) == len(readers) == MAILS
    assert came[-1] - came[0] >= timedelta(seconds=(MAILS - AT_ONCE) / A_SECOND)
