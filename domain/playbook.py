"""Playbooks: which steps an engagement has, which block, and when people are reminded."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.calendar import WorkingDays, at_local
from domain.overviews import OverviewRules

Role = Literal[
    "owner",
    "lead",
    "director",
    "lea_contact",
    "superintendent",
    "assistant",
    "board_clerk",
    "county_rep",
    "incoming_lead",
]
"""To whom a notice is addressed; people are looked up when it is claimed."""


StepPhase = Literal["recruiting", "agreeing", "onboarding", "reviewing", "partnering"]
"""The phases that steps are sorted into, in their order."""


class _Data(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True
    )


class Step(_Data):
    """One step of the journey."""

    id: str
    name: str
    tight: bool
    """A tight step blocks what comes after it; a loose one is the LEA's choice."""
    waiver: str | None = None
    """The staff role that may waive a tight step; None when nobody may."""
    items: tuple[Literal["deliverables", "waves"], ...] = Field(
        default=(), exclude_if=lambda v: not v
    )
    """What the LEA owes in this step; of a tight one it is held while a new leader recommits."""
    phase: StepPhase | None = Field(default=None, exclude_if=lambda v: v is None)
    """The phase it belongs to; once the engagement is past it, the step lies behind."""
    before: tuple[str, ...] = Field(default=(), exclude_if=lambda v: not v)
    """The commands that wait for a tight step, for example ``deliverable sign``."""

    @model_validator(mode="after")
    def _blocks_only_when_tight(self) -> Self:
        if self.before and not self.tight:
            raise ValueError(f"step {self.id!r} is loose, so it cannot stand before a command")
        return self


class Named(_Data):
    """One entry of a list that the playbook fixes: a stakeholder group, a fit criterion."""

    id: str
    name: str


class NoticeStep(_Data):
    """One moment of a reminder policy."""

    id: str
    days: int = 0
    """Days from the due date; negative is before."""
    hours: int | None = None
    """Hours from the instant at which it is due, instead of days; negative is before."""
    unit: Literal["calendar", "working"] = "calendar"
    """Calendar days are moved off non-working days; working days are counted."""
    moved: Literal["forward", "back"] = Field(
        default="forward", exclude_if=lambda v: v == "forward"
    )
    """Which way a calendar day is moved: back where nothing can be done after the due date."""
    to: tuple[Role, ...] = Field(min_length=1)


