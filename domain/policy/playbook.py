"""Playbooks: which steps an engagement has, which block, and when people are reminded."""

from typing import Literal, Self

from pydantic import Field, model_validator

from domain.kernel.bounds import Version
from domain.policy.authority import AuthorityRules
from domain.policy.overviews import OverviewRules
from domain.policy.parts import (
    AppropriationRules,
    BounceRules,
    BurdenRules,
    CheckInRules,
    CoachingRules,
    CoauthoringRules,
    DashboardRules,
    DeliverableRules,
    EligibilityRules,
    EtiquetteRules,
    HandoverRules,
    InvestmentRules,
    MeasureRules,
    MixTarget,
    Named,
    PlaybookPart,
    PostingRules,
    RenewalRules,
    ReviewRules,
    RiskRules,
    StatuteRules,
    StepPhase,
    SummitRules,
    SurveyRules,
    TeamRules,
    TurnoverRules,
)
from domain.policy.reminder_policies import ReminderPolicy


class Step(PlaybookPart):
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


class Playbook(PlaybookPart):
    """One version of the handbook, as data; a running engagement keeps the one it began with."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: Version
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
    authority: AuthorityRules | None = Field(default=None, exclude_if=lambda v: v is None)
    """Who may do what; None where it is as it was before playbooks said so."""
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
