"""The review's report: a draft that the LEA checks for facts, then final."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement, moved_to
from domain.kernel.fields import Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Incomplete, Unknown, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import counted, full
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import spoken
from domain.review.review import (
    Correction,
    Draft,
    Finding,
    Review,
    area_named,
    reviewing,
    rules_of,
)
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

ITEM = "SIR/factual-review"
Answer = Literal["taken", "not-taken"]


def _drafted(state: State, context: Context, what: str) -> tuple[Review, Draft]:
    """The review with its latest draft, which what is recorded comes after."""
    review = reviewing(state, context)
    not_in_the_future(context.effective_on, what, context)
    if not review.drafts:
        raise WrongState(
            f"{state.id}: no draft went to the LEA yet. Record it first: "
            f"handrail sir draft {state.id}"
        )
    draft = review.drafts[-1]
    if context.effective_on < draft.on:
        raise ImpossibleDate(
            f"{state.id}: {what[0].lower()}{what[1:]} cannot be dated "
            f"{spoken(context.effective_on)}: the draft was sent on {spoken(draft.on)}. Give the "
            f"day on which it happened: --on DATE"
        )
    return review, draft


class SendDraft(EngagementCommand):
    """Record that the draft report went to the LEA; its days to correct facts begin."""

    noun = "sir"
    verb = "draft"


class DraftSent(Event):
    type: ClassVar[str] = "draft-sent"
    round: int
    on: date
    due: date
    working_days: int

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        again = f", draft {self.round}" if self.round > 1 else ""
        return (
            f"Draft of the review sent on {spoken(self.on)}{again}; the LEA has "
            f"{counted(self.working_days, 'working day')} to correct facts, until "
            f"{spoken(self.due)}."
        )


@decides(SendDraft)
def send_draft(command: SendDraft, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    rules = rules_of(state, context)
    on = context.effective_on
    not_in_the_future(on, "The draft", context)
    if not review.findings:
        raise WrongState(
            f"{state.id}: a draft without any finding has nothing to check. Record what is strong "
            f"and what is needed: handrail sir finding {state.id} AREA --strength TEXT --need TEXT"
        )
    if review.drafts and on <= review.drafts[-1].on:
        raise AlreadyExists(
            f"{state.id}: a draft was sent on {spoken(review.drafts[-1].on)} already, and the "
            f"LEA has until {spoken(review.drafts[-1].due)}. Give a later day for a new one: "
            f"--on DATE"
        )
    days = context.lea_days(state.of(Engagement).lea)
    return [
        DraftSent(
            round=len(review.drafts) + 1,
            on=on,
            due=days.add(on, rules.factual_review_working_days),
            working_days=rules.factual_review_working_days,
        )
    ]


@evolves(DraftSent)
def draft_sent(state: State, event: DraftSent, stamp: Stamp) -> State:
    return _with_draft(state, event.round, on=event.on, due=event.due)


def _with_draft(state: State, round_: int, **changes: date | bool) -> State:
    """The state with one draft changed.

    Facts folded by effective date may answer a draft before it: blank ones stand for those.
    """
    review = state.of(Review)
    drafts = list(review.drafts)
    drafts += [Draft(date.min, date.min)] * (round_ - len(drafts))
    drafts[round_ - 1] = replace(drafts[round_ - 1], **changes)  # type: ignore[arg-type]
    return state.put(replace(review, drafts=tuple(drafts)))


class FileCorrection(EngagementCommand):
    """File a fact that the LEA says is wrong in the draft."""

    noun = "sir"
    verb = "correct"

    area: Line | None = None
    """The area it is about, by its id or number, if it is about one."""
    text: Prose
    """What is wrong, and what is right; kept encrypted."""
    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA says so."""
    evidence: Line
    """Where that is written down."""


class CorrectionFiled(Event):
    type: ClassVar[str] = "correction-filed"
    correction: str
    round: int
    on: date
    area: str | None = None
    text: Sealed
    person: str
    evidence: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.correction} filed by {self.person} on {spoken(self.on)}"
            + (f" about {self.area}" if self.area else "")
            + f" ({self.evidence}): {self.text}"
        )


