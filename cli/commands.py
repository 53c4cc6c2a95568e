"""Every command of the domain as a verb: its options, help and checks come from its declaration."""

import inspect
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cli.terminal.dates import checked
from cli.terminal.files import load_yaml
from cli.terminal.nouns import noun
from cli.terminal.options import descriptions, validated
from cli.terminal.output import REFUSED, fail, narrate
from cli.terminal.receipts import answered_all_the_same, tell
from cli.terminal.session import run, who_acts
from cli.verbs import Date, Parameter, Verbs, plain
from domain.kernel.fields import Positional, Ref, option_name
from domain.kernel.messages import Command
from domain.rules.registry import COMMANDS
from queries.names import Names
from queries.refs import engagement_id, engagement_named

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Receipt


COMMON = "Every command"
"""The options of every command, below this heading in the help."""

OF_THEIR_OWN = frozenset(
    {
        "playbook upgrade", "summit invite", "summit reschedule", "entry correct", "entry retract",
    }
)  # fmt: skip
"""Commands whose verb asks for more than they say: for a preview, or for many at once."""


_SURE = "sure"
"""The option that answers beforehand what is asked about an end."""

OPEN_ENGAGEMENT = "engagement open"
"""Whose engagement is not typed: its id is made from its LEA."""


def register(app: Verbs, kinds: Iterable[str] = COMMANDS, *, described: bool = True) -> None:
    """Add a verb for every command that people give.

    Args:
        kinds: Only these commands: to make them all takes longer than most commands do.
        described: Whether somebody wants to read what their options are for.
    """
    for kind in kinds:
        command = COMMANDS[kind]
        if not command.internal and kind not in OF_THEIR_OWN:
            made = verb(command, described=described)
            noun(app, command.noun).command(made, name=command.verb)


def engagements_in(command: type[Command]) -> list[str]:
    """The fields that name an engagement."""
    wanted = Ref("engagement")
    return [name for name, field in command.model_fields.items() if wanted in field.metadata]


def is_hidden(name: str, command: type[Command]) -> bool:
    """Fields that people do not type: an engagement's id is made from its LEA."""
    return (command.kind() == OPEN_ENGAGEMENT and name == "engagement") or name == "facts"


def verb(command: type[Command], *, described: bool = True) -> Any:
    """A function whose signature is the command's declaration."""
    help_of = descriptions(command) if described else {}
    parameters: list[inspect.Parameter] = []
    for name, field in command.model_fields.items():
        if is_hidden(name, command):
            continue
        by_position = any(isinstance(m, Positional) for m in field.metadata) or (
            command.kind() == OPEN_ENGAGEMENT and name == "lea"
        )
        said = help_of.get(name)
        required = field.is_required() or name in command.stated
        made = parameter(name, field, by_position=by_position, required=required, said=said)
        parameters.append(made)
    parameters.sort(key=lambda p: p.kind)
    own_day = any(option_name(n, f) == "on" for n, f in command.model_fields.items())
    day_said = "on" in command.stated
    parameters += [p for p in common(day_said=day_said) if not (own_day and p.name == "on_")]
    if command.ends and _SURE not in command.model_fields:
        parameters.append(_sure())

    def handler(*args: Any, **kwargs: Any) -> None:
        bound = inspect.signature(handler).bind(*args, **kwargs)
        bound.apply_defaults()
        give(command, dict(bound.arguments))

    handler.__name__ = command.verb
    handler.__doc__ = command.__doc__
    handler.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    handler.__annotations__ = {p.name: p.annotation for p in parameters}
    return handler


def parameter(
    name: str, field: FieldInfo, *, by_position: bool, required: bool, said: str | None
) -> inspect.Parameter:
    label = option_name(name, field)
    shown = Parameter(
        name=label.upper() if by_position else f"--{label}",
        help=said,
        # A yes or no that must be said has both words; a switch has one.
        negative=f"--no-{label}" if required and field.annotation is bool else (),
        required=required,
        show_default=False,
    )
    typed = _typed(field)
    if not required:
        # Marked as its own: typing takes one choice of the same words for another, and the order
        # in which they stand would be that of whichever command was built first.
        typed = Annotated[typed, object()] | None
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_ONLY if by_position else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if required else None,
        annotation=Annotated[typed, shown],
    )


def _typed(field: FieldInfo) -> Any:
    """How the command line takes a field; its value is checked by the domain, not here."""
    inner = plain(field.annotation)
    origin = get_origin(inner)
    if inner is bool or origin is Literal:
        return inner
    if inner is date:
        return Date
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return Path
    if origin is tuple:
        element = plain(get_args(inner)[0])
        return list[element if get_origin(element) is Literal else str]  # type: ignore[misc]
    if origin is not None and issubclass(origin, Mapping):
        return list[str]
    return str


