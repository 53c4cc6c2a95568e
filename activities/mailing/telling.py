"""From what was claimed to what a mail says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from activities.mail.digest import Digest, DigestItem, Overview, OverviewLine, TakenBack
from activities.mailing.overviews import Overseen
from activities.names import DigestRun
from activities.naming import with_names
from activities.writing import Outcome
from domain.owing.matter import matter_of
from domain.owing.obligations import obligations
from domain.reminders.notices import Notices, NoticesClaimed, PlannedNotice
from domain.rules.context import PersonEntry, ProgramEntry

_BY_MISTAKE = "it was entered by mistake, and nothing is owed"
_ASK_THEM = "Ask whether help is needed, or agree on a new date."
"""What whoever does not owe it does about it, where the obligation says nothing else."""


def message_id(mail: UUID, sender: str) -> str:
    """The Message-ID of a mail, the same at every attempt to send it."""
    return f"<{mail}@{sender.rpartition('@')[2]}>"


@dataclass
class Found:
    """Everything that one mail has to say, gathered stream by stream."""

    items: list[DigestItem] = field(default_factory=list)
    taken_back: list[TakenBack] = field(default_factory=list)
    leads: list[str] = field(default_factory=list)
    """The Leads of what has something due, in the same order."""
    streams: dict[str, None] = field(default_factory=dict)
    """Those that must learn what became of the mail."""
    people: dict[str, PersonEntry] = field(default_factory=dict)
    """Whoever it may name."""
    left_out: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Streams that could not be looked at: what each is called, and whether it is illustrative."""

    def add(self, outcome: Outcome, mail: UUID, person: str) -> None:
        """Take over what a person's mail claimed on one stream."""
        items, gone = _items(outcome, mail, person), _taken_back(outcome)
        leads = matter_of(outcome.state, outcome.context).holding("lead")
        self.people |= outcome.context.people
        if items:
            self.leads += leads
            self.streams[outcome.state.stream] = None
        self.items += items
        self.taken_back += gone


def said_in(outcome: Outcome, mail: UUID, person: str) -> list[PlannedNotice]:
    """The notices of one stream that a mail speaks of: all that it claimed and did not drop."""
    return [
        notice.planned
        for notice in outcome.state.of(Notices).all.values()
        if (delivery := notice.deliveries.get(person))
        and delivery.mail == mail
        and delivery.outcome == "pending"
    ]


def claimed_by(outcome: Outcome, mail: UUID) -> bool:
    """Whether a mail takes something on a stream with it, and so answers for what was recorded."""
    return any(claimed.mail == mail for claimed in _claims(outcome))


def _claims(outcome: Outcome) -> Iterable[NoticesClaimed]:
    return (r.event for r in outcome.news if isinstance(r.event, NoticesClaimed))


def _taken_back(outcome: Outcome) -> list[TakenBack]:
    owed = {(o.item, o.round): o for o in obligations(outcome.state, outcome.context)}
    matter = matter_of(outcome.state, outcome.context)
    found = []
    for event in _claims(outcome):
        for gone in event.taken_back:
            of = owed.get((gone.item, gone.round))
            if of is None:
                assert gone.due is not None
                found.append(
                    TakenBack(
                        stream=outcome.state.stream,
                        lea_name=matter.title,
                        item=gone.item,
                        title=gone.item,
                        round=gone.round,
                        due=gone.due,
                        why=_BY_MISTAKE,
                    )
                )
                continue
            assert of.due is not None
            found.append(
                TakenBack(
                    stream=outcome.state.stream,
                    lea_name=matter.title,
                    item=of.item,
                    title=with_names(of.title, outcome.context.people),
                    round=of.round,
                    due=of.due,
                    due_at=of.due_at,
                    why=gone.why,
                )
            )
    return found


def _items(outcome: Outcome, mail: UUID, person: str) -> list[DigestItem]:
    """The claimed notices of one stream, as their recipient is told about them.

    An item is told once, whatever steps of it the week has.
    """
    matter, stream = matter_of(outcome.state, outcome.context), outcome.state.stream
    owed = {(o.item, o.round): o for o in obligations(outcome.state, outcome.context)}
    items = []
    said = sorted(said_in(outcome, mail, person), key=lambda notice: notice.planned_for)
    last = {notice.item: notice.n for notice in said}
    for notice in (n for n in said_in(outcome, mail, person) if last[n.item] == n.n):
        of = owed[notice.item, notice.round]
        owners = matter.holding(of.owner)
        mine = person in owners
        holder = outcome.context.people.get(owners[0]) if owners else None
        assert of.due is not None
        action = of.ask if mine else of.others or _ASK_THEM
        directory = outcome.context.people
        delivery = outcome.state.of(Notices).all[notice.n].deliveries[person]
        if missed := directory.get(delivery.instead_of or ""):
            action = f"Mail does not reach {missed.name}, so this comes to you. {action}"
        show = f"handrail engagement show {outcome.state.id}"
        items.append(
            DigestItem(
                stream=stream,
                lea_name=matter.title,
                item=of.item,
                title=with_names(of.title, directory),
                round=of.round,
                due=of.due,
                due_at=of.due_at,
                step=notice.step,
                owed_by="you" if mine else "other",
                owner_name=None if mine else (holder.name if holder else None),
                action=action,
                command=with_names(of.command if mine or of.others else show, directory),
                illustrative=matter.illustrative,
            )
        )
    return items


def digest_of(
    digest: DigestRun,
    mail: UUID,
    directory: Mapping[str, PersonEntry],
    settings: ProgramEntry,
    found: Found,
    overseen: Sequence[Overseen],
    *,
    on: date,
    sandbox: bool,
    alarm_at: datetime | None = None,
    answers: tuple[str, ...] = (),
) -> Digest:
    """What the mail says, with names and addresses in place of ids.

    Args:
        alarm_at: The moment of an alarm; None for the mail of a day.
        answers: The Message-IDs of the mails in whose thread it stands.
    """
    recipient = directory[digest.person]
    lead = directory.get(found.leads[0]) if found.leads else None
    assert recipient.email is not None
    answers_to = lead if lead and lead.id != recipient.id and not recipient.is_staff else None
    sections = tuple(section for overview in overseen for section in overview.sections)
    if recipient.is_staff and found.left_out:
        sections = (*sections, _left_out(found.left_out))
    marks = [item.illustrative for item in found.items]
    marks += [line.illustrative for section in sections for line in section.lines]
    return Digest(
        mail_id=mail,
        person=recipient.id,
        name=recipient.name,
        address=recipient.email,
        side="staff" if recipient.is_staff else "lea",
        local_date=on,
        zone=settings.zone,
        program=settings.name,
        agency=settings.agency,
        sender=settings.sender,
        message_id=message_id(mail, settings.sender),
        answers=answers,
        reply_to=answers_to.email if answers_to else None,
        illustrative=all(marks),
        sandbox=sandbox,
        items=tuple(found.items),
        taken_back=tuple(found.taken_back),
        overviews=sections,
        alarm_at=alarm_at if found.items and all(i.due_at for i in found.items) else None,
        overview_title=" and ".join(overview.rules.title for overview in overseen) or "Overview",
    )


def _left_out(streams: Mapping[str, tuple[str, bool]]) -> Overview:
    """What a mail could not look at, for staff to know that it is not all."""
    return Overview(
        title="Could not be looked at",
        late=True,
        lines=tuple(
            OverviewLine(
                lea_name=name,
                text="cannot be read for now: nothing is lost, and its reminders wait until it can",
                command="handrail doctor",
                illustrative=illustrative,
            )
            for name, illustrative in streams.values()
        ),
    )
