"""The verbs and how each is typed: declared once, read in the plainest case here, else by cyclopts.

Cyclopts knows every way in which something may be typed, tells what is wrong with it and writes the
help. Importing it takes a quarter of the time of a question; so what is typed without anything
unusual is read without it, and a test holds that both take it for the same.
"""

import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from cyclopts import App

Does = Callable[..., None]
_DIGITS: Final = 18
"""No number is longer; Python itself refuses to read one of thousands of digits."""
_LAST: Final = 10
"""The place of a group of options in the help, behind those of the verb itself."""


class Date(str):
    """Shown in the help as what it is; the domain reads it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """How an argument is typed and shown; what is left out follows from its name and its type."""

    name: str | None = None
    help: str | None = None
    negative: str | tuple[()] | None = None
    """The word for no, next to an option that means yes."""
    required: bool | None = None
    show_default: bool | None = None
    group: str | None = None
    """The heading below which it stands in the help."""
    allow_leading_hyphen: bool | None = None


class Verbs:
    """A word of the command line: what it does, and the words that may follow it.

    Args:
        name: The word.
        help: What it is about, where it does nothing by itself.
    """

    def __init__(self, name: str, help: str = "", does: Does | None = None) -> None:  # noqa: A002
        self.name = name
        self.help = help
        self.does = does
        self._below: dict[str, Verbs] = {}

    def command(self, does: Does, *, name: str | None = None) -> None:
        """Add a verb, called like its function unless told another name."""
        self.add(Verbs(name or does.__name__, does=does))

    def add(self, below: "Verbs") -> None:
        """Add a word with all that may follow it."""
        self._below[below.name] = below

    def __contains__(self, word: str) -> bool:
        return word in self._below

    def __getitem__(self, word: str) -> "Verbs":
        return self._below[word]

    def call(self, typed: Sequence[str]) -> "tuple[Does, inspect.BoundArguments] | None":
        """What to do, where it is typed in the plainest way; None where cyclopts must read it."""
        if typed and typed[0] in self._below:
            return self._below[typed[0]].call(typed[1:])
        if self.does is None:
            return None
        try:
            return self.does, _read(inspect.signature(self.does), typed)
        except _Unusual:
            return None

    def app(self, **more: Any) -> "App":
        """The same for cyclopts.

        Args:
            more: What else it is to know of the whole.
        """
        from cyclopts import App

        made = App(name=self.name, help=self.help or None, **more)
        if self.does is not None:
            made.default(for_cyclopts(self.does))
        for name, below in self._below.items():
            if below.does is not None and not below._below:
                made.command(for_cyclopts(below.does), name=name)
            else:
                made.command(below.app())
        return made


class _Unusual(Exception):
    """Something that cyclopts must read, or complain of."""


def _read(signature: inspect.Signature, typed: Sequence[str]) -> inspect.BoundArguments:
    """The arguments of a verb, typed as words in their places and as options with their values."""
    by_place, named = [], {}
    for parameter in signature.parameters.values():
        match parameter.kind:
            case inspect.Parameter.POSITIONAL_ONLY:
                by_place.append(parameter)
            case inspect.Parameter.KEYWORD_ONLY:
                named[_option(parameter)] = parameter
            case _:
                raise _Unusual
    places: list[Any] = []
    options: dict[str, Any] = {}
    words = iter(typed)
    for word in words:
        if not word.startswith("-"):
            if len(places) == len(by_place):
                raise _Unusual
            places.append(_value(plain(by_place[len(places)].annotation), word))
            continue
        if word not in named:
            raise _Unusual
        name, kind = named[word].name, plain(named[word].annotation)
        if get_origin(kind) is list:
            found = _value(plain(get_args(kind)[0]), next(words, "-"))
            options.setdefault(name, []).append(found)
        elif name in options:
            raise _Unusual
        else:
            options[name] = True if kind is bool else _value(kind, next(words, "-"))
    try:
        return signature.bind(*places, **options)
    except TypeError:
        raise _Unusual from None


def _option(parameter: inspect.Parameter) -> str:
    told = [m.name for m in getattr(parameter.annotation, "__metadata__", ()) if _names(m)]
    return told[-1] if told else "--" + parameter.name.strip("_").replace("_", "-")


def _names(mark: object) -> bool:
    return isinstance(mark, Parameter) and mark.name is not None


def _value(kind: Any, word: str) -> Any:
    if word.startswith("-"):
        raise _Unusual
    if kind in (str, Date, Path):
        return kind(word)
    if kind is int and word.isascii() and word.isdecimal() and len(word) <= _DIGITS:
        return int(word)
    if get_origin(kind) is Literal and word in get_args(kind):
        return word
    raise _Unusual


def plain(annotation: Any) -> Any:
    """An annotation without None and without metadata."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        [inner] = [a for a in get_args(annotation) if a is not type(None)]
        return plain(inner)
    return annotation


def for_cyclopts(does: Does) -> Does:
    """A verb that says to cyclopts in its own terms how it is typed."""
    declared = inspect.signature(does)
    parameters = [p.replace(annotation=_marked(p.annotation)) for p in declared.parameters.values()]

    @wraps(does)
    def same(*args: Any, **kwargs: Any) -> None:
        does(*args, **kwargs)

    same.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined]
    same.__annotations__ = {p.name: p.annotation for p in parameters}
    return same


def _marked(annotation: Any) -> Any:
    if get_origin(annotation) is not Annotated:
        return annotation
    typed, *marks = get_args(annotation)
    return Annotated[typed, *(_in_its_terms(m) if isinstance(m, Parameter) else m for m in marks)]


def _in_its_terms(mark: Parameter) -> object:
    import cyclopts

    said = {f.name: getattr(mark, f.name) for f in fields(mark)}
    if mark.group is not None:
        said["group"] = cyclopts.Group(mark.group, sort_key=_LAST)
    return cyclopts.Parameter(**{name: value for name, value in said.items() if value is not None})
