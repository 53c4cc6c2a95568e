"""What differs between two versions of a playbook, part by part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from domain.policy.playbook import Playbook, Step

StepChange = Literal["added", "removed", "tightened", "loosened", "changed"]
_SAID_ELSEWHERE = ("id", "version", "title", "source", "steps")


@dataclass(frozen=True, slots=True)
class StepDifference:
    """One step that is not as it was."""

    step: Step
    """As it is in the newer version; as it was, where it is gone."""
    change: StepChange
    details: tuple[str, ...] = ()

    def told(self) -> str:
        """In a line for people."""
        kind = "tight" if self.step.tight else "loose"
        more = f": {'; '.join(self.details)}" if self.details else ""
        match self.change:
            case "added":
                return f"new {kind} step {self.step.id}, {self.step.name}"
            case "removed":
                return f"step {self.step.id} is gone, {self.step.name} (was {kind})"
            case "tightened":
                return f"step {self.step.id} becomes tight, {self.step.name}{more}"
            case "loosened":
                return f"step {self.step.id} becomes loose, {self.step.name}{more}"
            case "changed":
                return f"step {self.step.id} changes{more}"


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is not as it was."""

    where: str
    """Its place, as in ``review.priority_cap``."""
    before: str | None
    """None where there was nothing."""
    after: str | None
    """None where there is nothing any more."""

    def told(self) -> str:
        """In a line for people."""
        if self.before is None:
            return f"{self.where}: new, {self.after}"
        if self.after is None:
            return f"{self.where}: gone, was {self.before}"
        return f"{self.where}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that differs."""

    steps: tuple[StepDifference, ...]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.steps or self.changes)


def differences(before: Playbook, after: Playbook) -> Differences:
    """What differs from one version to another, steps first, then each part by its place."""
    old, new = (p.model_dump(mode="json", exclude=set(_SAID_ELSEWHERE)) for p in (before, after))
    return Differences(tuple(_steps(before, after)), tuple(_walk("", old, new)))


def _steps(before: Playbook, after: Playbook) -> Iterator[StepDifference]:
    for step in after.steps:
        was = before.step(step.id)
        if was is None:
            yield StepDifference(step, "added")
        elif was != step:
            details = tuple(
                change.told()
                for change in _walk("", was.model_dump(mode="json"), step.model_dump(mode="json"))
                if change.where != "tight"
            )
            change: StepChange = "changed"
            if was.tight != step.tight:
                change = "tightened" if step.tight else "loosened"
            yield StepDifference(step, change, details)
    for step in before.steps:
        if after.step(step.id) is None:
            yield StepDifference(step, "removed")
    both = [s.id for s in before.steps if after.step(s.id)]
    moved = [s.id for s in after.steps if before.step(s.id)]
    for is_, was_ in zip(moved, both, strict=True):
        if is_ != was_:
            first = next(s for s in after.steps if s.id == is_)
            yield StepDifference(first, "changed", (f"the order is now {', '.join(moved)}",))
            return


def _walk(where: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, list) and isinstance(after, list) and _are_named(before + after):
        before, after = ({entry["id"]: entry for entry in side} for side in (before, after))
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            place = f"{where}.{name}" if where else name
            yield from _walk(place, before.get(name), after.get(name))
        return
    yield Change(where, _shown(before), _shown(after))


def _are_named(entries: list[Any]) -> bool:
    return all(isinstance(entry, dict) and "id" in entry for entry in entries)


def _shown(value: Any) -> str | None:
    """A value in a few words."""
    if value is None or value in ([], {}):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        said = [f"{k} {shown}" for k, v in value.items() if (shown := _shown(v)) is not None]
        return value["name"] if "name" in value else ", ".join(said)
    if isinstance(value, list):
        return ", ".join(str(_shown(entry)) for entry in value)
    return str(value)
