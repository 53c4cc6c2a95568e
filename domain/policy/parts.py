"""What a playbook says about each subject: its numbers, lists and choices."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.kernel.bounds import Count, Days, Hours, LookBack, Months, WorkingDayCount, Written

StepPhase = Literal["recruiting", "agreeing", "onboarding", "reviewing", "partnering"]
"""The phases that steps are sorted into, in their order."""


class PlaybookPart(Written):
    """Something a playbook says."""


class Named(PlaybookPart):
    """One entry of a list that the playbook fixes: a stakeholder group, a fit criterion."""

    id: str
    name: str


class CheckInRules(PlaybookPart):
    """The annual check-in."""

    every_months: Months
    purposes: tuple[Named, ...]
    """What must be answered before a check-in can be closed."""
    policy: str
    commitment_policy: str | None = Field(default=None, exclude_if=lambda v: v is None)
    """Reminds whoever promised something; None for nobody."""


class DeliverableRules(PlaybookPart):
    """Deliverables."""

    policy: str
    review_working_days: WorkingDayCount
    """Within how many working days the agency answers a submission."""
    review_policy: str
    signature_working_days: WorkingDayCount | None = Field(
        default=None, exclude_if=lambda v: v is None
    )
    """Within how many working days the LEA is asked to sign what the agency has signed."""
    signature_policy: str | None = Field(default=None, exclude_if=lambda v: v is None)
    """For that signature; None for nobody being reminded."""


class Tag(PlaybookPart):
    """One thing that a deliverable is to show."""

    id: Literal["focus", "progress", "impact"]
    name: str


class CoauthoringRules(PlaybookPart):
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


class CoachingRules(PlaybookPart):
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


class HandoverRules(PlaybookPart):
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
    packet_contact_days: LookBack
    """From how many days back the packet shows coaching contacts."""
    packet_ledger_days: LookBack
    """From how many days back the packet shows reminders."""


class BounceRules(PlaybookPart):
    """When mail to somebody comes back."""

    find_within_working_days: int = Field(ge=1, le=60)
    """Within how many working days the right address is found out."""
    policy: str | None = None
    """Reminds whoever finds it out; None for nobody."""
    give_up_days: int | None = Field(default=None, ge=1, le=60, exclude_if=lambda v: v is None)
    """After how many days a mail that the mail server puts off again and again counts as refused;
    None for never."""


class ReviewRules(PlaybookPart):
    """The review of an LEA's system."""

    priority_cap: Count
    """How many of the recommended actions may be chosen as priorities."""
    factual_review_working_days: WorkingDayCount
    """How many working days the LEA has to correct facts in the draft."""
    factual_review_policy: str
    wave_policy: str
    """For the LEA's evidence requests."""
    evidence_methods: tuple[Named, ...] = ()
    """How evidence may be gathered; in whatever way where none is named."""


class BurdenRules(PlaybookPart):
    """How much may be asked of the LEA's people."""

    cap_hours: Decimal = Field(gt=0, le=2000, decimal_places=2)
    """Hours in a calendar month, over everything that is agreed."""
    waiver: Literal["assistant", "lead", "director"] | None = None
    """The staff role that may allow more in a month; None when nobody may."""


class InvestmentRules(PlaybookPart):
    """What the agency invests in an LEA's work."""

    kinds: tuple[Named, ...] = Field(min_length=1)
    """What the money may be spent on, as reports add it up."""


class AppropriationRules(PlaybookPart):
    """Money that must be committed in time."""

    policy: str
    """Reminds every Director of what is left, until its last day."""


class AttendanceRole(Named):
    """In what capacity somebody is at a summit."""

    days: tuple[Annotated[int, Field(ge=1, le=14)], ...] = ()
    """The days of the summit on which this role joins, counted from 1; every day if empty."""
    of_lea: bool = True
    """Whether they work at the LEA; a county office representative does not."""


class SummitRules(PlaybookPart):
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


class MeasureRules(PlaybookPart):
    """Measures of success, which the LEA defines."""

    dated: tuple[Literal["leading", "lagging"], ...] = ()
    """The kinds of measure that must say before when no effect is expected."""
    policy: str | None = None
    """Reminds the Lead while no measure stands and a deliverable is agreed; None for nobody."""


class Indicator(PlaybookPart):
    """One indicator of the Dashboard."""

    id: str
    name: str
    local: bool = False
    """A local indicator is rated by the LEA itself; a state indicator has a colour."""


class DashboardRules(PlaybookPart):
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


Rating = Annotated[Decimal, Field(ge=-1000, le=1000)]
"""On a questionnaire's scale."""


