"""The ways a command can be answered with no."""

from collections.abc import Iterable


class Refused(Exception):
    """A rule says no: shown to staff as it stands, kept with the receipt, never retried.

    The message is one paragraph: what cannot be, the value at fault, and the way out.
    """

    @property
    def kind(self) -> str:
        """Stable name of the refusal, for scripts that read ``--json``."""
        return type(self).__name__


class Unknown(Refused):
    """Something was named that is not there."""


class Ambiguous(Refused):
    """A name that several have."""


class AlreadyExists(Refused):
    """What should be made is there already."""


class WrongState(Refused):
    """The engagement, or a part of it, is not where this command needs it to be."""


class WrongPerson(Refused):
    """The acting or named person may not do this."""


class ImpossibleDate(Refused):
    """A date that cannot be, given what is known."""


class Incomplete(Refused):
    """Something that must be said was left out or blank."""


class Invalid(Refused):
    """A value that does not have the form it needs."""


class ChargedToLea(Refused):
    """The LEA never pays."""


class TightStep(Refused):
    """The playbook insists on a step that is not done and not waived."""


class TooMany(Refused):
    """More than the playbook's cap allows."""


class OverAppropriation(Refused):
    """More than the appropriation holds."""


class Unworkable(Refused):
    """A playbook or calendar by which work would stop."""


class ClocksApart(Refused):
    """The clock of whoever gives a command is not the store's."""


class StorePutBack(Refused):
    """The store was put back to before something that its engine was told of."""


class ForeignKey(Refused):
    """The master key of whoever gives a command is not the store's."""


class ReusedCommandId(Refused):
    """A command id that was used before, for something else."""


class Sick(Refused):
    """What the command rests on cannot be read for now.

    No receipt is kept, so that the same command may be given again once it can be.
    """


def did_you_mean(wrong: str, known: Iterable[str], *, limit: int = 3) -> str:
    """A sentence that names the nearest known names, with a space for the next; none, no word."""
    names = list(known)
    from difflib import get_close_matches

    near = get_close_matches(wrong, names, n=limit, cutoff=0.6)
    # What was only begun is near as well: alder for alder-creek-usd.
    near += [n for n in names if n.startswith(wrong) and n not in near][: limit - len(near)]
    return f"Did you mean {' or '.join(near)}? " if near else ""
