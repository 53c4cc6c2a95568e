"""What workflows may know of the activities: their names, their inputs and their answers."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.streams import DIGEST

WORKFLOW_QUEUE = "handrail"
RECORD_QUEUE = "handrail-record"
"""Unversioned, like every activity queue: one new worker carries on what an old one began."""
MAIL_QUEUE = "handrail-mail"
"""Apart from the record's, so that claims and reports of mails never take its places."""
SMTP_QUEUE = "handrail-smtp"
"""Conversations with the mail server alone: limited in their rate over all workers together, and a
slow one never delays somebody else's claim or report."""

EXECUTE_COMMAND = "execute_command"
ANNOUNCE_DUE = "announce_due"
ANNOUNCE_OVERVIEWS = "announce_overviews"
CLAIM_DIGEST = "claim_digest"
SEND_MAIL = "send_mail"
REPORT_MAIL = "report_mail"

NOT_TAKEN = "NotTaken"
"""The type of failure of a command that a workflow does not let in; nothing became of it."""
UNDECODABLE = "Undecodable"
"""The type of failure of what was not sealed with the store's key, or is none of our formats."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class DigestRun(_Data):
    """One person's mail of one local day: the digest, or an alarm of its own."""

    person: str
    on: date
    gathering_seconds: int = 60
    kind: str = DIGEST


class Announced(_Data):
    """When the engagement must look again."""

    again_at: datetime | None = None


class Handed(_Data):
    """What became of one attempt to hand a mail over."""

    wait_until: datetime | None = None
    """No mail may go now: the attempt is to be made again then."""
    recorded: bool = False
    """Whether every engagement in the mail knows already what became of it."""


class ClaimedMail(_Data):
    """The mail that a digest became; None when there was nothing to say."""

    mail: UUID | None = None
