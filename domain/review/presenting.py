"""The final report, presented to the LEA's board."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.kernel.bounds import Day
from domain.kernel.fields import Option
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.policy.calendar import spoken
from domain.review.review import Review, reviewing
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves


class PresentReview(EngagementCommand):
    """Record that the final report was presented to the LEA's board."""

    noun = "sir"
    verb = "present"

    meeting: Annotated[Day, Option("on")]
    """The day of the board's meeting."""


class ReviewPresented(Event):
    type: ClassVar[str] = "review-presented"
    meeting: date

    def came_true(self) -> date:
        return self.meeting

    def sentence(self) -> str:
        return f"Review presented to the LEA's board on {spoken(self.meeting)}."


@decides(PresentReview)
def present(command: PresentReview, state: State, context: Context) -> Decision:
    review = reviewing(state, context, even_final=True)
    not_in_the_future(command.meeting, "The presentation", context)
    if review.finalized_on is None:
        raise WrongState(
            f"{state.id}: the review is not final, so it cannot have been presented. Make it "
            f"final first: handrail sir finalize {state.id}"
        )
    if command.meeting < review.finalized_on:
        raise ImpossibleDate(
            f"{state.id}: the review cannot have been presented on {spoken(command.meeting)}: it "
            f"is final since {spoken(review.finalized_on)}. Give the day of the meeting."
        )
    if command.meeting in review.presented:
        raise AlreadyExists(
            f"{state.id}: the presentation of {spoken(command.meeting)} is recorded already. See "
            f"it: handrail sir show {state.id}"
        )
    return [ReviewPresented(meeting=command.meeting)]


@evolves(ReviewPresented)
def review_presented(state: State, event: ReviewPresented, stamp: Stamp) -> State:
    review = state.of(Review)
    presented = tuple(sorted({*review.presented, event.meeting}))
    return state.put(replace(review, presented=presented))
