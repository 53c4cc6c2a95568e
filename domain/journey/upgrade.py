"""Upgrading a running engagement to a newer version of its playbook; what is done stays done."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar

from domain.engagement.guards import running
from domain.engagement.state import Engagement
from domain.journey.steps import Standing, Steps, is_behind, journey
from domain.kernel.fields import Line, Option, Ref
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.coming import Coming, coming
from domain.owing.obligations import Obligation, obligations
from domain.policy.differences import Change, StepDifference, differences
from domain.policy.playbook import Playbook
from domain.reminders.notices import NoticeRef, NoticesPlanned, NoticesSuppressed, PlannedNotice
from domain.rules.context import Context
from domain.rules.registry import decides, evolves


class UpgradePlaybook(EngagementCommand):
    """Move a running engagement to a newer version of its playbook; reminders follow."""

    noun = "playbook"
    verb = "upgrade"

    to: Annotated[Line, Option("playbook"), Ref("playbook")]
    """The newer version, for example dta-sir@4."""
    reason: Line
    """Why it is upgraded now."""


class PlaybookUpgraded(Event):
    type: ClassVar[str] = "playbook-upgraded"
    before: str
    to: str
    reason: Sealed
    done: tuple[str, ...] = ()
    """The steps that were done; they stay done, whatever the newer version asks in them."""
    behind: tuple[str, ...] = ()
    """Tight steps that lie behind the engagement's phase; they are not asked for."""

    def sentence(self) -> str:
        return f"Playbook {self.before} was upgraded to {self.to}: {full(self.reason)}"


def _newer(command: UpgradePlaybook, state: State, context: Context) -> Playbook:
    """The version to upgrade to.

    Raises:
        Unknown: It was never published.
        Invalid: It is another playbook.
        AlreadyExists: The engagement follows it already.
        WrongState: It is older.
    """
    now = context.the_playbook
    to = context.other_playbook
    versions = sorted(p for p in context.playbooks if p.startswith(f"{now.id}@"))
    if to is None:
        raise Unknown(
            f"The playbook {command.to!r} is not published; of {now.id} there are "
            f"{', '.join(versions) or 'no versions'}. Publish it: handrail playbook publish FILE"
        )
    if to.id != now.id:
        raise Invalid(
            f"{state.id} follows {now.ref}, and {to.ref} is another playbook: an upgrade goes to "
            f"a newer version of the same one. Name one of {', '.join(versions)}; for another "
            f"playbook, end this engagement and open a new one."
        )
    if to.version == now.version:
        raise AlreadyExists(
            f"{state.id} follows {to.ref} already. See what it says: "
            f"handrail playbook show {to.ref}"
        )
    if to.version < now.version:
        raise WrongState(
            f"{state.id} follows {now.ref}, and there is no way back to {to.ref}: what was asked "
            f"of the LEA since would be unsaid. Publish what you want back as version "
            f"{max(int(v.rpartition('@')[2]) for v in versions) + 1}: "
            f"handrail playbook publish FILE"
        )
    return to


@decides(UpgradePlaybook)
def upgrade_playbook(command: UpgradePlaybook, state: State, context: Context) -> Decision:
    running(state, context)
    if "director" not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not upgrade the playbook of {state.id}: policy is a "
            f"Director's to change. Ask a Director to run this command."
        )
    to = _newer(command, state, context)
    if context.effective_on != context.today:
        raise ImpossibleDate(
            f"{state.id} cannot be upgraded for {context.effective_on}: a version holds from the "
            f"moment of the upgrade on. Leave out --on."
        )
    now = context.the_playbook
    # What lies behind is asked of the newer version, as it sorts its steps into phases.
    behind = [s.id for s in to.steps if s.tight and is_behind(s, state)]
    done = [s.step.id for s in journey(state, now) if s.standing == "done"]
    return [
        PlaybookUpgraded(
            before=now.ref,
            to=to.ref,
            reason=Sealed(about=state.stream, text=command.reason),
            done=tuple(done),
            behind=tuple(step for step in behind if step not in done),
        )
    ]