class Instrument(PlaybookPart):
    """A questionnaire in one wording on one scale; two of them are never compared."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str
    lowest: Rating
    highest: Rating

    @model_validator(mode="after")
    def _a_scale(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError(f"instrument {self.id!r}: {self.lowest} is not below {self.highest}")
        return self


class SurveyRules(PlaybookPart):
    """Surveys of the LEA's people about how they work."""

    smallest_group: int = Field(ge=2, le=1000)
    """Of fewer answers no mean is kept, so that nobody's own can be recognised."""
    policy: str | None = None
    """Reminds the LEA of a survey that it was asked for; None for nobody."""
    constructs: tuple[Named, ...] = Field(min_length=1)
    instruments: tuple[Instrument, ...] = Field(min_length=1)
    """The last one is used unless another is named."""


class OpenMeetingAct(PlaybookPart):
    """How long before a meeting an act wants its agenda posted."""

    id: str
    name: str
    regular_hours: Hours | None = Field(default=None, exclude_if=lambda v: v is None)
    """Hours before a regular meeting; an act that says days is given days."""
    regular_days: Days | None = Field(default=None, exclude_if=lambda v: v is None)
    """Days before a regular meeting, to the same hour of the clock."""
    special_hours: Hours | None = Field(default=None, exclude_if=lambda v: v is None)
    """Hours before a special meeting."""
    special_days: Days | None = Field(default=None, exclude_if=lambda v: v is None)
    """Days before a special meeting."""
    rest_days_count: bool = True
    """Whether weekends and holidays count."""

    @model_validator(mode="after")
    def _hours_or_days(self) -> Self:
        for kind in ("regular", "special"):
            given = [getattr(self, f"{kind}_{unit}") for unit in ("hours", "days")]
            if given.count(None) != 1:
                raise ValueError(
                    f"act {self.id!r}: say either {kind}_hours or {kind}_days; ten days are not "
                    f"240 hours where the clocks change on the way"
                )
        return self


class BoardClock(PlaybookPart):
    """The clock of one board's agenda."""

    act: str | None = None
    """The act that binds the board; None while nobody has said which."""
    clerk: Literal["assistant", "board_clerk"] = "assistant"
    """Who posts it: the agency's assistant, or the LEA's board clerk."""


class PostingRules(PlaybookPart):
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


class RenewalRules(PlaybookPart):
    """When an agreement whose term ends must be renewed."""

    days_before: int = Field(ge=1, le=730)
    """By how many calendar days before the end of the term the renewal is drafted."""
    policy: str


class EligibilityRules(PlaybookPart):
    """When a statute counts enough school years; shown, and never in the way of anything."""

    statute: str
    years_needed: int = Field(ge=1, le=20)
    of_years: int = Field(ge=1, le=20)
    """The stretch of consecutive school years among which they must lie."""
    groups_each_year: Count
    """How many student groups must meet a criterion for a year to count."""


class StatuteRules(PlaybookPart):
    """The yearly dates that a statute sets for the LEA, which the calendar lists."""

    phases: tuple[StepPhase, ...] = Field(min_length=1)
    """In which phases the LEA is reminded of them."""
    opens_days_before: int = Field(default=60, ge=1, le=300)
    """How many days before it is due a year's date begins to stand among what is owed."""
    leave_out: tuple[str, ...] = ()
    """The calendar's dates that this playbook does not ask for, by id."""
    unchecked: tuple[str, ...] = Field(default=(), exclude_if=lambda v: not v)
    """The dates that it asks for although the calendar says that nobody checked them, by id."""


class MixTarget(PlaybookPart):
    """One wish for the portfolio: so many LEAs of a kind."""

    id: str
    name: str
    fact: Literal["type", "locale", "region", "unduplicated"]
    values: tuple[str, ...] = ()
    """The values of the fact that count."""
    from_percent: Decimal | None = Field(default=None, ge=0, le=100, decimal_places=2)
    """For unduplicated: the share from which on an LEA counts."""
    at_least: int = Field(default=1, ge=0, le=10_000)

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
    at_least: Count = 1


class TeamRules(PlaybookPart):
    """The improvement team of an engagement."""

    kinds: tuple[MemberKind, ...] = Field(min_length=1)
    coverage: tuple[Coverage, ...] = ()
    continuity_months: Months
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


class RiskRules(PlaybookPart):
    """What may hold an engagement back."""

    kinds: tuple[Named, ...] = Field(min_length=1)
    levels: tuple[Named, ...] = Field(min_length=1)
    """From the lowest to the highest."""


class TurnoverRules(PlaybookPart):
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
    """Patterns of the items' names, part by part: D* means D1; D1/review is one of D*/review.

    The first kind that matches counts.
    """


class EtiquetteRules(PlaybookPart):
    """What staff may do about the reminders of an engagement."""

    snooze_by: tuple[Literal["assistant", "lead", "director"], ...] = Field(
        default=("assistant", "lead", "director"), min_length=1
    )
    """Who may snooze: any assistant, the engagement's Lead, its Director."""
    snooze_days: int | None = Field(default=None, ge=1, le=366)
    """How many calendar days a snooze may last; None for no limit."""
    snooze_times: Count | None = None
    """How often one due date of an item may be snoozed; None for no limit."""
    kinds: tuple[ItemKind, ...] = ()
