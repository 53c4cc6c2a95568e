"""What every host workflow does: take commands in turn, wait for one moment, renew itself."""

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel, ConfigDict

    from activities.names import EXECUTE_COMMAND, NOT_TAKEN, RECORD_QUEUE, UNDECODABLE, Announced
    from domain.envelope import Envelope, Facets, Receipt, Told
    from domain.streams import epoch_of, in_epoch
    from workflows.attributes import COUNTY, LEA_TYPE, LEAD, NEXT_DUE, PHASE, PROGRAM

RENEW_AFTER_COMMANDS = 100
"""A cold replay goes through every command of the run again, some milliseconds each; a hundred
keep it well under a second."""

RECORD_TIMEOUT = timedelta(seconds=60)
"""One transaction: a minute is far more than it takes, and short enough to notice a dead worker."""

AT_ONCE = timedelta(seconds=2)
"""How long a command may take beside the workflow: within what whoever gave it waits, and far
within the ten seconds after which Temporal takes the workflow's step for lost."""

ONCE = RetryPolicy(maximum_attempts=1)

KEEP_TRYING = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
"""A database that is away comes back; nothing accepted is given up."""

NOT_BEFORE = timedelta(minutes=1)
"""After an announcement nothing is looked at again sooner: the clock of a worker may be behind
Temporal's, and a moment that is still to come there has passed here."""

FIRST_COMMAND_TIMEOUT = timedelta(minutes=1)
"""A run that was started for a command which never came ends by itself."""

T = TypeVar("T", bound=BaseModel)


def beside(queue: str) -> str:
    """A queue of the epoch that this workflow is of, which its own queue names."""
    return in_epoch(queue, epoch_of(workflow.info().task_queue))


def started_with_nothing() -> ApplicationError:
    """What ends a run that nobody told what it is for, instead of its keeping the id for ever."""
    return ApplicationError("started with nothing", type=UNDECODABLE, non_retryable=True)


class HostRun(BaseModel):
    """What a run hands to the next: ids and deadlines, all of which the store can give back.

    A public format: fields are added with defaults, never renamed.
    """

    model_config = ConfigDict(frozen=True)

    stream: str
    program: str = "handrail"
    is_open: bool = False
    next_wake: datetime | None = None
    facets: Facets = Facets()
    told: Told | None = None
    """The last event that an answer here named: a store that lacks it was put back to before."""
    renew_after: int = RENEW_AFTER_COMMANDS
    """How many commands a run takes before it is renewed."""


