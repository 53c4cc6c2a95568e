"""What somebody was told of a command, and what would make it untrue."""

from dataclasses import dataclass, field
from uuid import UUID

from bootstrap.door import NotAccepted, Unavailable
from domain.envelope import Envelope, Receipt


@dataclass
class Given:
    """One command with its id, and everything that was answered to it."""

    envelope: Envelope
    told: list[tuple[str, str]] = field(default_factory=list)
    """The kind of each answer, which is a receipt's outcome, "not accepted" or "unknown"; its
    words."""
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return self.envelope.command_id

    @property
    def final(self) -> Receipt | None:
        return self.receipts[-1] if self.receipts else None

    @property
    def is_open(self) -> bool:
        """Whether it may have been carried out or not, by all that was said."""
        return not self.receipts and any(kind == "unknown" for kind, _ in self.told)

    def answered(self, receipt: Receipt) -> None:
        self.told.append((receipt.outcome, receipt.message))
        self.receipts.append(receipt)

    def not_answered(self, said: Unavailable) -> None:
        kind = "not accepted" if isinstance(said, NotAccepted) else "unknown"
        self.told.append((kind, str(said)))

    def __str__(self) -> str:
        said = ", ".join(kind for kind, _ in self.told)
        return f"{self.envelope.kind} on {self.envelope.stream} ({self.id}): {said}"
