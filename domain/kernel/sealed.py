"""Text about people, which can be forgotten without breaking history."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Sealed(BaseModel):
    """Text that the store encrypts with the key of the person (or engagement) it is about.

    Erasure destroys that key: the event stays, its hash stays true, the text is gone.
    The store knows what to encrypt by this type; another that says more of a text is made of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    """Whose key seals the text: a person's id (``p-…``) or a stream (``engagement:…``).

    Several, separated by spaces, seal it together: it is gone with any of their keys.
    """
    text: str | None
    """The text; None once the key has been destroyed."""

    def __str__(self) -> str:
        return "(erased)" if self.text is None else self.text


def sealed_in(value: object, data: Any, path: str = "") -> Iterator[tuple[Sealed, Any, str]]:
    """Every such text in a model, or in what a model holds.

    Args:
        data: The JSON data of the value.

    Returns:
        Each with its own part of the data, and the path to that.
    """
    inside: Iterator[tuple[object, Any, Any]]
    match value:
        case Sealed():
            yield value, data, path
            return
        case BaseModel():
            inside = ((getattr(value, name), name, part) for name, part in data.items())
        case Mapping():
            pairs = zip(value.values(), data.items(), strict=True)
            inside = ((inner, key, part) for inner, (key, part) in pairs)
        case list() | tuple() | set() | frozenset():
            pairs = zip(value, enumerate(data), strict=True)
            inside = ((inner, index, part) for inner, (index, part) in pairs)
        case _:
            return
    for inner, key, part in inside:
        yield from sealed_in(inner, part, f"{path}/{key}")
