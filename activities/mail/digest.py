"""One digest: everything that one mail says, decided before a word of it is written.

The models hold names and addresses.
Their validation errors therefore name the field and never repeat its value.
"""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from activities.mail.addresses import AddressLine, Line, MailboxLine

MessageId = Annotated[
    str,
    StringConstraints(
        pattern=r"\A<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>\z", max_length=250
    ),
]


class DigestItem(BaseModel):
    """One thing owed, as its recipient is told about it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    stream: Line
    """What it is about: `engagement:alder-creek-usd`, `appropriation:dta-2026`."""
    lea_name: Line
    """The LEA's name; of an appropriation, which one it is."""
    item: Line
    """Id of the obligation within the stream: `D1`, `CI-1`, `D1/review`."""
    title: Line
    """What it is, readable without the id: `Theory of action`, `Review of D1 Theory of action`."""
    round: int = Field(default=1, ge=1)
    """Of the due date: it grows whenever the date moves."""
    due: date
    due_at: datetime | None = None
    """The instant, where it is due at an hour."""
    step: Line
    """Which notice of the plan this is: `t-14`, `due`, `+5`. For the record; it is not shown."""
    owed_by: Literal["you", "other"] = "you"
    owner_name: Line | None = None
    """Who owes it, shown when that is not the recipient."""
    action: Line
    """The one thing to do, one sentence."""
    command: Line | None = None
    """What staff type to do it; never shown to an LEA, whose people have no command line."""
    illustrative: bool = False
    """The date or the deliverable was made up for a demonstration."""


class TakenBack(BaseModel):
    """A date that an earlier mail announced and that nobody has to keep any more."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    stream: Line
    lea_name: Line
    item: Line
    title: Line
    round: int = Field(ge=1)
    due: date
    due_at: datetime | None = None
    why: Line
    """Why nothing is owed any more: `submitted`, `withdrawn`."""


class OverviewLine(BaseModel):
    """One thing that an overview points at."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    lea_name: Line
    text: Line
    command: Line | None = None
    """What staff type to look at it or to deal with it."""
    illustrative: bool = False
    """It speaks of an engagement that was made up for a demonstration."""


class Overview(BaseModel):
    """One section of a weekly or monthly overview: `Overdue`, `Quiet engagements`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    title: Line
    late: bool = False
    """What it lists is late or in danger: its heading has the colour of what is overdue."""
    lines: tuple[OverviewLine, ...] = Field(min_length=1)
    more: int = Field(default=0, ge=0)
    """How many lines were left out, so that a mail stays readable."""


class Digest(BaseModel):
    """One mail to one person on one local date."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mail_id: UUID
    person: Line
    """Opaque id of the recipient; not shown."""
    name: Line
    """The recipient's name as they write it."""
    address: AddressLine
    side: Literal["staff", "lea"]
    local_date: date
    """Today, in `zone`: every "in 3 days" counts from here."""
    zone: str
    program: Line
    agency: Line
    sender: MailboxLine
    """`Name <address>` the mail comes from."""
    message_id: MessageId
    """With its angle brackets; the same at every attempt to send this mail."""
    answers: tuple[MessageId, ...] = ()
    """The mails in whose thread it stands, that its reader got; the latest last."""
    reply_to: MailboxLine | None = None
    """Who answers a reply; without it the mail says to ask the usual contact."""
    illustrative: bool = False
    """Everything in this mail is made up for a demonstration."""
    sandbox: bool = False
    """The store was created for practice."""
    items: tuple[DigestItem, ...] = ()
    """What is due, each with the one thing to do."""
    taken_back: tuple[TakenBack, ...] = ()
    """Dates that fell away since they were announced."""
    overviews: tuple[Overview, ...] = ()
    """The sections of the week or the month, for staff."""
    overview_title: Line = "Your week"
    alarm_at: datetime | None = None
    """From when an alarm counts to the hours that it tells of; None for the mail of a day."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.items and not self.overviews:
            raise ValueError("a digest without an item and without an overview has nothing to say")
        if self.alarm_at is not None and not (self.items and all(i.due_at for i in self.items)):
            raise ValueError("an alarm speaks of nothing but what is due at an hour")
        return self

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, OSError) as error:
            # Not a ValueError by itself: KeyError for an unknown zone, OSError for a directory.
            raise ValueError(
                f"{zone!r} is not a known time zone; write it as America/Los_Angeles"
            ) from error
        return zone

    def days_left(self, item: DigestItem) -> int:
        """Calendar days from today until the item is due; negative when that day is over."""
        return (item.due - self.local_date).days

    def in_order(self) -> Self:
        """The same digest with what is due first standing first."""
        items = sorted(self.items, key=lambda item: (item.due, item.lea_name, item.item))
        return self.model_copy(update={"items": tuple(items)})
