"""One person's mail of one day: gather, claim, send, report."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import (
        CLAIM_DIGEST,
        MAIL_QUEUE,
        REPORT_MAIL,
        SEND_MAIL,
        SMTP_QUEUE,
        ClaimedMail,
        DigestRun,
        Handed,
    )
    from workflows.host import beside, started_with_nothing

SEND_TIMEOUT = timedelta(minutes=15)
"""Longer than the longest conversation with a mail server and the recording of its answer: an
attempt is never made while another is still under way."""

MISSED = timedelta(seconds=10)
"""A worker not heard of for so long is taken for dead, and another takes over what it had in hand.
Should it only have stopped for a while, the mail is still its own (`activities.hands`)."""

REPORT_TIMEOUT = timedelta(minutes=2)
"""One command for each engagement in a mail that came back."""

A_MOMENT = timedelta(seconds=1)

PATIENT = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=5))
"""A mail server that is away for a weekend is asked again every five minutes."""


@workflow.defn(name="Digest", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class DigestWorkflow:
    """Whatever fell due for a person today, in one mail, whose fate every engagement learns."""

    @workflow.run
    async def run(self, digest: DigestRun | None = None) -> None:
        """Gather for a moment, then claim what is due by then."""
        if digest is None:
            raise started_with_nothing()
        await workflow.sleep(timedelta(seconds=digest.gathering_seconds))
        claimed: ClaimedMail = await workflow.execute_activity(
            CLAIM_DIGEST,
            digest,
            result_type=ClaimedMail,
            task_queue=beside(MAIL_QUEUE),
            start_to_close_timeout=REPORT_TIMEOUT,
            heartbeat_timeout=MISSED,
            retry_policy=PATIENT,
        )
        if claimed.mail is None:
            return
        while True:
            handed: Handed | None = await workflow.execute_activity(
                SEND_MAIL,
                claimed,
                result_type=Handed,
                task_queue=beside(SMTP_QUEUE),
                start_to_close_timeout=SEND_TIMEOUT,
                heartbeat_timeout=MISSED,
                retry_policy=PATIENT,
            )
            # Releases before this answer existed gave none: it went.
            if handed is None or handed.wait_until is None:
                break
            await workflow.sleep(max(handed.wait_until - workflow.now(), A_MOMENT))
        if handed is not None and handed.recorded:
            return
        await workflow.execute_activity(
            REPORT_MAIL,
            claimed,
            task_queue=beside(MAIL_QUEUE),
            start_to_close_timeout=REPORT_TIMEOUT,
            heartbeat_timeout=MISSED,
            retry_policy=PATIENT,
        )
