"""The review of an LEA's system: areas, a strength and a need for each, recommended actions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from domain.agreements.agreements import Agreements
from domain.engagement.state import Engagement, moved_to
from domain.kernel.fields import Line, Positional, Prose, Ref
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import counted
from domain.owing.signing import Proposal
from domain.policy.calendar import spoken
from domain.policy.framework import Area
from domain.policy.parts import ReviewRules
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("sir", "The review: evidence, findings, recommended actions, draft and final report.")

ActionStatus = Literal["planned", "under-way", "done"]
AreaId = Annotated[Line, Positional()]


class OpenReview(EngagementCommand):
    """Open the review under a framework version, which it keeps."""

    noun = "sir"
    verb = "open"

    framework: Annotated[Line, Ref("framework")]
    """The framework version, for example sir-12@2019; the newest if no version is named."""


class RecordFinding(EngagementCommand):
    """Record what is strong and what is needed in an area; said again, it replaces."""

    noun = "sir"
    verb = "finding"

    area: AreaId
    """The area, by its id or its number in the framework."""
    strength: Prose | None = None
    """What the LEA does well there; kept encrypted."""
    need: Prose | None = None
    """What is needed most there; kept encrypted."""


class ReviewOpened(Event):
    type: ClassVar[str] = "review-opened"
    framework: str
    areas: tuple[Area, ...]
    on: date

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"Review opened on {spoken(self.on)} under {self.framework}, "
            f"{counted(len(self.areas), 'area')}."
        )


class FindingRecorded(Event):
    type: ClassVar[str] = "finding-recorded"
    area: str
    strength: Sealed | None = None
    need: Sealed | None = None
    after_draft: int = 0
    """The draft that had gone to the LEA by then; 0 for none."""

    def sentence(self) -> str:
        return f"Finding in {self.area}." + "".join(
            f" {name}: {text}"
            for name, text in (("Strength", self.strength), ("Need", self.need))
            if text
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What is strong and what is needed in an area."""

    strength: Sealed | None = None
    need: Sealed | None = None
    after_draft: int = 0
    """The last draft that does not have it as it is now; 0 where every draft has."""


@dataclass(frozen=True, slots=True)
class Action:
    """One recommended action."""

    id: str
    area: str = ""
    title: str = ""
    status: ActionStatus = "planned"
    dropped: str | None = None
    """Why it is recommended no more; None while it is."""
    deliverables: tuple[str, ...] = ()
    """The deliverables that serve it, in the order in which they were linked."""


@dataclass(frozen=True, slots=True)
class Spared:
    """A part of a wave that the LEA need not send, because somebody else holds it."""

    part: str
    hours: Decimal
    held_by: str


@dataclass(frozen=True, slots=True)
class Wave:
    """One request to the LEA for evidence, due once both sides have signed."""

    id: str
    title: str = ""
    hours: Decimal = Decimal(0)
    """What answering it costs the LEA."""
    due: date | None = None
    """The agreed due date; None until both have signed one."""
    round: int = 1
    past: tuple[tuple[date, str], ...] = ()
    """Earlier due dates, each with the reason why it ended."""
    proposal: Proposal | None = None
    """What waits for signatures."""
    proposed_hours: Decimal | None = None
    """The hours of the terms that wait for signatures, where they differ."""
    received_on: date | None = None
    dropped: str | None = None
    """Why it is asked for no more; None while it is."""
    spared: tuple[Spared, ...] = ()

    @property
    def status(self) -> Literal["proposed", "agreed", "received", "dropped"]:
        """Where it stands."""
        if self.dropped is not None:
            return "dropped"
        if self.received_on:
            return "received"
        return "agreed" if self.due else "proposed"


