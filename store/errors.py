"""What of the store cannot be read, for whoever reads it to say."""

UPGRADE = "A newer Handrail wrote it: install that release, or a newer one."
RESTORE = "Put it back as it was, from a backup; handrail admin verify says when it is whole."
REBUILD = "Make the read models anew: handrail admin rebuild"
MEND = "That is a fault of this release: report this line; a mended release reads it."


class VaultError(Exception):
    """A key cannot be unwrapped or is missing, or sealed text was tampered with.

    Args:
        why: What is wrong, as a sentence.
        subject: Whose key it is about, where that is known.
    """

    def __init__(self, why: str, subject: str | None = None) -> None:
        super().__init__(why)
        self.subject = subject


class ForeignKey(VaultError):
    """This process has another master key than the store: nothing is damaged."""


class Unreadable(Exception):
    """A stream, or a part of it, that this release cannot read; everything else goes on.

    Neither `why` nor `remedy` says anything about people: both are shown and kept.

    Args:
        stream: What cannot be read: a stream, or ``mail:ID`` or ``receipt:ID``.
        version: The event at fault; None where it is not one event.
        why: What is wrong, as a clause: ``event 3 (fit-decided) cannot be opened``.
        remedy: The way out.
    """

    def __init__(self, stream: str, version: int | None, why: str, remedy: str) -> None:
        self.stream = stream
        self.version = version
        self.why = why
        self.remedy = remedy
        super().__init__(f"{stream} cannot be read: {why}. {remedy}")

    def seen_from(self, stream: str) -> "Unreadable":
        """The same as what keeps another stream, which rests on it, from being read."""
        if stream == self.stream:
            return self
        why = f"it rests on {self.stream}, which cannot be read: {self.why}"
        return Unreadable(stream, None, why, self.remedy)


class UnknownEvent(Unreadable):
    """An event of a type or schema version that this code does not know."""
