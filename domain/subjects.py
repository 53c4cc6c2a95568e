"""Every subject, imported so that its commands, events and rules are registered."""

from domain import (
    agreements,
    checkins,
    deliverables,
    directory,
    engagement,
    investments,
    notices,
    recruitment,
)

SUBJECTS = (
    directory,
    engagement,
    recruitment,
    agreements,
    deliverables,
    checkins,
    investments,
    notices,
)
"""In the order in which a reader meets them."""