@dataclass(frozen=True, slots=True)
class Gathered:
    """One entry of the evidence log."""

    id: str
    area: str = ""
    method: str = ""
    group: Sealed | None = None
    count: int = 0
    on: date | None = None
    wave: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft sent to the LEA, with the days it has to correct facts."""

    on: date
    due: date
    answered: bool = False
    """The LEA filed a correction."""
    waived: bool = False
    """The LEA needs no more time."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One fact that the LEA says is wrong in the draft."""

    id: str
    on: date
    person: str
    area: str | None = None
    taken: bool | None = None
    """Whether the report was changed; None until it is answered."""
    round: int = 0
    """Of the draft that it corrects."""


@dataclass(frozen=True, slots=True)
class Review:
    """The review of this engagement."""

    framework: str = ""
    areas: Mapping[str, Area] = field(default_factory=dict)
    """By id, in the framework's order, as they were when the review was opened."""
    opened_on: date | None = None
    waves: Mapping[str, Wave] = field(default_factory=dict)
    evidence: Mapping[str, Gathered] = field(default_factory=dict)
    """The log, by id; entries taken back stay."""
    findings: Mapping[str, Finding] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    """By id; those taken back stay, with their reason."""
    chosen: tuple[str, ...] = ()
    drafts: tuple[Draft, ...] = ()
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    finalized_on: date | None = None
    without_evidence: Mapping[str, str] = field(default_factory=dict)
    """Why an area has no evidence, where somebody said it."""
    presented: tuple[date, ...] = ()

    @property
    def standing(self) -> Literal["none", "open", "draft", "final"]:
        """How far the review is."""
        if self.finalized_on:
            return "final"
        if self.drafts:
            return "draft"
        return "open" if self.opened_on else "none"

    def by_method(self, area: str) -> dict[str, int]:
        """How much evidence an area has, by method."""
        counts: dict[str, int] = {}
        for entry in self.evidence.values():
            if entry.area == area and not entry.withdrawn:
                counts[entry.method] = counts.get(entry.method, 0) + entry.count
        return counts

    @property
    def empty_areas(self) -> list[str]:
        """The areas without any evidence, in the framework's order."""
        return [a for a in self.areas if not self.by_method(a)]

    @property
    def unseen_areas(self) -> list[str]:
        """The areas whose finding the LEA never saw as it is.

        It changed after the last draft, and not because a correction of that draft was taken.
        """
        round_ = len(self.drafts)
        asked = {c.area for c in self.corrections.values() if c.taken and c.round == round_}
        if not round_ or None in asked:
            return []
        findings = self.findings
        return [
            a
            for a in self.areas
            if a in findings and findings[a].after_draft == round_ and a not in asked
        ]

    @property
    def recommended(self) -> list[Action]:
        """The actions that stand."""
        return [a for a in self.actions.values() if a.dropped is None]


def rules_of(state: State, context: Context) -> ReviewRules:
    """What the playbook says about reviews.

    Raises:
        WrongState: It has none.
    """
    rules = context.the_playbook.review
    if rules is None:
        raise WrongState(
            f"{state.id} follows {context.the_playbook.ref}, which has no review. See the "
            f"playbooks: handrail playbook list"
        )
    return rules


def reviewing(state: State, context: Context, *, even_final: bool = False) -> Review:
    """The review, provided that it was opened and may still change.

    Args:
        even_final: What is recorded belongs to the time after the final report, too.

    Raises:
        WrongState: It was not opened, or is final.
        ImpossibleDate: What is recorded is dated before the opening of the review.
    """
    engagement = state.of(Engagement)
    review = state.of(Review)
    if review.opened_on is None:
        raise WrongState(
            f"{state.id} is {engagement.phase} and has no review yet. Open it: "
            f"handrail sir open {state.id} --framework FRAMEWORK@VERSION (handrail framework list)"
        )
    if review.finalized_on and not even_final:
        raise WrongState(
            f"{state.id}: the review is final since {spoken(review.finalized_on)}, and its report "
            f"does not change any more. What follows from it is deliverables: "
            f"handrail deliverable propose {state.id} TITLE --due DATE"
        )
    if context.effective_on < review.opened_on:
        raise ImpossibleDate(
            f"{state.id}: the review was opened on {spoken(review.opened_on)}, so nothing in it "
            f"can be dated {spoken(context.effective_on)}. Correct --on."
        )
    return review


