"""Ids that are chosen words, and workflow ids: each from one function, and back."""

import base64
import re
from datetime import date
from uuid import UUID

PROGRAM = "program"

AGENCY = "agency"
EXTERNAL = "external"
"""The organisation of whoever works neither for the agency nor at an LEA, followed by its name."""


def host_workflow_id(stream: str) -> str:
    """The workflow that takes a stream's commands.

    An engagement has its own, and so have a summit and an appropriation; what else the program
    shares has one in common.
    """
    return stream if stream.startswith(("engagement:", "summit:", "appropriation:")) else PROGRAM


def engagement_of(workflow_id: str) -> str | None:
    """The engagement a workflow id stands for; None for another kind of workflow."""
    aggregate, _, name = workflow_id.partition("@")[0].partition(":")
    return name if aggregate == "engagement" else None


def in_epoch(name: str, epoch: str) -> str:
    """A workflow id or a task queue as one life of one store calls it.

    A copy of a store and a restored one begin an epoch of their own: what an earlier one left in
    Temporal has other names, and no worker any more.

    Args:
        epoch: Empty for a store that is older than epochs, until it is restored.
    """
    return f"{name}@{epoch}" if epoch and epoch_of(name) != epoch else name


def epoch_of(name: str) -> str:
    """The epoch in a workflow id or the name of a queue; empty where there is none."""
    return name.partition("@")[2]


DIGEST = "digest"
"""The kind of a day's mail with everything that is due; every other kind is an alarm's."""


def alarm_kind(engagement: str, notice: int) -> str:
    """The kind of the mail that one alarm goes out in: one mail for each person it is sent to."""
    return f"alarm:{engagement}:{notice}"


def alarm_of(kind: str) -> tuple[str, int] | None:
    """The engagement and the number of the notice of an alarm's mail; None for a digest."""
    if kind == DIGEST:
        return None
    _, engagement, notice = kind.split(":")
    return engagement, int(notice)


def digest_workflow_id(person: str, on: date, kind: str = DIGEST) -> str:
    """The workflow of one person's mail of one local day."""
    day = f"digest:{person}:{on.isoformat()}"
    return day if kind == DIGEST else f"{day}:{kind}"


def person_id_from(command_id: UUID) -> str:
    """The opaque id of the person a command registers: the same command, the same person."""
    return "p-" + base64.b32encode(command_id.bytes[-8:]).decode().lower().rstrip("=")


def is_person_id(name: str) -> bool:
    """Whether a name has the form of a person's opaque id."""
    return re.fullmatch(r"p-[a-z2-7]{13}", name) is not None
