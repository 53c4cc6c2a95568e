"""YAML as it was written: a name such as No and a code such as 011001 stay what was typed.

YAML's own loaders turn plain words into yes, nothing, numbers and days before anybody can see what
they were; here each stays text until the field that takes it says what it may be.
"""

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_DEEPEST = 20
"""Lists and sections inside each other; a playbook needs eight."""

_NOTHING = frozenset({"null", "~"})
_WORDS = {"true": True, "false": False}
_WHOLE = re.compile(r"[-+]?(0|[1-9]\d{0,17})", re.ASCII)
_FRACTION = re.compile(r"[-+]?(0|[1-9]\d{0,17})(\.\d{1,17})?([eE][-+]?\d{1,2})?", re.ASCII)


class Plain(str):
    """A value without quotes: text as it was typed, that may be meant as a number or as nothing."""

    __slots__ = ()


class NotRead(ValueError):
    """What a file says cannot be taken; the message says in which line, and what to do."""


class _Open:
    """A list or section that is being read."""

    def __init__(self, into: list[Any] | dict[str, Any]) -> None:
        self.into = into
        self.key: str | None = None

    def add(self, value: Any, line: int) -> None:
        if isinstance(self.into, list):
            self.into.append(value)
        elif self.key is not None:
            self.into[self.key], self.key = value, None
        elif not isinstance(value, str):
            raise NotRead(f"line {line}: a NAME: VALUE needs a name of one word before its colon.")
        elif str(value) in self.into:
            raise NotRead(f"line {line}: {str(value)!r} is there twice. Leave one of them out.")
        else:
            self.key = str(value)


def read(text: str) -> Any:
    """The lists, sections and texts of a YAML file; None for a value that was left out.

    Raises:
        yaml.YAMLError: It is no YAML.
        NotRead: It says something that is not taken here.
    """
    import yaml

    top = _Open([])
    within = [top]
    documents = 0
    for event in _events(text):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise NotRead(f"line {line}: a file has one list; take out the --- before it.")
        elif isinstance(event, yaml.AliasEvent):
            raise NotRead(
                f"line {line}: *{event.anchor} repeats what stands elsewhere. Write it out."
            )
        elif isinstance(event, yaml.NodeEvent):
            tag = getattr(event, "tag", None)
            if tag is not None:
                raise NotRead(f"line {line}: {tag} is not read here. Write the value without it.")
            if isinstance(event, yaml.ScalarEvent):
                value = event.value if event.style else Plain(event.value) or None
                within[-1].add(value, line)
                continue
            into: Any = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            within[-1].add(into, line)
            if len(within) > _DEEPEST:
                raise NotRead(
                    f"line {line}: lists and sections stand more than {_DEEPEST} deep in each "
                    f"other. Look for brackets that are not closed."
                )
            within.append(_Open(into))
        elif isinstance(event, yaml.CollectionEndEvent):
            within.pop()
    assert isinstance(top.into, list)
    return top.into[0] if top.into else None


def _events(text: str) -> Iterator[Any]:
    import yaml

    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except (ValueError, OverflowError) as problem:
        if isinstance(problem, NotRead):
            raise
        # Of an escape such as "\Uffffffff", which no character has.
        raise NotRead(
            "a \\ in double quotes begins a character that does not exist. Double it, or use "
            "single quotes."
        ) from problem


def fitted(value: Any, annotation: Any) -> Any:
    """What a file says, as the field that takes it may have it.

    Where a field may be text, text it is, as it was typed; where it may be a number besides, a
    plain number is one; and where it may be left out, a plain null or ~ leaves it out.
    """
    options = list(_options(annotation))
    if isinstance(value, Plain):
        return _meant(value, options)
    if isinstance(value, list):
        inner = next((get_args(o)[0] for o in options if get_origin(o) in (tuple, list)), Any)
        return [fitted(entry, inner) for entry in value]
    if isinstance(value, dict):
        return {name: fitted(entry, _entry(options, name)) for name, entry in value.items()}
    return value


def _options(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _options(part)
    else:
        yield annotation


def _entry(options: list[Any], name: str) -> Any:
    """What may stand under a name in a section."""
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel):
            if name in option.model_fields:
                return option.model_fields[name].annotation
        elif isinstance(origin := get_origin(option), type) and issubclass(origin, Mapping):
            return get_args(option)[1]
    return Any


def _meant(value: Plain, options: list[Any]) -> Any:
    kinds = {type(v) for o in options if get_origin(o) is Literal for v in get_args(o)}
    kinds |= {o for o in options if isinstance(o, type)}
    if type(None) in kinds and value in _NOTHING:
        return None
    if bool in kinds and value in _WORDS:
        return _WORDS[value]
    if int in kinds and _WHOLE.fullmatch(value):
        return int(value)
    if float in kinds and _FRACTION.fullmatch(value):
        return float(value)
    return str(value)
