"""Where an engagement or a summit stands."""

from typing import Literal

Phase = Literal[
    "recruiting", "agreeing", "onboarding", "reviewing", "partnering", "closed", "withdrawn"
]

SummitStatus = Literal["planned", "held", "cancelled"]
