"""The activities as Temporal knows them: names from `activities.names`, work from the modules."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.hands import beating
from activities.mailing.announcing import announce, announce_overviews, put_off
from activities.mailing.claiming import claim
from activities.mailing.letters import forget, mail_id
from activities.mailing.mailroom import Mailroom
from activities.mailing.reporting import report
from activities.mailing.sending import send
from activities.names import (
    ANNOUNCE_DUE,
    ANNOUNCE_OVERVIEWS,
    CLAIM_DIGEST,
    EXECUTE_COMMAND,
    REPORT_MAIL,
    SEND_MAIL,
    Announced,
    ClaimedMail,
    DigestRun,
    Handed,
)
from activities.undecided import few_times, is_passing, or_rest
from domain.envelope import Envelope, Receipt, Told
from domain.program.erasing import PersonErased
from domain.streams import PROGRAM, id_of


def execute_activities(mailroom: Mailroom) -> list[Callable[..., Any]]:
    """What a workflow's own worker does beside it, and the record queue where that fails."""

    @activity.defn(name=EXECUTE_COMMAND)
    async def execute_command(envelope: Envelope, told: Told | None = None) -> Receipt:
        # The SDK leaves plain data as they are where a workflow gives fewer arguments than there
        # are, as one did that an older release had begun.
        envelope = Envelope.model_validate(envelope)
        try:
            receipt = await few_times(lambda: mailroom.record.execute(envelope, told))
        except Exception as error:
            if is_passing(error):
                raise
            return await mailroom.record.undecided(envelope, error)
        for told in receipt.events:
            if told.type == PersonErased.type:
                # Also when the answer is repeated: the first time may have ended before this.
                await forget(mailroom, id_of(receipt.stream))
        return receipt

    return [execute_command]


def record_activities(mailroom: Mailroom) -> list[Callable[..., Any]]:
    """What the record queue serves: short transactions."""

    @activity.defn(name=ANNOUNCE_DUE)
    async def announce_due(stream: str, told: Told | None = None) -> Announced:
        async def look() -> Announced:
            await mailroom.record.hold_to(told)
            return await announce(mailroom, stream)

        return await put_off(mailroom, stream, look)

    @activity.defn(name=ANNOUNCE_OVERVIEWS)
    async def announce_due_overviews() -> Announced:
        return await put_off(mailroom, PROGRAM, lambda: announce_overviews(mailroom))

    return [*execute_activities(mailroom), announce_due, announce_due_overviews]


def mail_activities(mailroom: Mailroom) -> list[Callable[..., Any]]:
    """What the mail queue serves: one transaction, or one command for each engagement in a mail.

    It still sends what a release before the queue of conversations had begun to send.
    """

    @activity.defn(name=CLAIM_DIGEST)
    async def claim_digest(digest: DigestRun) -> ClaimedMail:
        mail = mail_id(digest.person, digest.on, digest.kind)
        async with beating():
            return await or_rest(mailroom.pool, str(mail), lambda: claim(mailroom, digest))

    @activity.defn(name=REPORT_MAIL)
    async def report_mail(claimed: ClaimedMail) -> None:
        async with beating():
            await or_rest(mailroom.pool, str(claimed.mail), lambda: report(mailroom, claimed))

    return [claim_digest, report_mail, *smtp_activities(mailroom)]


def smtp_activities(mailroom: Mailroom) -> list[Callable[..., Any]]:
    """What the queue of conversations serves: each may take minutes."""

    @activity.defn(name=SEND_MAIL)
    async def send_mail(claimed: ClaimedMail) -> Handed:
        async with beating():
            return await or_rest(mailroom.pool, str(claimed.mail), lambda: send(mailroom, claimed))

    return [send_mail]
