"""Words that many sentences share."""


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def stop(text: object) -> str:
    """Words that somebody typed, as the end of a sentence: with one full stop, not two."""
    said = str(text).rstrip()
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."
