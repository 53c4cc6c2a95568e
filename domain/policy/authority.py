"""Who may do what on somebody else's behalf, as a playbook says it."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from domain.policy.parts import PlaybookPart

Holder = Literal["its-lead", "its-director", "assistant", "lead", "director"]
"""``its-lead`` and ``its-director`` hold the role in the engagement; the others are whoever has
that staff role."""

ASPECTS = frozenset(
    {
        "engagement assign director",
        "engagement assign lead",
        "person register staff",
        "person change staff",
        "person change colleague",
        "person leave staff",
    }
)
"""Acts that are more than their command: to name another Director or Lead, to give somebody a staff
role, to say where the mail of one of the agency's own goes (who may always do so themselves), and
that one of them leaves or returns."""


class CorrectionRules(PlaybookPart):
    """Who puts right or takes back what was recorded."""

    own_days: int = Field(ge=0, le=3660)
    """For so many days whoever recorded it may, themselves."""
    by: tuple[Holder, ...] = Field(min_length=1)
    """Who else may."""
    binding: tuple[str, ...]
    """What a board decided, was signed or moved money: nouns, or commands."""
    binding_by: tuple[Holder, ...] = Field(min_length=1)
    """Who else may put that right."""


class AuthorityRules(PlaybookPart):
    """Who may do what; what is not named anybody of the staff may."""

    acts: Mapping[str, tuple[Holder, ...]]
    """By command, for example ``engagement close``, or by one of the acts that are more than it."""
    corrections: CorrectionRules

    @model_validator(mode="after")
    def _somebody(self) -> "AuthorityRules":
        if nobody := sorted(act for act, by in self.acts.items() if not by):
            raise ValueError(
                f"nobody may {', '.join(nobody)}: name who may, or leave it out for all staff"
            )
        return self


_DIRECTOR: tuple[Holder, ...] = ("director",)
_ITS_LEAD: tuple[Holder, ...] = ("its-lead", "director")
_ITS_OWN: tuple[Holder, ...] = ("its-lead", "its-director")

SILENT = AuthorityRules(
    acts={
        **dict.fromkeys(
            (
                "appropriation correct", "appropriation lapse", "appropriation record",
                "appropriation resume", "calendar publish", "engagement assign director",
                "framework publish", "person change colleague", "person change staff",
                "person erase", "person leave staff", "person register staff", "playbook publish",
            ),
            _DIRECTOR,
        ),
        **dict.fromkeys(
            ("engagement assign lead", "engagement close", "engagement withdraw"), _ITS_LEAD
        ),
        **dict.fromkeys(
            (
                "deliverable accept", "deliverable return", "engagement hold", "engagement resume",
                "reminders policy", "sir answer", "sir draft", "sir finalize",
            ),
            _ITS_OWN,
        ),
    },
    corrections=CorrectionRules(
        own_days=14,
        by=_ITS_LEAD,
        binding=("agreement", "board", "investment", "appropriation", "deliverable sign",
                 "sir wave sign"),
        binding_by=_DIRECTOR,
    ),
)  # fmt: skip
"""What holds under a playbook that says nothing of it, as those before it did."""
