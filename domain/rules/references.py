"""What a command refers to, as its fields are marked."""

from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.kernel.fields import Ref, RefKind


def refs(command: BaseModel, kind: RefKind) -> list[str]:
    """What a command refers to, as it names it, also in the entries of a list."""
    found: list[str] = []
    for name, field in type(command).model_fields.items():
        value = getattr(command, name)
        if isinstance(value, tuple):
            found += [
                r for entry in value if isinstance(entry, BaseModel) for r in refs(entry, kind)
            ]
        if value is None or not _is_ref(field, kind):
            continue
        found.extend([value] if isinstance(value, str) else value)
    return found


def one_ref(command: BaseModel, kind: RefKind) -> str | None:
    """The one thing of a kind that a command refers to; None where it refers to none."""
    return next(iter(refs(command, kind)), None)


def _is_ref(field: FieldInfo, kind: RefKind) -> bool:
    return any(isinstance(m, Ref) and m.kind == kind for m in field.metadata) or _mentions(
        field.annotation, kind
    )


def _mentions(annotation: Any, kind: RefKind) -> bool:
    metadata = getattr(annotation, "__metadata__", ())
    if any(isinstance(m, Ref) and m.kind == kind for m in metadata):
        return True
    inner = get_args(annotation) if get_origin(annotation) is not None else ()
    return any(_mentions(argument, kind) for argument in inner)