class Host:
    """One stream's workflow: commands one at a time, one timer, and continue-as-new.

    A workflow of its own class says how long it lives (`run`, which Temporal asks each class for),
    what its moment means (`woken`) and, where it is not its stream's alone, what it `takes`.
    """

    @workflow.init
    def __init__(self, start: HostRun | None = None) -> None:
        self.carried = start or HostRun(stream="")
        self._lock = asyncio.Lock()
        self._answered = 0
        self._shown: Facets | None = None

    @workflow.query(name="told")
    def last_told(self) -> Told | None:
        """The last event that an answer named; whoever asks learns that a worker carries it on."""
        return self.carried.told

    @workflow.update(name="execute")
    async def execute(self, envelope: Envelope) -> Receipt:
        """Record one command and move the timer to where its receipt says."""
        async with self._lock:
            receipt = await self._recorded(envelope)
            if receipt.stands:
                self.carried = self.carried.model_copy(
                    update={
                        "is_open": receipt.is_open,
                        "next_wake": receipt.next_wake,
                        "told": receipt.events[-1] if receipt.events else self.carried.told,
                        "facets": receipt.facets if receipt.is_open else self.carried.facets,
                    }
                )
            self._answered += 1
            self._show()
            return receipt

    @execute.validator
    def _is_ours(self, envelope: Envelope) -> None:
        if not self.takes(envelope.stream):
            raise ApplicationError(
                f"{envelope.stream} is not {self.carried.stream}",
                type=NOT_TAKEN,
                non_retryable=True,
            )

    def takes(self, stream: str) -> bool:
        """Whether commands on a stream are for this workflow."""
        return stream == self.carried.stream

    async def live(self) -> None:
        """Wait for commands and for the one moment, until the stream is over."""
        if not self.carried.stream:
            raise started_with_nothing()
        if not self.carried.is_open:
            await self._first_command()
        while True:
            if not self.carried.is_open:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self.carried.is_open:
                    return
            if self._must_renew():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self.carried)
            wake = self.carried.next_wake
            if wake is not None and wake <= workflow.now():
                async with self._lock:
                    await self.woken()
                continue
            await self._something_new(wake)

    async def woken(self) -> None:
        """The moment has come; must set the next one."""
        self.carried = self.carried.model_copy(update={"next_wake": None})

    async def announced(self, activity: str, *args: object) -> Announced:
        """Have what is due announced, and set the next moment."""
        announced = await self.asked(activity, Announced, *args)
        self.wake_at(announced.again_at)
        return announced

    async def asked(self, activity: str, answer: type[T], *args: object) -> T:
        """Have something done on the record's queue, however long the record is away."""
        answered: T = await workflow.execute_activity(
            activity,
            args=args,
            result_type=answer,
            task_queue=beside(RECORD_QUEUE),
            start_to_close_timeout=RECORD_TIMEOUT,
            retry_policy=KEEP_TRYING,
        )
        return answered

    def wake_at(self, again_at: datetime | None) -> None:
        """Set the next moment after an announcement, never at once."""
        floor = workflow.now() + NOT_BEFORE
        if again_at is not None and again_at < floor and workflow.patched("not-before"):
            again_at = floor
        self.carried = self.carried.model_copy(update={"next_wake": again_at})

    async def _recorded(self, envelope: Envelope) -> Receipt:
        """Record a command at once beside this worker; where that fails, as long as it takes.

        At once it is accepted and recorded by one step of the workflow. Only what is accepted
        durably first, as by the activity, can wait for a database that is away.
        """
        told = self.carried.told
        if workflow.patched("at-once"):
            with suppress(FailureError):
                at_once: Receipt = await workflow.execute_local_activity(
                    EXECUTE_COMMAND,
                    args=[envelope, told],
                    result_type=Receipt,
                    start_to_close_timeout=AT_ONCE,
                    retry_policy=ONCE,
                )
                return at_once
        return await self.asked(EXECUTE_COMMAND, Receipt, envelope, told)

    def _show(self) -> None:
        facets = self.carried.facets
        if facets == self._shown or facets.phase is None:
            return
        self._shown = facets
        workflow.upsert_search_attributes(
            [
                PROGRAM.value_set(self.carried.program),
                PHASE.value_set(facets.phase),
                LEAD.value_set(facets.lead) if facets.lead else LEAD.value_unset(),
                COUNTY.value_set(facets.county) if facets.county else COUNTY.value_unset(),
                LEA_TYPE.value_set(facets.lea_type) if facets.lea_type else LEA_TYPE.value_unset(),
                NEXT_DUE.value_set(_noon(facets.next_due))
                if facets.next_due
                else NEXT_DUE.value_unset(),
            ]
        )

    async def _first_command(self) -> None:
        try:
            await workflow.wait_condition(lambda: self._answered > 0, timeout=FIRST_COMMAND_TIMEOUT)
        except TimeoutError:
            # Nothing was answered in time: one still at work is waited for, then the run ends.
            await workflow.wait_condition(workflow.all_handlers_finished)

    async def _something_new(self, wake: datetime | None) -> None:
        timeout = None if wake is None else wake - workflow.now()
        try:
            await workflow.wait_condition(
                lambda: (
                    self.carried.next_wake != wake or not self.carried.is_open or self._must_renew()
                ),
                timeout=timeout,
            )
        except TimeoutError:
            return  # The moment has come; the caller looks at the clock.

    def _must_renew(self) -> bool:
        return (
            self._answered >= self.carried.renew_after
            or workflow.info().is_continue_as_new_suggested()
        )


def _noon(day: date) -> datetime:
    """A due date as an instant for searching: noon UTC is that day in every American zone."""
    return datetime.combine(day, time(12), tzinfo=UTC)