@decides(FileCorrection)
def file_correction(command: FileCorrection, state: State, context: Context) -> Decision:
    review, _ = _drafted(state, context, "The correction")
    person = of_the_lea(command.person, state.of(Engagement), context)
    area = area_named(command.area, review, state) if command.area else None
    return [
        CorrectionFiled(
            correction=next_name(state, "FC", review.corrections),
            round=len(review.drafts),
            on=context.effective_on,
            area=area.id if area else None,
            text=Sealed(about=state.stream, text=command.text),
            person=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        )
    ]


@evolves(CorrectionFiled)
def correction_filed(state: State, event: CorrectionFiled, stamp: Stamp) -> State:
    state = _with_draft(state, event.round, answered=True)
    known = state.of(Review).corrections.get(event.correction)
    return _keep(
        state,
        Correction(
            event.correction,
            event.on,
            event.person,
            event.area,
            known.taken if known else None,
            event.round,
        ),
    )


def _keep(state: State, correction: Correction) -> State:
    review = state.of(Review)
    return state.put(replace(review, corrections={**review.corrections, correction.id: correction}))


class AnswerCorrection(EngagementCommand):
    """Say whether the report was changed after a correction."""

    noun = "sir"
    verb = "answer"

    correction: Annotated[Line, Positional()]
    """The correction's id, for example FC1."""
    answer: Annotated[Answer, Positional()]
    """taken or not-taken."""
    note: Prose
    """What was changed, or why not, in words the LEA can read."""


class CorrectionAnswered(Event):
    type: ClassVar[str] = "correction-answered"
    correction: str
    taken: bool
    note: Sealed

    def sentence(self) -> str:
        return f"{self.correction} was {'' if self.taken else 'not '}taken: {self.note}"


@decides(AnswerCorrection)
def answer_correction(command: AnswerCorrection, state: State, context: Context) -> Decision:
    review, _ = _drafted(state, context, "The answer")
    found = review.corrections.get(command.correction.upper())
    if found is None:
        raise Unknown(
            f"{state.id} has no correction {command.correction!r}. Name one that was filed: "
            f"{', '.join(review.corrections) or 'there is none'}."
        )
    taken = command.answer == "taken"
    if found.taken is taken:
        raise AlreadyExists(
            f"{state.id}: {found.id} was answered so already. See it: handrail sir show {state.id}"
        )
    note = Sealed(about=state.stream, text=command.note)
    return [CorrectionAnswered(correction=found.id, taken=taken, note=note)]


@evolves(CorrectionAnswered)
def correction_answered(state: State, event: CorrectionAnswered, stamp: Stamp) -> State:
    blank = Correction(event.correction, date.min, "")
    found = state.of(Review).corrections.get(event.correction, blank)
    return _keep(state, replace(found, taken=event.taken))


