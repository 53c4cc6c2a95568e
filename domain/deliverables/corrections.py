"""Course corrections: what was learned from failure, what changes, and what shows it."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from domain.deliverables.coauthoring import SIDES
from domain.deliverables.proposing import DeliverableCommand
from domain.deliverables.terms import deliverable_named
from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.fields import Line, Option, PersonRef, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.obligations import Side
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

about_noun("course", "Record changes of course with what was learned, and see them.")


class CorrectCourse(EngagementCommand):
    """Record a change of course that is about no single deliverable."""

    noun = "course"
    verb = "correct"
    happened = "The change of course"

    because: Annotated[Prose, Option("learned")]
    """What was learned, for example "30 were invited and 8 enrolled"; kept encrypted."""
    change: Prose
    """What is done differently from now on; kept encrypted."""
    evidence: Line
    """What shows it: a document, a measure such as M2, or a cycle such as C1."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA changed course, if it came from there."""


class CorrectCourseOfDeliverable(DeliverableCommand):
    """Record a change of course to which a deliverable led: what was learned, what changes."""

    noun = "deliverable"
    verb = "correct-course"
    happened = "The change of course"

    because: Annotated[Prose, Option("learned")]
    """What was learned; kept encrypted."""
    change: Prose
    """What is done differently from now on; kept encrypted."""
    evidence: Line
    """What shows it: a document, a measure such as M2, or a cycle such as C1."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA changed course, if it came from there."""


class CourseCorrected(Event):
    type: ClassVar[str] = "course-corrected"
    correction: str
    deliverable: str | None = None
    because: Sealed
    change: Sealed
    evidence: Sealed
    side: Side
    person: str

    def sentence(self) -> str:
        about = f" after {self.deliverable}" if self.deliverable else ""
        return (
            f"Course correction {self.correction}{about}, from {SIDES[self.side]} "
            f"({self.person}). Learned: {full(self.because)} Now: {full(self.change)} Evidence: "
            f"{full(self.evidence)}"
        )


@dataclass(frozen=True, slots=True)
class Courses:
    """Every course correction, in the order in which they were recorded."""

    all: tuple[tuple[CourseCorrected, Stamp], ...] = ()

    def of(self, deliverable: str) -> list[tuple[CourseCorrected, Stamp]]:
        """Those to which one deliverable led."""
        return [entry for entry in self.all if entry[0].deliverable == deliverable]


def _correct(
    command: CorrectCourse | CorrectCourseOfDeliverable,
    deliverable: str | None,
    state: State,
    context: Context,
) -> Decision:
    engagement = state.of(Engagement)
    about = deliverable_named(deliverable, state).id if deliverable else None
    person = of_the_lea(command.person, engagement, context) if command.person else None
    for known, _ in state.of(Courses).all:
        same = (str(known.because), str(known.change)) == (command.because, command.change)
        if same and known.deliverable == about:
            raise AlreadyExists(
                f"{state.id}: {known.correction} says the same already. Nothing more is needed; "
                f"see them all: handrail course list {state.id}"
            )
    who = person or context.actor
    return [
        CourseCorrected(
            correction=next_name(
                state, "CC", (known.correction for known, _ in state.of(Courses).all)
            ),
            deliverable=about,
            because=Sealed(about=state.stream, text=command.because),
            change=Sealed(about=state.stream, text=command.change),
            evidence=Sealed(about=state.stream, text=command.evidence),
            side="lea" if person else "agency",
            person=who.id,
        )
    ]


@decides(CorrectCourse)
def correct_course(command: CorrectCourse, state: State, context: Context) -> Decision:
    return _correct(command, None, state, context)


@decides(CorrectCourseOfDeliverable)
def correct_course_of(
    command: CorrectCourseOfDeliverable, state: State, context: Context
) -> Decision:
    return _correct(command, command.deliverable, state, context)


@evolves(CourseCorrected)
def course_corrected(state: State, event: CourseCorrected, stamp: Stamp) -> State:
    courses = state.of(Courses)
    return state.put(replace(courses, all=(*courses.all, (event, stamp))))