def common(*, day_said: bool = False) -> list[inspect.Parameter]:
    def option(name: str, annotation: Any, default: Any, text: str) -> inspect.Parameter:
        return inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[
                annotation,
                Parameter(
                    name=f"--{name.rstrip('_').replace('_', '-')}",
                    help=text,
                    negative=(),
                    group=COMMON,
                    show_default=False,
                    required=default is inspect.Parameter.empty,
                ),
            ],
        )

    day = (
        option("on_", Date, inspect.Parameter.empty, "The day it came true (YYYY-MM-DD).")
        if day_said
        else option(
            "on_", Date | None, None, "The day it came true; today if left out (YYYY-MM-DD)."
        )
    )
    return [
        day,
        option(
            "illustrative",
            bool,
            False,
            "Mark what this records as illustrative: every mail and report says so.",
        ),
        option("command_id", str | None, None, "Repeat a command safely under its own id."),
        option("json_", bool, False, "Answer with one JSON object."),
    ]


def _sure() -> inspect.Parameter:
    said = Parameter(name="--sure", help="Do not ask first.", negative=(), show_default=False)
    return inspect.Parameter(
        _SURE, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, said]
    )


def give(command: type[Command], values: dict[str, Any]) -> None:
    """Check what was typed, send it, tell the answer, and leave with its exit code."""
    sure = not command.ends or bool(values.pop(_SURE, False))
    as_json = bool(values.pop("json_"))
    typed_id = values.pop("command_id")
    on = values.pop("on_", None)
    illustrative = bool(values.pop("illustrative"))
    body = {
        name: read_value(name, value, command.model_fields[name])
        for name, value in values.items()
        if value is not None
    }
    if _SURE in command.model_fields:
        body[_SURE] = True  # It is asked for below.
    actor = who_acts()
    command_id = checked(UUID, typed_id, "--command-id")
    effective_on = checked(date, on, "--on")

    warnings: list[str] = []
    theirs = [name for name in engagements_in(command) if name in body]

    async def work(door: "Door") -> "tuple[Receipt | None, list[str], Names]":
        from bootstrap.door import new_command_id
        from store.database import AWAY
        from store.errors import Unreadable, VaultError

        if command.kind() == OPEN_ENGAGEMENT:
            body["engagement"] = await engagement_id(door, body["lea"])
        else:
            for name in theirs:
                body[name] = await engagement_named(door, str(body[name]))
        checked = validated(command, body)
        given = command_id or new_command_id()
        issued_at = await door.now()
        envelope = door.packed(
            checked,
            command_id=given,
            actor=actor,
            issued_at=issued_at,
            effective_on=effective_on,
            illustrative=illustrative,
        )
        names = Names(door)
        if not sure:
            from cli.terminal.preview import end_wanted

            if not await end_wanted(door, envelope, names):
                return None, [], names
        receipt = await door.submit(envelope)
        from queries.receipts import told, warned

        try:
            sentences = await told(door, receipt)
            warnings.extend(await warned(door, receipt))
            await names.learn(receipt.message, *sentences, *warnings)
        except (*AWAY, VaultError, Unreadable) as away:
            sentences = [answered_all_the_same(receipt, away)]
        return receipt, sentences, names

    if command.kind() != OPEN_ENGAGEMENT:
        # Before anything is connected; an engagement may still be called by its LEA's name.
        validated(command, body | dict.fromkeys(theirs, "any"))
    receipt, sentences, names = run(work, commands=True)
    for warning in warnings:
        narrate(f"Warning: {names.told(warning)}")
    if receipt is None:
        narrate("Nothing was recorded.")
        return
    tell(receipt, sentences, names, as_json=as_json)


def read_value(name: str, value: Any, field: FieldInfo) -> Any:
    """A typed value as the domain takes it: files are loaded, NAME=VALUE pairs taken apart."""
    if isinstance(value, Path):
        return load_yaml(value, field.annotation)
    origin = get_origin(plain(field.annotation))
    if isinstance(value, list) and isinstance(origin, type) and issubclass(origin, Mapping):
        pairs = {}
        for entry in value:
            key, equals, text = str(entry).partition("=")
            if not equals:
                fail(f"--{option_name(name, field)} {entry!r}: write it as NAME=VALUE.", REFUSED)
            if key.strip() in pairs:
                fail(f"--{option_name(name, field)} names {key.strip()!r} twice.", REFUSED)
            pairs[key.strip()] = text
        return pairs
    return value