class WaiveWindow(EngagementCommand):
    """Record that the LEA needs no more time with the draft."""

    noun = "sir"
    verb = "waive"

    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA said so."""
    evidence: Line
    """Where that is written down."""


class WindowWaived(Event):
    type: ClassVar[str] = "window-waived"
    round: int
    on: date
    person: str
    evidence: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.person} needs no more time with the draft, {spoken(self.on)} ({self.evidence})."
        )


@decides(WaiveWindow)
def waive_window(command: WaiveWindow, state: State, context: Context) -> Decision:
    review, draft = _drafted(state, context, "The waiver")
    person = of_the_lea(command.person, state.of(Engagement), context)
    if draft.waived:
        raise AlreadyExists(
            f"{state.id}: the LEA needs no more time with the draft, and said so already. Make "
            f"the report final: handrail sir finalize {state.id}"
        )
    return [
        WindowWaived(
            round=len(review.drafts),
            on=context.effective_on,
            person=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        )
    ]


@evolves(WindowWaived)
def window_waived(state: State, event: WindowWaived, stamp: Stamp) -> State:
    return _with_draft(state, event.round, waived=True)


class FinalizeReview(EngagementCommand):
    """Make the report final: every area with its strength and its need."""

    noun = "sir"
    verb = "finalize"

    without_evidence: Mapping[str, str] = {}
    """Why an area has no evidence, as AREA=REASON, once for each empty area."""


class ReviewFinalized(Event):
    type: ClassVar[str] = "review-finalized"
    on: date
    areas: int
    actions: int
    chosen: tuple[str, ...] = ()
    without_evidence: Mapping[str, Sealed] = {}

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"Review final on {spoken(self.on)}: {counted(self.areas, 'area')}, "
            f"{counted(self.actions, 'recommended action')}, {len(self.chosen)} chosen."
            + "".join(
                f" No evidence for {area}: {full(why)}"
                for area, why in self.without_evidence.items()
            )
        )


@decides(FinalizeReview)
def finalize(command: FinalizeReview, state: State, context: Context) -> Decision:
    review, draft = _drafted(state, context, "The final report")
    on = context.effective_on
    why = {
        area_named(area, review, state).id: reason.strip()
        for area, reason in command.without_evidence.items()
    }
    if on <= draft.due and not draft.waived:
        raise WrongState(
            f"{state.id}: the LEA may correct facts in the draft until {spoken(draft.due)}, so it "
            f"cannot be final on {spoken(on)}. Wait until then, or record that the LEA needs no "
            f"more time: handrail sir waive {state.id} --for PERSON --evidence REFERENCE"
        )
    problems = _blank(review, state) + _unseen(review, draft, state)
    problems += _unexplained(review, why, state)
    if problems:
        raise Incomplete(f"{state.id}: the report cannot be final yet. {' '.join(problems)}")
    empty = review.empty_areas
    return [
        ReviewFinalized(
            on=on,
            areas=len(review.areas),
            actions=len(review.recommended),
            chosen=review.chosen,
            without_evidence={
                a: Sealed(about=state.stream, text=reason)
                for a, reason in why.items()
                if a in empty
            },
        )
    ]


def _blank(review: Review, state: State) -> list[str]:
    """What findings and corrections still lack, a sentence each with its way out."""
    problems = []
    for name in ("strength", "need"):
        lacking = [
            a for a in review.areas if getattr(review.findings.get(a, Finding()), name) is None
        ]
        if lacking:
            problems.append(
                f"Without a {name}: {', '.join(lacking)} "
                f"(handrail sir finding {state.id} {lacking[0]} --{name} TEXT)."
            )
    unanswered = [c.id for c in review.corrections.values() if c.taken is None]
    if unanswered:
        problems.append(
            f"Not answered: {', '.join(unanswered)} "
            f"(handrail sir answer {state.id} {unanswered[0]} taken --note TEXT)."
        )
    return problems


def _unseen(review: Review, draft: Draft, state: State) -> list[str]:
    """Which findings changed after the draft without the LEA having asked for it."""
    unseen = review.unseen_areas
    if not unseen:
        return []
    problem = (
        f"Changed after the draft of {spoken(draft.on)}, so that the LEA never saw it: "
        f"{', '.join(unseen)} (send the draft again: handrail sir draft {state.id})."
    )
    return [problem]


def _unexplained(review: Review, why: Mapping[str, str], state: State) -> list[str]:
    """Which areas have no evidence and no reason for it, and which reasons are out of place."""
    problems = []
    empty = review.empty_areas
    unsaid = [a for a in empty if not why.get(a)]
    if unsaid:
        problems.append(
            f"Without evidence: {', '.join(unsaid)} (handrail evidence log {state.id} {unsaid[0]}, "
            f"or say why: --without-evidence {unsaid[0]}=REASON)."
        )
    full = [a for a in why if a not in empty]
    if full:
        problems.append(
            f"There is evidence for {', '.join(full)}: leave --without-evidence out for "
            f"{'it' if len(full) == 1 else 'them'}."
        )
    return problems


@evolves(ReviewFinalized)
def review_finalized(state: State, event: ReviewFinalized, stamp: Stamp) -> State:
    why = {area: str(reason) for area, reason in event.without_evidence.items()}
    review = replace(state.of(Review), finalized_on=event.on, without_evidence=why)
    return moved_to(state.put(review), "partnering")


@owes
def factual_review_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes a check of the facts in the draft, until it answers or needs no more time."""
    review = state.of(Review)
    rules = context.the_playbook.review
    for number, draft in enumerate(review.drafts, start=1):
        settled = None
        if draft.answered:
            settled = "corrections filed"
        elif draft.waived:
            settled = "no more time needed"
        elif number < len(review.drafts):
            settled = "a new draft was sent"
        elif review.finalized_on:
            settled = "final"
        yield Obligation(
            ITEM,
            "Check of the facts in the review's draft",
            number,
            draft.due,
            "lea_contact",
            "lea",
            "Say which facts are wrong, or that none is.",
            f"handrail sir correct {state.id} --for PERSON --evidence REFERENCE --text TEXT",
            rules.factual_review_policy if rules else None,
            settled,
        )
