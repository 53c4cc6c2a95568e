"""Who may do what on somebody else's behalf: one table, read by every rule that asks.

What a playbook says itself, such as who may waive a step or hand an engagement over, counts
before it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from domain.kernel.refusals import WrongPerson
from domain.rules.context import Context

Act = Literal["colleague", "lead", "director", "end", "mend", "mend-signed"]
Holder = Literal["self", "lead", "director", "assistant"]

MAY: Mapping[Act, tuple[Holder, ...]] = {
    "colleague": ("self", "director"),
    "lead": ("lead", "director"),
    "director": ("director",),
    "end": ("lead", "director"),
    "mend": ("self", "lead", "director"),
    "mend-signed": ("self", "director"),
}
"""Who says where the mail of one of the agency's own goes, names another Lead (where the playbook
does not say who may) or another Director of an engagement, ends it, and mends what was recorded of
it: what a board decided, what was signed and what money was given for are a matter of their own.

``self`` is the person concerned, or who recorded what is mended, and ``lead`` the Lead of the
engagement; the others are whoever has that staff role.
"""


def require(
    what: str,
    by: Sequence[Holder],
    context: Context,
    *,
    lead: str | None = None,
    concerned: str | None = None,
    under: str | None = None,
) -> None:
    """Refuse what is not the acting person's to do.

    Args:
        what: What may not be done, after "may not", for the message.
        by: Who may.
        lead: The Lead of the engagement.
        concerned: The person whom it is about.
        under: The playbook version that says who may.

    Raises:
        WrongPerson: They are none of those who may.
    """
    actor = context.actor
    own = {"lead": lead, "self": concerned}
    roles = [holder for holder in by if holder not in own]
    if actor.id in [own[holder] for holder in by if holder in own]:
        return
    if actor.staff_roles.intersection(roles):
        return
    who = [
        *([f"its Lead {lead}"] if "lead" in by and lead else []),
        *([f"{concerned} themselves"] if "self" in by and concerned else []),
        *(f"a {role}" for role in roles),
    ]
    raise WrongPerson(
        f"{actor.id} may not {what}: {f'in {under} ' if under else ''}only {' or '.join(who)} may. "
        f"Ask {'one of them' if len(who) > 1 else who[0]} to run this command."
    )
