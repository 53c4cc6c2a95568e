"""Every subject, imported so that its commands, events and rules are registered."""

from domain import (
    agreements,
    checkins,
    coaching,
    cycles,
    deliverables,
    engagement,
    investments,
    leas,
    notices,
    people,
    policy,
    program,
    recruitment,
    submissions,
)

SUBJECTS = (
    program,
    people,
    leas,
    policy,
    engagement,
    recruitment,
    agreements,
    deliverables,
    submissions,
    checkins,
    coaching,
    cycles,
    investments,
    notices,
)
"""In the order in which a reader meets them."""
