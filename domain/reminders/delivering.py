"""What became of a mail: it went, was refused, or came back; then somebody else is told."""

from uuid import UUID

from domain.kernel.messages import Decision, Event, State
from domain.owing.matter import matter_of
from domain.owing.obligations import obligations
from domain.reminders.bounces import Bounces, found_dead
from domain.reminders.notices import (
    AddedRecipients,
    DeliveryOutcome,
    Notice,
    Notices,
    NoticesDelivered,
    RecipientsAdded,
    RecordDelivery,
    RecordReturn,
)
from domain.reminders.planning import has_still_to_hear, told_instead, unreachable
from domain.rules.context import Context
from domain.rules.registry import decides


def _in_mail(
    command: RecordDelivery | RecordReturn, state: State, *outcomes: DeliveryOutcome
) -> list[Notice]:
    """The notices of a person's mail whose delivery ended in one of these ways so far."""
    return [
        n
        for n in state.of(Notices).all.values()
        if (d := n.deliveries.get(command.person))
        and d.mail == command.mail
        and d.outcome in outcomes
    ]


@decides(RecordDelivery)
def record_delivery(command: RecordDelivery, state: State, context: Context) -> Decision:
    notices = _in_mail(command, state, "pending")
    if command.outcome == "bounced":
        return _came_back(command, notices, state, context)
    if not notices:
        return []
    return [
        NoticesDelivered(
            **command.model_dump(exclude={"of", "current", "overview"}),
            notices=tuple(n.ref for n in notices),
        )
    ]


@decides(RecordReturn)
def record_return(command: RecordReturn, state: State, context: Context) -> Decision:
    notices = _in_mail(command, state, "pending", "sent")
    return _came_back(command, notices, state, context)


def _came_back(
    command: RecordDelivery | RecordReturn, notices: list[Notice], state: State, context: Context
) -> list[Event]:
    """The notices bounced; whoever stands in gets what is still owed, and the address is dead."""
    if not notices and not (command.overview and _is_news(command.mail, state)):
        return []
    events: list[Event] = []
    if notices:
        events.append(
            NoticesDelivered(
                **command.model_dump(exclude={"of", "current", "overview", "outcome"}),
                outcome="bounced",
                notices=tuple(n.ref for n in notices),
            )
        )
    if not matter_of(state, context).is_open:
        return events
    person = command.person
    if command.current and unreachable(person, state, context) is None:
        events.append(found_dead(person, command.mail, command.at, command.detail, state, context))
    if added := _told_instead(person, notices, state, context):
        events.append(RecipientsAdded(notices=tuple(added)))
    return events


def _is_news(mail: UUID, state: State) -> bool:
    """Whether the engagement has not heard of a mail yet."""
    carried = {d.mail for n in state.of(Notices).all.values() for d in n.deliveries.values()}
    back = {b.facts.mail for b in state.of(Bounces).all.values() if b.facts}
    return mail not in carried | back


def _told_instead(
    person: str, notices: list[Notice], state: State, context: Context
) -> list[AddedRecipients]:
    """Who else gets which of the notices that somebody did not get.

    Nobody gets one twice, nor one that nobody need be reminded of any more, nor one that a later
    mail to the same person overtook.
    """
    owed = {(o.item, o.round): o for o in obligations(state, context)}
    found = []
    for notice in notices:
        of = owed.get((notice.planned.item, notice.planned.round))
        if of is None or of.settled or of.held or _overtaken(notice, person, state):
            continue
        now = told_instead(person, notice, state, context)
        instead = {p: other for p, other in now.items() if has_still_to_hear(p, notice)}
        if instead:
            found.append(AddedRecipients(**notice.ref.model_dump(), instead_of=instead))
    return found


def _overtaken(notice: Notice, person: str, state: State) -> bool:
    """Whether a later notice of the same item has gone into a mail of the same person."""
    return any(
        n.planned.item == notice.planned.item
        and n.planned.planned_for > notice.planned.planned_for
        and not has_still_to_hear(person, n)
        for n in state.of(Notices).all.values()
    )
