"""The activities as Temporal knows them: names from `activities.names`, work from the modules."""

from collections.abc import Callable
from typing import Any

from temporalio import activity

from activities.hands import beating
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
from activities.record import Record
from activities.reminders import Reminders, mail_id
from activities.undecided import few_times, is_passing
from domain.envelope import Envelope, Receipt, Told
from domain.program.erasing import PersonErased
from domain.streams import PROGRAM


def execute_activities(record: Record, reminders: Reminders) -> list[Callable[..., Any]]:
    """What a workflow's own worker does beside it, and the record queue where that fails."""

    @activity.defn(name=EXECUTE_COMMAND)
    async def execute_command(envelope: Envelope, told: Told | None = None) -> Receipt:
        # The SDK leaves plain data as they are where a workflow gives fewer arguments than there
        # are, as one did that an older release had begun.
        envelope = Envelope.model_validate(envelope)
        try:
            receipt = await few_times(lambda: record.execute(envelope, told))
        except Exception as error:
            if is_passing(error):
                raise
            return await record.undecided(envelope, error)
        for told in receipt.events:
            if told.type == PersonErased.type:
                # Also when the answer is repeated: the first time may have ended before this.
                await reminders.forget(receipt.stream.removeprefix("person:"))
        return receipt

    return [execute_command]


def record_activities(record: Record, reminders: Reminders) -> list[Callable[..., Any]]:
    """What the record queue serves: short transactions."""

    @activity.defn(name=ANNOUNCE_DUE)
    async def announce_due(stream: str, told: Told | None = None) -> Announced:
        async def announce() -> Announced:
            await record.hold_to(told)
            return await reminders.announce(stream)

        return await reminders.put_off(stream, announce)

    @activity.defn(name=ANNOUNCE_OVERVIEWS)
    async def announce_overviews() -> Announced:
        return await reminders.put_off(PROGRAM, reminders.announce_overviews)

    return [*execute_activities(record, reminders), announce_due, announce_overviews]


def mail_activities(reminders: Reminders) -> list[Callable[..., Any]]:
    """What the mail queue serves: one transaction, or one command for each engagement in a mail.

    It still sends what a release before the queue of conversations had begun to send.
    """

    @activity.defn(name=CLAIM_DIGEST)
    async def claim_digest(digest: DigestRun) -> ClaimedMail:
        mail = mail_id(digest.person, digest.on, digest.kind)
        async with beating():
            return await reminders.resting(mail, lambda: reminders.claim(digest))

    @activity.defn(name=REPORT_MAIL)
    async def report_mail(claimed: ClaimedMail) -> None:
        async with beating():
            await reminders.resting(claimed.mail, lambda: reminders.report(claimed))

    return [claim_digest, report_mail, *smtp_activities(reminders)]


def smtp_activities(reminders: Reminders) -> list[Callable[..., Any]]:
    """What the queue of conversations serves: each may take minutes."""

    @activity.defn(name=SEND_MAIL)
    async def send_mail(claimed: ClaimedMail) -> Handed:
        async with beating():
            return await reminders.resting(claimed.mail, lambda: reminders.send(claimed))

    return [send_mail]
