"""Every subject, wing by wing: importing this registers what each declares."""

from types import ModuleType

from domain import mending
from domain.agreements import agreements, boards, postings, renewals
from domain.checkins import checkins, closing, commitments
from domain.coaching import contacts, cycles
from domain.deliverables import (
    coauthoring,
    corrections,
    dependencies,
    merging,
    owed,
    proposing,
    ratings,
    reuse,
    submissions,
    terms,
)
from domain.engagement import burden, engagement, state
from domain.focus import dashboard, focus, measures, observations
from domain.journey import statute_dates, steps, upgrade
from domain.money import appropriations, expiry, investments
from domain.owing import matter
from domain.program import (
    classification,
    erasing,
    facts,
    frameworks,
    lea_closing,
    lea_days,
    leas,
    leaving,
    people,
    program,
    publishing,
)
from domain.recruitment import eligibility, recruitment
from domain.reminders import bounces, claiming, delivering, etiquette, notices
from domain.review import evidence, presenting, recommendations, report, review, spared, waves
from domain.summits import attendance, entering, following, invitations, summits
from domain.summits import program as summit_program
from domain.surveys import surveys
from domain.team import handover, handover_meeting, members, risks
from domain.turnover import holds, leavings, recommitment

SUBJECTS: tuple[ModuleType, ...] = (
    program,
    people,
    leaving,
    erasing,
    leas,
    lea_days,
    lea_closing,
    facts,
    classification,
    publishing,
    frameworks,
    engagement,
    state,
    burden,
    steps,
    upgrade,
    statute_dates,
    recruitment,
    eligibility,
    agreements,
    boards,
    postings,
    renewals,
    review,
    waves,
    spared,
    evidence,
    recommendations,
    report,
    presenting,
    focus,
    measures,
    observations,
    dashboard,
    terms,
    proposing,
    coauthoring,
    merging,
    dependencies,
    submissions,
    ratings,
    reuse,
    corrections,
    owed,
    checkins,
    closing,
    commitments,
    surveys,
    contacts,
    cycles,
    handover,
    handover_meeting,
    members,
    risks,
    appropriations,
    expiry,
    investments,
    summits,
    entering,
    summit_program,
    invitations,
    following,
    attendance,
    holds,
    leavings,
    recommitment,
    matter,
    notices,
    claiming,
    bounces,
    delivering,
    etiquette,
    mending,
)
"""In the order in which a reader meets them."""
