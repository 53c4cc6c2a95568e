"""Names of streams and of workflows, and ids that are chosen words: made and taken apart."""

import base64
import re
from datetime import date
from typing import Literal
from uuid import UUID

Aggregate = Literal[
    "engagement",
    "summit",
    "lea",
    "person",
    "playbook",
    "calendar",
    "framework",
    "program",
    "appropriation",
]

PROGRAM = "program"
"""The one stream that is alone of its kind, and is called by that."""

AGENCY = "agency"
EXTERNAL = "external"
"""The organisation of whoever works neither for the agency nor at an LEA, followed by its name."""


def stream_of(aggregate: Aggregate, id_: str) -> str:
    """The name of a stream: its kind and its people-facing id."""
    return f"{aggregate}:{id_}"


def aggregate_of(stream: str) -> str:
    """The kind of a stream, or of a workflow that has its name."""
    return stream.partition(":")[0]


def id_of(stream: str) -> str:
    """The people-facing id of what a stream is about."""
    return stream.partition(":")[2] or stream


def subject_of(stream: str) -> str:
    """Whose key seals what is said on a stream: the person's it is about, or the stream's own."""
    return id_of(stream) if aggregate_of(stream) == "person" else stream


def host_workflow_id(stream: str) -> str:
    """The workflow that takes a stream's commands.

    An engagement has its own, and so have a summit and an appropriation; what else the program
    shares has one in common.
    """
    own = aggregate_of(stream) in ("engagement", "summit", "appropriation")
    return stream if own else PROGRAM


def engagement_of(workflow_id: str) -> str | None:
    """The engagement a workflow id stands for; None for another kind of workflow."""
    stream = workflow_id.partition("@")[0]
    return id_of(stream) if aggregate_of(stream) == "engagement" else None


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
