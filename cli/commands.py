"""Every command of the domain as a verb: its options, help and checks come from its declaration."""

import inspect
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    get_args,
    get_origin,
)
from uuid import UUID

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from cli.asking import Date, Names, engagement_named, lea_named, run
from cli.describing import descriptions
from cli.files import load_yaml
from cli.nouns import noun
from cli.output import REFUSED, emit_json, fail, narrate
from cli.stack import settings_or_fail
from cli.verbs import Parameter, Verbs, plain
from domain.kernel.bounds import Day
from domain.kernel.fields import Option, Positional, Ref
from domain.kernel.messages import Command
from domain.rules.registry import COMMANDS

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Receipt

C = TypeVar("C", bound=Command)

COMMON = "Every command"
"""The options of every command, below this heading in the help."""

OF_THEIR_OWN = frozenset(
    {
        "playbook upgrade", "summit invite", "summit reschedule", "entry correct", "entry retract",
    }
)  # fmt: skip
"""Commands whose verb asks for more than they say: for a preview, or for many at once."""


GIVES_A_LEAD = frozenset({"engagement-opened", "handover-set", "role-assigned"})
"""The events by which somebody may come to lead more than they can."""

BRINGS_MONEY = frozenset({"investment-added", "appropriation-recorded"})
"""The events by which an investment may stand outside the appropriation it should draw from."""

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


def option_name(name: str, field: FieldInfo) -> str:
    """What a field is called on the command line, without dashes."""
    for mark in field.metadata:
        if isinstance(mark, Option):
            return mark.name
    return name.replace("_", "-")


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
        parameters.append(_parameter(name, field, by_position=by_position, said=said))
    parameters.sort(key=lambda p: p.kind)
    own_day = any(option_name(n, f) == "on" for n, f in command.model_fields.items())
    parameters += [p for p in _common() if not (own_day and p.name == "on_")]
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


def _parameter(
    name: str, field: FieldInfo, *, by_position: bool, said: str | None
) -> inspect.Parameter:
    label = option_name(name, field)
    shown = Parameter(
        name=label.upper() if by_position else f"--{label}",
        help=said,
        # A yes or no that must be said has both words; a switch has one.
        negative=f"--no-{label}" if field.is_required() and field.annotation is bool else (),
        required=field.is_required(),
        show_default=False,
    )
    typed = _typed(field)
    if not field.is_required():
        # Marked as its own: typing takes one choice of the same words for another, and the order
        # in which they stand would be that of whichever command was built first.
        typed = Annotated[typed, object()] | None
    return inspect.Parameter(
        name,
        inspect.Parameter.POSITIONAL_ONLY if by_position else inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if field.is_required() else None,
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


def _common() -> list[inspect.Parameter]:
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
                ),
            ],
        )

    return [
        option("on_", Date | None, None, "The day it came true; today if left out (YYYY-MM-DD)."),
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
        name: _read(name, value, command.model_fields[name])
        for name, value in values.items()
        if value is not None
    }
    if _SURE in command.model_fields:
        body[_SURE] = True  # It is asked for below.
    settings = settings_or_fail()
    if settings.actor is None:
        fail(
            "Who acts? Set HANDRAIL_ACTOR to your handle in the directory, for example "
            'HANDRAIL_ACTOR=tess, or write actor = "tess" into the config file.',
            REFUSED,
        )
    actor = settings.actor
    command_id = _checked(UUID, typed_id, "--command-id")
    effective_on = _checked(date, on, "--on")

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
            from cli.previewing import end_wanted

            if not await end_wanted(door, envelope, names):
                return None, [], names
        receipt = await door.submit(envelope)
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


def answered_all_the_same(receipt: "Receipt", away: Exception) -> str:
    """What is said of an answer that is there, where what it is about cannot be read any more."""
    from bootstrap.away import why

    return (
        f"{receipt.outcome.capitalize()} on {receipt.stream}, at version {receipt.version}; what "
        f"it says cannot be read now ({why(away)})."
    )


def tell(receipt: "Receipt", sentences: list[str], names: Names, *, as_json: bool) -> None:
    """Show a receipt; a refusal leaves with exit code 1."""
    if as_json:
        emit_json(
            {
                **receipt.model_dump(mode="json", exclude={"facets", "is_open"}),
                "message": names.told(receipt.message),
                "told": [names.told(s) for s in sentences],
            }
        )
        if receipt.outcome == "refused":
            raise SystemExit(REFUSED)
        return
    if receipt.outcome == "refused":
        fail(names.told(receipt.message), REFUSED)
    if receipt.repeated:
        narrate("This command was carried out before; nothing was recorded again.")
    for sentence in sentences or [receipt.message]:
        print(names.told(sentence))


async def warned(door: "Door", receipt: "Receipt") -> list[str]:
    """What somebody should look at now that this is recorded; it never blocks."""
    kinds = {event.type for event in receipt.events}
    warnings: list[str] = []
    if not GIVES_A_LEAD.isdisjoint(kinds):
        from cli.handing import overload

        warnings += await overload(door, receipt)
    if not BRINGS_MONEY.isdisjoint(kinds):
        from cli.unappropriated import unappropriated

        warnings += await unappropriated(door, receipt)
    if "person-erased" in kinds:
        warnings += await _unreached(door, receipt.stream.removeprefix("person:"))
    return warnings


async def _unreached(door: "Door", person: str) -> list[str]:
    """What erasing somebody could not reach."""
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        rows = await listed(queries.unreached_of(connection, person=person))
    if not rows:
        return []
    them = ", ".join(row["mail"] for row in rows)
    return [f"not reached yet, for it cannot be opened: {them}. It follows then: handrail doctor"]


async def told(door: "Door", receipt: "Receipt") -> list[str]:
    """What a command recorded, a sentence an event."""
    from store.events import read_stream

    sentences: list[str] = []
    async with door.pool.acquire() as connection:
        for stream in dict.fromkeys(e.stream for e in receipt.events):
            versions = {e.version for e in receipt.events if e.stream == stream}
            recorded = await read_stream(connection, door.vault, stream, after=min(versions) - 1)
            sentences += [r.event.sentence() for r in recorded if r.stamp.version in versions]
    return sentences


async def engagement_id(door: "Door", lea: str) -> str:
    """The LEA's id, numbered when an earlier engagement with it is over."""
    from store.database import listed, queries

    found = await lea_named(door, lea)
    async with door.pool.acquire() as connection:
        earlier = await listed(queries.engagements_of_lea(connection, lea=found.id))
    if not earlier or earlier[-1]["ended_at"] is None:
        return str(earlier[-1]["id"] if earlier else found.id)
    return f"{found.id}-{len(earlier) + 1}"


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


def _checked(kind: Any, value: str | None, name: str) -> Any:
    if value is None:
        return None
    try:
        return TypeAdapter(Day if kind is date else kind).validate_python(value)
    except ValidationError as problem:
        from domain.kernel.validation import wrong_with

        fail(f"{name} {wrong_with(problem.errors()[0])}.", REFUSED)


def _read(name: str, value: Any, field: FieldInfo) -> Any:
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
