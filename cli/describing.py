"""What each field of a command is for: the docstring below it, read when somebody asks.

Pydantic can read them too, but does so for every class whenever a program starts.
"""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from domain.kernel.messages import Command


def descriptions(command: type[Command]) -> dict[str, str]:
    """Every field of a command that is described, with its description."""
    found = {n: f.description for n, f in command.model_fields.items() if f.description}
    for kind in reversed(command.__mro__):
        if issubclass(kind, Command):
            found |= _below_fields(kind.__module__).get(kind.__name__, {})
    return found


@cache
def _below_fields(module: str) -> Mapping[str, Mapping[str, str]]:
    """The classes of a module, each with the docstrings below its fields."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {c.name: dict(_documented(c)) for c in tree.body if isinstance(c, ast.ClassDef)}


def _documented(declared: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (field.target.id, inspect.cleandoc(below.value.value))
        for field, below in zip(declared.body, declared.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    ]
