"""Text about people, which can be forgotten without breaking history."""

from pydantic import BaseModel, ConfigDict


class Sealed(BaseModel):
    """Text that the store encrypts with the key of the person (or engagement) it is about.

    Erasure destroys that key: the event stays, its hash stays true, the text is gone.
    No other model may have exactly the two fields ``about`` and ``text``: the store knows
    what to encrypt by this shape.
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
