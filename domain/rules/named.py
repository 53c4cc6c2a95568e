"""What a playbook names, as people call it: by its id, or by its name however it is written."""

import re
from collections.abc import Iterable
from typing import TypeVar

from domain.kernel.naming import folded
from domain.kernel.refusals import Unknown, did_you_mean
from domain.policy.parts import Named

N = TypeVar("N", bound=Named)


def the_named(wanted: str, entries: Iterable[N], no: str, all_: str) -> N:
    """The entry that a word means.

    Args:
        no: What the refusal says that it is not, for example "is not a stakeholder group of X".
        all_: What stands before the ids in the refusal, for example "The groups:".

    Raises:
        Unknown: None is called so.
    """
    known = {entry.id: entry for entry in entries}
    sought = _bare(wanted)
    by_name = {_bare(entry.name): entry for entry in known.values()}
    by_id = {_bare(id_): entry for id_, entry in known.items()}
    if found := (by_name | by_id).get(sought):
        return found
    raise Unknown(f"{wanted!r} {no}. {did_you_mean(wanted, known)}{all_} {', '.join(known)}.")


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", folded(name))