def area_named(ref: str, review: Review, state: State) -> Area:
    """An area by id, or by its number in the framework's order.

    Raises:
        Unknown: The framework has no such area.
    """
    wanted = ref.strip().casefold()
    if wanted in review.areas:
        return review.areas[wanted]
    ordered = list(review.areas.values())
    short = wanted.isascii() and wanted.isdecimal() and len(wanted) <= 3
    if short and 1 <= int(wanted) <= len(ordered):
        return ordered[int(wanted) - 1]
    raise Unknown(
        f"{state.id}: {ref!r} is not an area of {review.framework}. "
        f"{did_you_mean(wanted, review.areas)}Name one of its areas: {', '.join(review.areas)}."
    )


@decides(OpenReview)
def open_review(command: OpenReview, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules_of(state, context)
    if engagement.phase in ("recruiting", "agreeing"):
        raise WrongState(
            f"{state.id} is {engagement.phase}: a review comes after the agreement is effective, "
            f"which needs the final action of both boards. See where it stands: "
            f"handrail engagement show {state.id}"
        )
    not_in_the_future(context.effective_on, "The opening of the review", context)
    effective = [a.effective_on for a in state.of(Agreements).all if a.effective_on]
    if effective and context.effective_on < min(effective):
        raise ImpossibleDate(
            f"{state.id}: the review cannot have been opened on {spoken(context.effective_on)}: "
            f"the agreement is effective since {spoken(min(effective))}. Correct --on."
        )
    framework = context.framework
    if framework is None:
        raise Unknown(
            f"The framework {command.framework!r} is not published. "
            f"{did_you_mean(command.framework, context.frameworks)}Published are "
            f"{', '.join(sorted(context.frameworks)) or 'none'}. Publish it: "
            f"handrail framework publish FILE"
        )
    review = state.of(Review)
    begun = review != Review(review.framework, review.areas, review.opened_on)
    if review.opened_on and (begun or review.framework == framework.ref):
        raise AlreadyExists(
            f"{state.id}: the review was opened on {spoken(review.opened_on)} under "
            f"{review.framework}, and keeps it. See it: handrail sir show {state.id}"
        )
    return [
        ReviewOpened(framework=framework.ref, areas=framework.areas, on=context.effective_on),
    ]


@evolves(ReviewOpened)
def review_opened(state: State, event: ReviewOpened, stamp: Stamp) -> State:
    review = replace(
        state.of(Review),
        framework=event.framework,
        areas={a.id: a for a in event.areas},
        opened_on=event.on,
    )
    return moved_to(state.put(review), "reviewing")


@decides(RecordFinding)
def record_finding(command: RecordFinding, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    area = area_named(command.area, review, state)
    not_in_the_future(context.effective_on, "The finding", context)
    if command.strength is None and command.need is None:
        raise Incomplete(
            f"{state.id}: the finding in {area.id} says nothing. Say what is strong, what is "
            f"needed, or both: --strength TEXT --need TEXT"
        )
    return [
        FindingRecorded(
            area=area.id,
            strength=sealed(state, command.strength),
            need=sealed(state, command.need),
            after_draft=sum(d.on <= context.effective_on for d in review.drafts),
        )
    ]


def sealed(state: State, text: str | None) -> Sealed | None:
    """Text of this engagement, under its own key."""
    return None if text is None else Sealed(about=state.stream, text=text)


@evolves(FindingRecorded)
def finding_recorded(state: State, event: FindingRecorded, stamp: Stamp) -> State:
    review = state.of(Review)
    before = review.findings.get(event.area, Finding())
    finding = Finding(
        event.strength or before.strength,
        event.need or before.need,
        max(event.after_draft, before.after_draft),
    )
    return state.put(replace(review, findings={**review.findings, event.area: finding}))