class ReminderPolicy(_Data):
    """When people are told about something that is owed."""

    id: str
    at: time = time(8, 0)
    """Local time in the program's zone."""
    earliest: time = time(7, 0)
    """No mail before this local time, when something is late after an outage."""
    latest: time = time(18, 0)
    """No mail at or after this local time."""
    any_hour: bool = False
    """True for an alarm: it goes at its instant, as a mail of its own, on rest days too."""
    steps: tuple[NoticeStep, ...]

    @model_validator(mode="after")
    def _within_hours(self) -> Self:
        if not self.earliest <= self.at < self.latest:
            raise ValueError(
                f"policy {self.id!r}: {self.at:%H:%M} is not between {self.earliest:%H:%M} and "
                f"{self.latest:%H:%M}"
            )
        if any(step.hours is not None for step in self.steps) and not self.any_hour:
            raise ValueError(
                f"policy {self.id!r} has steps in hours, which quiet hours would move: say "
                f"any_hour: true"
            )
        return self

    def opening(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The first moment from `now` on at which a mail may go: now, or a working morning."""
        if self.any_hour:
            return now
        local = now.astimezone(ZoneInfo(zone))
        today = local.date()
        if days.is_working(today) and self.earliest <= local.time() < self.latest:
            return now
        day = days.forward(today)
        if day == today and local.time() >= self.latest:
            day = days.add(today, 1)
        return at_local(day, self.at, zone)

    def next_morning(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The policy's hour on the next working day after today."""
        today = now.astimezone(ZoneInfo(zone)).date()
        return at_local(days.add(today, 1), self.at, zone)

    def moments(
        self, due: date, days: WorkingDays, zone: str, due_at: datetime | None = None
    ) -> list[tuple[NoticeStep, datetime]]:
        """Every step with its instant in UTC, in order.

        Steps in hours count from `due_at`, or from the policy's hour of the due date.

        A step that recess pushes onto or past a later step is left out: nobody is told twice on
        one day, nor "in 14 days" after "in 3 days".
        """
        instant = due_at or at_local(due, self.at, zone)
        by_hours = [
            (step, instant + timedelta(hours=step.hours))
            for step in self.steps
            if step.hours is not None
        ]
        dated = []
        for step in self.steps:
            if step.hours is not None:
                continue
            if step.unit == "working":
                day = days.add(due, step.days)
            else:
                day = due + timedelta(days=step.days)
                day = days.back(day) if step.moved == "back" else days.forward(day)
            dated.append((step, day))
        by_days = [
            (step, at_local(day, self.at, zone))
            for i, (step, day) in enumerate(dated)
            if all(day < later for _, later in dated[i + 1 :])
        ]
        return sorted(by_days + by_hours, key=lambda planned: planned[1])


class CheckInRules(_Data):
    """The annual check-in."""

    every_months: int = Field(ge=1)
    purposes: tuple[Named, ...]
    """What must be answered before a check-in can be closed."""
    policy: str
    commitment_policy: str | None = Field(default=None, exclude_if=lambda v: v is None)
    """Reminds whoever promised something; None for nobody."""


class DeliverableRules(_Data):
    """Deliverables."""

    policy: str
    review_working_days: int = Field(ge=1)
    """Within how many working days the agency answers a submission."""
    review_policy: str
    signature_working_days: int | None = Field(default=None, ge=1, exclude_if=lambda v: v is None)
    """Within how many working days the LEA is asked to sign what the agency has signed."""
    signature_policy: str | None = Field(default=None, exclude_if=lambda v: v is None)
    """For that signature; None for nobody being reminded."""


class Tag(_Data):
    """One thing that a deliverable is to show."""

    id: Literal["focus", "progress", "impact"]
    name: str


class CoauthoringRules(_Data):
    """What both sides say about a deliverable besides its terms."""

    tags: tuple[Tag, ...] = Field(min_length=1)
    """What each side rates after a submission."""
    scale: tuple[Named, ...] = Field(min_length=2)
    """The answers to every tag."""
    satisfies: tuple[Named, ...] = ()
    """The kinds of other work that a deliverable may stand for."""


class ContactKind(Named):
    """A way of being in contact with an LEA."""

    counts: bool = True
    """Whether it ends a gap in coaching; a mere message does not."""


class CoachingRules(_Data):
    """Coaching between summits."""

    contact_within_days: int = Field(ge=1, le=365)
    """How many calendar days may pass without contact."""
    policy: str
    contact_kinds: tuple[ContactKind, ...] = Field(min_length=1)
    prongs: tuple[Named, ...]
    """The parts of the offer that an LEA may opt out of; one of them is called coaching."""

    @model_validator(mode="after")
    def _has_coaching(self) -> Self:
        prongs = [p.id for p in self.prongs]
        if "coaching" not in prongs:
            raise ValueError(f"none of the prongs is called 'coaching'; they are {prongs}")
        if not any(k.counts for k in self.contact_kinds):
            raise ValueError("no kind of contact counts, so the gap could never end")
        return self


class HandoverRules(_Data):
    """When one Lead hands over to another."""

    by: tuple[Literal["lead", "director", "assistant"], ...] = Field(min_length=1)
    """Who may hand over; lead is the Lead of the engagement."""
    overlap_working_days: int = Field(ge=1, le=60)
    """How many working days before the handover both Leads meet, unless another day is named."""
    policy: str
    """For the overlap meeting."""
    contact_within_days: int | None = Field(default=None, ge=1, le=365)
    """Within how many calendar days the new Lead is in contact; None where nobody asks."""
    contact_policy: str | None = None
    """For that first contact."""
    packet_contact_days: int = Field(ge=1)
    """From how many days back the packet shows coaching contacts."""
    packet_ledger_days: int = Field(ge=1)
    """From how many days back the packet shows reminders."""


class BounceRules(_Data):
    """When mail to somebody comes back."""

    find_within_working_days: int = Field(ge=1, le=60)
    """Within how many working days the right address is found out."""
    policy: str | None = None
    """Reminds whoever finds it out; None for nobody."""
    give_up_days: int | None = Field(default=None, ge=1, le=60, exclude_if=lambda v: v is None)
    """After how many days a mail that the mail server puts off again and again counts as refused;
    None for never."""


class ReviewRules(_Data):
    """The review of an LEA's system."""

    priority_cap: int = Field(ge=1)
    """How many of the recommended actions may be chosen as priorities."""
    factual_review_working_days: int = Field(ge=1)
    """How many working days the LEA has to correct facts in the draft."""
    factual_review_policy: str
    wave_policy: str
    """For the LEA's evidence requests."""
    evidence_methods: tuple[Named, ...] = ()
    """How evidence may be gathered; in whatever way where none is named."""


class BurdenRules(_Data):
    """How much may be asked of the LEA's people."""

    cap_hours: Decimal = Field(gt=0)
    """Hours in a calendar month, over everything that is agreed."""
    waiver: Literal["assistant", "lead", "director"] | None = None
    """The staff role that may allow more in a month; None when nobody may."""


class InvestmentRules(_Data):
    """What the agency invests in an LEA's work."""

    kinds: tuple[Named, ...] = Field(min_length=1)
    """What the money may be spent on, as reports add it up."""


class AppropriationRules(_Data):
    """Money that must be committed in time."""

    policy: str
    """Reminds every Director of what is left, until its last day."""


class AttendanceRole(Named):
    """In what capacity somebody is at a summit."""

    days: tuple[int, ...] = ()
    """The days of the summit on which this role joins, counted from 1; every day if empty."""
    of_lea: bool = True
    """Whether they work at the LEA; a county office representative does not."""


class SummitRules(_Data):
    """Summits: meetings of the LEAs with each other, some days long."""

    registration_policy: str
    """For the LEA's registration."""
    commitment_policy: str
    """For what was promised at a summit."""
    per_year: int | None = Field(default=None, ge=1, le=52, exclude_if=lambda v: v is None)
    """How many there are to be in a fiscal year; None where nobody counts them."""
    days_at_least: int = Field(default=1, ge=1, le=14, exclude_if=lambda v: v == 1)
    """How many days each is to last."""
    opt_out_prong: str = "summits"
    """Which prong of the offer a summit is; an LEA that is out of it is not invited."""
    triad: tuple[Named, ...] = ()
    """What a session is for: what, how and why."""
    contents: tuple[Named, ...] = ()
    """What sessions are about, in the order in which LEAs meet it."""
    roles: tuple[AttendanceRole, ...] = Field(min_length=1)


class MeasureRules(_Data):
    """Measures of success, which the LEA defines."""

    dated: tuple[Literal["leading", "lagging"], ...] = ()
    """The kinds of measure that must say before when no effect is expected."""
    policy: str | None = None
    """Reminds the Lead while no measure stands and a deliverable is agreed; None for nobody."""


class Indicator(_Data):
    """One indicator of the Dashboard."""

    id: str
    name: str
    local: bool = False
    """A local indicator is rated by the LEA itself; a state indicator has a colour."""


class DashboardRules(_Data):
    """What the Dashboard shows, so that a snapshot can be checked."""

    source: str
    colours: tuple[Named, ...] = Field(min_length=1)
    """From the lowest to the highest."""
    ratings: tuple[Named, ...] = ()
    """Of local indicators."""
    concern: tuple[str, ...] = ()
    """The colours and ratings that show a need: a focus on them is aligned."""
    indicators: tuple[Indicator, ...] = Field(min_length=1)
    groups: tuple[Named, ...] = Field(min_length=1)
    """Student groups; the first one stands for all students."""

    @model_validator(mode="after")
    def _known_concern(self) -> Self:
        known = {n.id for n in (*self.colours, *self.ratings)}
        if unknown := set(self.concern) - known:
            raise ValueError(f"concern names {sorted(unknown)}, which is no colour or rating")
        return self


class Instrument(_Data):
    """A questionnaire in one wording on one scale; two of them are never compared."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str
    lowest: Decimal
    highest: Decimal

    @model_validator(mode="after")
    def _a_scale(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError(f"instrument {self.id!r}: {self.lowest} is not below {self.highest}")
        return self


class SurveyRules(_Data):
    """Surveys of the LEA's people about how they work."""

    smallest_group: int = Field(ge=2)
    """Of fewer answers no mean is kept, so that nobody's own can be recognised."""
    policy: str | None = None
    """Reminds the LEA of a survey that it was asked for; None for nobody."""
    constructs: tuple[Named, ...] = Field(min_length=1)
    instruments: tuple[Instrument, ...] = Field(min_length=1)
    """The last one is used unless another is named."""


class OpenMeetingAct(_Data):
    """How long before a meeting an act wants its agenda posted."""

    id: str
    name: str
    regular_hours: int = Field(ge=0)
    """Hours before a regular meeting."""
    special_hours: int = Field(ge=0)
    """Hours before a special meeting."""
    rest_days_count: bool = True
    """Whether the hours of weekends and holidays count."""


class BoardClock(_Data):
    """The clock of one board's agenda."""

    act: str | None = None
    """The act that binds the board; None while nobody has said which."""
    clerk: Literal["assistant", "board_clerk"] = "assistant"
    """Who posts it: the agency's assistant, or the LEA's board clerk."""


class PostingRules(_Data):
    """The clock of each board's agenda."""

    policy: str
    acts: tuple[OpenMeetingAct, ...]
    boards: Mapping[str, BoardClock] = {}

    @model_validator(mode="after")
    def _known(self) -> Self:
        acts = [a.id for a in self.acts]
        for board, clock in self.boards.items():
            if clock.act is not None and clock.act not in acts:
                raise ValueError(
                    f"board {board!r} is bound by {clock.act!r}, which is not among {acts}"
                )
        return self


class RenewalRules(_Data):
    """When an agreement whose term ends must be renewed."""

    days_before: int = Field(ge=1, le=730)
    """By how many calendar days before the end of the term the renewal is drafted."""
    policy: str


class EligibilityRules(_Data):
    """When a statute counts enough school years; shown, and never in the way of anything."""

    statute: str
    years_needed: int = Field(ge=1)
    of_years: int = Field(ge=1)
    """The stretch of consecutive school years among which they must lie."""
    groups_each_year: int = Field(ge=1)
    """How many student groups must meet a criterion for a year to count."""


class StatuteRules(_Data):
    """The yearly dates that a statute sets for the LEA, which the calendar lists."""

    phases: tuple[StepPhase, ...] = Field(min_length=1)
    """In which phases the LEA is reminded of them."""
    opens_days_before: int = Field(default=60, ge=1, le=300)
    """How many days before it is due a year's date begins to stand among what is owed."""
    leave_out: tuple[str, ...] = ()
    """The calendar's dates that this playbook does not ask for, by id."""


class MixTarget(_Data):
    """One wish for the portfolio: so many LEAs of a kind."""

    id: str
    name: str
    fact: Literal["type", "locale", "region", "unduplicated"]
    values: tuple[str, ...] = ()
    """The values of the fact that count."""
    from_percent: Decimal | None = None
    """For unduplicated: the share from which on an LEA counts."""
    at_least: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _says_what_counts(self) -> Self:
        if (self.fact == "unduplicated") != (self.from_percent is not None) or (
            (self.fact == "unduplicated") == bool(self.values)
        ):
            raise ValueError(
                f"target {self.id!r} counts by {self.fact}: give from_percent for unduplicated, "
                f"values for every other fact"
            )
        return self


class MemberKind(Named):
    """As what somebody is in the improvement team."""

    side: Literal["lea", "agency", "external"] = "lea"
    """Where they work: at the LEA, at the agency, or at neither."""


class Coverage(Named):
    """A wish for the team, which warns and never blocks."""

    kinds: tuple[str, ...] = Field(min_length=1)
    """The kinds of members that count."""
    at_least: int = Field(default=1, ge=1)


class TeamRules(_Data):
    """The improvement team of an engagement."""

    kinds: tuple[MemberKind, ...] = Field(min_length=1)
    coverage: tuple[Coverage, ...] = ()
    continuity_months: int = Field(ge=1)
    """After how many months it is asked who is still there."""

    @model_validator(mode="after")
    def _known_kinds(self) -> Self:
        kinds = [k.id for k in self.kinds]
        for wish in self.coverage:
            if unknown := set(wish.kinds) - set(kinds):
                raise ValueError(
                    f"coverage {wish.id!r} counts {sorted(unknown)}, which is not among {kinds}"
                )
        return self


class RiskRules(_Data):
    """What may hold an engagement back."""

    kinds: tuple[Named, ...] = Field(min_length=1)
    levels: tuple[Named, ...] = Field(min_length=1)
    """From the lowest to the highest."""


class TurnoverRules(_Data):
    """What follows when a leader of the LEA leaves."""

    leaders: tuple[Literal["superintendent", "lea_contact"], ...] = Field(min_length=1)
    """The roles whose holder counts as a leader."""
    recommit_within_days: int = Field(ge=1, le=365)
    """Calendar days from the announcement, moved forward to a working day of the agency."""
    policy: str
    board_reaffirms: bool = False
    """Whether what is held waits for the LEA's board as well as for the new leader."""
    risk_kind: str | None = None
    """The kind of risk that rises by itself; None for none."""
    risk_level: str | None = None
    """To which level."""


class ItemKind(Named):
    """A kind of item, for which an engagement may choose a reminder policy of its own."""

    items: tuple[str, ...] = Field(min_length=1)
    """Patterns of the items' names, such as D*; the first kind that matches counts."""


class EtiquetteRules(_Data):
    """What staff may do about the reminders of an engagement."""

    snooze_by: tuple[Literal["assistant", "lead", "director"], ...] = Field(
        default=("assistant", "lead", "director"), min_length=1
    )
    """Who may snooze: any assistant, the engagement's Lead, its Director."""
    snooze_days: int | None = Field(default=None, ge=1, le=366)
    """How many calendar days a snooze may last; None for no limit."""
    snooze_times: int | None = Field(default=None, ge=1)
    """How often one due date of an item may be snoozed; None for no limit."""
    kinds: tuple[ItemKind, ...] = ()


class Playbook(_Data):
    """One version of the handbook, as data; a running engagement keeps the one it began with."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: int = Field(ge=1)
    title: str
    source: str
    steps: tuple[Step, ...]
    stakeholder_groups: tuple[Named, ...]
    fit_criteria: tuple[Named, ...]
    boards: tuple[Named, ...] = Field(min_length=2)
    policies: tuple[ReminderPolicy, ...]
    deliverables: DeliverableRules
    checkins: CheckInRules
    coaching: CoachingRules | None = None
    """None in a version that says nothing about coaching."""
    review: ReviewRules | None = None
    """None where this playbook has no review."""
    burden: BurdenRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where this playbook has no cap on the LEA's hours."""
    investments: InvestmentRules | None = Field(default=None, exclude_if=lambda v: v is None)
    appropriations: AppropriationRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where nobody is reminded of money; the program's newest version counts."""
    measures: MeasureRules | None = Field(default=None, exclude_if=lambda v: v is None)
    dashboard: DashboardRules | None = Field(default=None, exclude_if=lambda v: v is None)
    coauthoring: CoauthoringRules | None = Field(default=None, exclude_if=lambda v: v is None)
    handover: HandoverRules | None = Field(default=None, exclude_if=lambda v: v is None)
    surveys: SurveyRules | None = Field(default=None, exclude_if=lambda v: v is None)
    posting: PostingRules | None = None
    renewal: RenewalRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where nobody is asked for renewals."""
    eligibility: EligibilityRules | None = None
    mix: tuple[MixTarget, ...] = ()
    team: TeamRules | None = Field(default=None, exclude_if=lambda v: v is None)
    risks: RiskRules | None = Field(default=None, exclude_if=lambda v: v is None)
    turnover: TurnoverRules | None = Field(default=None, exclude_if=lambda v: v is None)
    etiquette: EtiquetteRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where this playbook sets no limits to snoozes and names no kinds of items."""
    overviews: tuple[OverviewRules, ...] = ()
    """Weekly and monthly overviews for Leads and Directors; the program's newest version counts."""
    statutes: StatuteRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where the LEA's own statutory dates are not the program's business."""
    summits: SummitRules | None = None
    """None where this playbook has no summits."""
    bounces: BounceRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """None where finding out a right address has no date."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        policies = {p.id for p in self.policies}
        for wanted in (
            self.deliverables.policy,
            self.deliverables.review_policy,
            self.deliverables.signature_policy,
            self.checkins.policy,
            *((self.coaching.policy,) if self.coaching else ()),
            *((self.review.factual_review_policy, self.review.wave_policy) if self.review else ()),
            self.measures.policy if self.measures else None,
            *([self.handover.policy, self.handover.contact_policy] if self.handover else []),
            self.checkins.commitment_policy,
            self.renewal.policy if self.renewal else None,
            self.surveys.policy if self.surveys else None,
            *([self.posting.policy] if self.posting else []),
            *([self.turnover.policy] if self.turnover else []),
            *(
                (self.summits.registration_policy, self.summits.commitment_policy)
                if self.summits
                else ()
            ),
            self.bounces.policy if self.bounces else None,
            self.appropriations.policy if self.appropriations else None,
        ):
            if wanted is not None and wanted not in policies:
                raise ValueError(f"policy {wanted!r} is used but not defined; it has {policies}")
        if self.appropriations and self.policy(self.appropriations.policy).any_hour:
            raise ValueError(
                f"appropriations name the policy {self.appropriations.policy!r}, an alarm; money "
                f"is spoken of in a day's mail: name one without any_hour"
            )
        steps = [s.id for s in self.steps]
        if twice := sorted({s for s in steps if steps.count(s) > 1}):
            raise ValueError(f"the step {', '.join(twice)} is there twice; a step's id is its own")
        boards = {b.id for b in self.boards}
        for board in self.posting.boards if self.posting else ():
            if board not in boards:
                raise ValueError(f"posting names the board {board!r}; the boards are {boards}")
        return self

    @model_validator(mode="after")
    def _known_risk_of_turnover(self) -> Self:
        if self.turnover is None or self.turnover.risk_kind is None:
            return self
        kinds = [k.id for k in self.risks.kinds] if self.risks else []
        levels = [n.id for n in self.risks.levels] if self.risks else []
        if self.turnover.risk_kind not in kinds or self.turnover.risk_level not in levels:
            raise ValueError(
                f"turnover raises {self.turnover.risk_kind!r} to {self.turnover.risk_level!r}; the "
                f"kinds of risk are {kinds} and the levels {levels}"
            )
        return self

    @property
    def ref(self) -> str:
        """Name and version in one word, as people type it: ``dta-sir@3``."""
        return f"{self.id}@{self.version}"

    def policy(self, policy_id: str) -> ReminderPolicy:
        """A reminder policy by id; the validator has made sure that it is there."""
        return next(p for p in self.policies if p.id == policy_id)

    def step(self, step_id: str) -> Step | None:
        """A step by id; None when this playbook does not have it."""
        return next((s for s in self.steps if s.id == step_id), None)
