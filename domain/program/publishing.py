"""Policy: the versions of playbooks and calendars, published by a Director."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID

from domain.kernel.fields import Option, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, Unknown, did_you_mean
from domain.policy.authority import ASPECTS
from domain.policy.calendar import CalendarPack
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.policy.trial import try_calendar, try_playbook
from domain.rules.context import Context
from domain.rules.registry import COMMANDS, decides, evolves

about_noun("calendar", "Publish the agency's working days.")
about_noun("playbook", "Publish playbooks, compare their versions, and upgrade what runs on them.")

Document = Playbook | CalendarPack | Framework


class PublishPlaybook(Command):
    """Publish a playbook version. Running engagements keep the version they began with."""

    aggregate = "playbook"
    noun = "playbook"
    verb = "publish"

    content: Annotated[Playbook, Positional(), Option("file")]
    """The playbook, as a YAML file."""

    def stream(self, command_id: UUID) -> str:
        return f"playbook:{self.content.id}"


class PublishCalendar(Command):
    """Publish a calendar version: reminders move to where the new calendar puts them."""

    aggregate = "calendar"
    noun = "calendar"
    verb = "publish"
    looks_at = frozenset({"recesses"})

    content: Annotated[CalendarPack, Positional(), Option("file")]
    """The calendar, as a YAML file."""

    def stream(self, command_id: UUID) -> str:
        return f"calendar:{self.content.id}"


class PlaybookPublished(Event):
    type: ClassVar[str] = "playbook-published"
    playbook: Playbook

    def sentence(self) -> str:
        return f"Playbook {self.playbook.ref} was published: {self.playbook.title}."


class CalendarPublished(Event):
    type: ClassVar[str] = "calendar-published"
    pack: CalendarPack

    def sentence(self) -> str:
        return f"Calendar {self.pack.id}@{self.pack.version} was published: {self.pack.title}."


@dataclass(frozen=True, slots=True)
class Published:
    """The versions of a playbook or calendar, oldest first."""

    versions: tuple[Playbook | CalendarPack, ...] = ()


def may_publish(
    what: str,
    content: Document,
    versions: Sequence[Document],
    context: Context,
    *,
    next_version: str = "version {0}",
) -> None:
    """Hold what is published to its author and to the order of versions.

    Args:
        versions: Those published before, oldest first.
        next_version: The way out, from the number that comes next and the last.

    Raises:
        AlreadyExists: Its version is not above the last.
    """
    if versions and content.version <= (last := versions[-1].version):
        raise AlreadyExists(
            f"The {what} {content.id} has version {last} already, so version {content.version} "
            f"cannot be published: a version never changes. Give the file "
            f"{next_version.format(last + 1, last)}."
        )


@decides(PublishPlaybook)
def publish_playbook(command: PublishPlaybook, state: State, context: Context) -> Decision:
    may_publish("playbook", command.content, state.of(Published).versions, context)
    for step in command.content.steps:
        for kind in step.before:
            if kind not in COMMANDS:
                raise Unknown(
                    f"The step {step.id!r} stands before {kind!r}, and there is no such command. "
                    f"{did_you_mean(kind, COMMANDS)}Correct the file."
                )
    if rules := command.content.authority:
        acts = {*COMMANDS, *ASPECTS}
        nouns = {kind.noun for kind in COMMANDS.values()}
        for act, known in (
            *((act, acts) for act in rules.acts),
            *((act, acts | nouns) for act in rules.corrections.binding),
        ):
            if act not in known:
                raise Unknown(
                    f"The playbook says who may {act!r}, and there is no such act. "
                    f"{did_you_mean(act, known)}Correct the file."
                )
    try_playbook(command.content, context.the_program.calendar, context.zone, context.today)
    return [PlaybookPublished(playbook=command.content)]


@evolves(PlaybookPublished)
def playbook_published(state: State, event: PlaybookPublished, stamp: Stamp) -> State:
    return state.put(Published((*state.of(Published).versions, event.playbook)))


@decides(PublishCalendar)
def publish_calendar(command: PublishCalendar, state: State, context: Context) -> Decision:
    may_publish("calendar", command.content, state.of(Published).versions, context)
    try_calendar(
        command.content,
        context.today,
        {lea.id: lea.recess for lea in context.leas.values()},
    )
    return [CalendarPublished(pack=command.content)]


@evolves(CalendarPublished)
def calendar_published(state: State, event: CalendarPublished, stamp: Stamp) -> State:
    return state.put(Published((*state.of(Published).versions, event.pack)))
