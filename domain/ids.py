"""Workflow ids: each from one function, and back."""

from datetime import date

PROGRAM = "program"


def host_workflow_id(stream: str) -> str:
    """The workflow that takes a stream's commands.

    An engagement has its own; what the program shares has one in common.
    """
    return stream if stream.startswith("engagement:") else PROGRAM


def engagement_of(workflow_id: str) -> str | None:
    """The engagement a workflow id stands for; None for another kind of workflow."""
    aggregate, _, name = workflow_id.partition(":")
    return name if aggregate == "engagement" else None


def digest_workflow_id(person: str, on: date) -> str:
    """The workflow of one person's digest of one local day."""
    return f"digest:{person}:{on.isoformat()}"
