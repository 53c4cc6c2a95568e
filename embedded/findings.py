"""What `handrail doctor` says of one part."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "attention", "away"]


@dataclass(frozen=True)
class Finding:
    """What was seen of one part."""

    part: str
    state: State
    """`away`: commands cannot work. `attention`: some cannot, or not for long."""
    seen: str
    remedy: str = ""
