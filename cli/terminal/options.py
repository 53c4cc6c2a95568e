"""What the fields of a command are called, what they are for, and what is wrong with them."""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from cli.terminal.output import REFUSED, fail
from domain.kernel.fields import Positional, option_name
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


C = TypeVar("C", bound=Command)


def validated(command: type[C], body: dict[str, Any]) -> C:
    """The command, or a refusal that names every wrong value."""
    try:
        return command.model_validate(body)
    except ValidationError as problem:
        fail(explain(problem, command), REFUSED)


def explain(problem: ValidationError, command: type[Command]) -> str:
    """What is wrong with the values of a command, in one paragraph."""
    from domain.kernel.validation import wrong_with

    parts = []
    for error in problem.errors(include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        field = command.model_fields.get(name)
        if not error["loc"]:
            # A problem of the whole command says itself which values it is about.
            parts.append(error["msg"].removeprefix("Value error, ").rstrip("."))
            continue
        label = _label(name, field) if field else name
        inner = ".".join(str(part) for part in error["loc"][1:])
        label += f" ({inner})" if inner else ""
        form = descriptions(command).get(name) if field and not inner else None
        parts.append(f"{label} {wrong_with(error, form=form, amount=name == 'amount')}")
    return f"{'; '.join(parts)}. See handrail {command.noun} {command.verb} --help"


def _label(name: str, field: FieldInfo) -> str:
    label = option_name(name, field)
    by_position = any(isinstance(m, Positional) for m in field.metadata)
    return label.upper() if by_position else f"--{label}"
