"""Who may do what on somebody else's behalf: the playbook says it, and every rule asks here.

Who waives a step, the cap on hours or a snooze stands with that in the playbook.
"""

from collections.abc import Sequence

from domain.kernel.refusals import WrongPerson
from domain.policy.authority import SILENT, AuthorityRules, Holder
from domain.rules.context import Context

_TOLD = {
    "its-lead": "its Lead",
    "its-director": "its Director",
    "assistant": "an assistant",
    "lead": "a Lead",
    "director": "a Director",
}


def authority(context: Context) -> AuthorityRules:
    """Who may do what under the playbook that counts: the engagement's own, else the newest."""
    return (context.playbook and context.playbook.authority) or SILENT


def may(by: Sequence[Holder], context: Context, lead: str | None, director: str | None) -> bool:
    """Whether the acting person is one of those who may."""
    holds = {role for role in context.actor.staff_roles if role in by}
    own = {"its-lead": lead, "its-director": director}
    return bool(holds) or context.actor.id in [own[h] for h in by if h in own]


def require(
    what: str,
    act: str | Sequence[Holder],
    context: Context,
    *,
    lead: str | None = None,
    director: str | None = None,
    concerned: str | None = None,
) -> None:
    """Refuse what is not the acting person's to do.

    Args:
        what: What may not be done, after "may not", for the message.
        act: The act, as the playbook calls it; or who may, where that stands elsewhere in it.
        lead: The Lead of the engagement.
        director: Its Director.
        concerned: The person whom it is about, who always may.

    Raises:
        WrongPerson: They are none of those who may.
    """
    by = authority(context).acts.get(act) if isinstance(act, str) else act
    if by is None or may(by, context, lead, director) or context.actor.id == concerned:
        return
    named = {"its-lead": lead, "its-director": director}
    who = [
        *([f"{concerned} themselves"] if concerned else []),
        *(f"{_TOLD[h]} {named[h] or ''}".rstrip() if h in named else _TOLD[h] for h in by),
    ]
    under = f"in {context.playbook.ref} " if context.playbook else ""
    raise WrongPerson(
        f"{context.actor.id} may not {what}: {under}only {' or '.join(who)} may. "
        f"Ask {'one of them' if len(who) > 1 else who[0]} to run this command."
    )