@evolves(PlaybookUpgraded)
def playbook_upgraded(state: State, event: PlaybookUpgraded, stamp: Stamp) -> State:
    engagement, said = state.of(Engagement), state.of(Steps)
    spared = engagement.spared | {*event.done, *event.behind}
    state = state.put(replace(engagement, playbook=event.to, spared=spared))
    kept = {step: event.before for step in event.done if step not in said.done}
    return state.put(replace(said, kept={**kept, **said.kept}))


@dataclass(frozen=True, slots=True)
class StepAffected:
    """One step that differs, as it touches this engagement."""

    difference: StepDifference
    before: Standing | None
    """Where it stood; None where the engagement had no such step."""
    after: Standing | None
    """Where it stands then; None where the step is gone."""

    def told(self) -> str:
        """In a line for people."""
        if self.after in ("next", "ahead"):
            tight = self.difference.step.tight
            now = "still ahead, and asked for" if tight else "still ahead, the LEA's choice"
        else:
            now = {
                "done": "done, and stays done",
                "waived": "waived, and stays so",
                "dropped": "left out by the LEA, and stays so",
                "behind": "lies behind, and is not asked for",
                None: "what was done in it stays in the history"
                if self.before == "done"
                else "asked for no more",
            }[self.after]
        return f"{self.difference.told()} ({now})"


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing owed whose date or standing the newer version changes."""

    item: str
    title: str
    before: date | None
    after: date | None
    what: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an upgrade would do to one engagement."""

    before: str
    to: str
    steps: tuple[StepAffected, ...]
    changes: tuple[Change, ...]
    owed: tuple[Moved, ...]
    suppressed: tuple[tuple[NoticeRef, str], ...]
    planned: tuple[PlannedNotice, ...]
    coming: tuple[Coming, ...]
    """What time alone will bring under the newer version, and would not under the old one."""
    undone: tuple[str, ...]
    """Steps that would not be done any more: none, ever."""


def preview(
    before: State, after: State, events: Iterable[Event], context: Context, to: Playbook
) -> Preview:
    """What an upgrade that was decided, and not recorded, does.

    Args:
        before: The engagement as it is.
        after: The engagement with the upgrade's events.
        context: With the playbook that it pins now.
        to: The newer version.
    """
    events = list(events)
    now = context.the_playbook
    then = replace(context, playbook=to)
    stood = {s.step.id: s.standing for s in journey(before, now)}
    stands = {s.step.id: s.standing for s in journey(after, to)}
    found = differences(now, to)
    return Preview(
        before=now.ref,
        to=to.ref,
        steps=tuple(
            StepAffected(d, stood.get(d.step.id), stands.get(d.step.id)) for d in found.steps
        ),
        changes=found.changes,
        owed=tuple(_moved(_running(before, context), _running(after, then))),
        suppressed=tuple(
            (notice, event.reason)
            for event in events
            if isinstance(event, NoticesSuppressed)
            for notice in event.notices
        ),
        planned=tuple(
            notice
            for event in events
            if isinstance(event, NoticesPlanned)
            for notice in event.notices
        ),
        coming=tuple(
            fact
            for fact in coming(after, then)
            if fact.event not in [known.event for known in coming(before, context)]
        ),
        undone=tuple(
            step
            for step, standing in stood.items()
            if standing == "done" and step in stands and stands[step] != "done"
        ),
    )


def _running(state: State, context: Context) -> dict[tuple[str, int], Obligation]:
    return {
        (o.item, o.round): o for o in obligations(state, context) if o.settled is None and o.due
    }


def _moved(
    before: dict[tuple[str, int], Obligation], after: dict[tuple[str, int], Obligation]
) -> Iterable[Moved]:
    for key in dict.fromkeys((*before, *after)):
        was, is_ = before.get(key), after.get(key)
        if was and is_ and was.due == is_.due:
            continue
        of = is_ or was
        assert of is not None
        what = "moves" if was and is_ else "is owed from now on" if is_ else "is owed no more"
        yield Moved(of.item, of.title, was.due if was else None, is_.due if is_ else None, what)
