"""Putting right what was entered: other values for an entry, or none at all."""

import inspect
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, get_args

from cli.commands import common, is_hidden, parameter, read_value
from cli.terminal.dates import checked
from cli.terminal.options import descriptions, validated
from cli.terminal.output import USAGE, fail, narrate
from cli.terminal.preview import asks, wanted
from cli.terminal.receipts import tell
from cli.terminal.session import CommandId, Json, Switch, run, who_acts
from cli.verbs import Parameter, Verbs
from domain.kernel.fields import option_name
from domain.kernel.refusals import WrongState
from queries.names import Names
from queries.refs import stream_named

if TYPE_CHECKING:
    from uuid import UUID

    from bootstrap.door import Door
    from domain.envelope import Envelope, Receipt
    from domain.kernel.messages import Command
    from domain.mending import CorrectEntry, RetractEntry


_DAY = "on_"
"""The option of every command for the day on which it came true."""
Values = Annotated[str, Parameter(name="VALUES", allow_leading_hyphen=True)]


def register(app: Verbs) -> None:
    """Add the verbs."""
    app.command(correct)
    app.command(retract)
    app.command(undo)


def correct(
    engagement: str,
    number: int,
    /,
    *values: Values,
    reason: str,
    with_consequences: Switch = False,
    dry_run: Switch = False,
    sure: Switch = False,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Put what was entered right; on a terminal you see first what would change.

    The values are written as for the command that made the entry: for a board's vote,
    handrail correct alder-creek-usd 11 --vote 5-0 --reason "typed 4-1".

    Args:
        engagement: The engagement, or a whole stream, such as lea:alder-creek-usd.
        number: The entry's number in handrail history.
        values: What was wrong, with the options of the command that made the entry.
        reason: Why, for example "typed 4-1".
        with_consequences: Take back what can no longer stand as well.
        dry_run: Say what would change and write nothing.
        sure: Do not show it and ask first.
        command_id: Repeat it safely under its own id.
        json_: One JSON object.
    """
    from queries.mending import typed_then

    async def made(door: "Door", one: str) -> "CorrectEntry":
        from domain.mending import CorrectEntry

        kind, before = await typed_then(door, one, number)
        typed, on = typed_values(kind, values)
        validated(kind, {**before, **typed})
        return validated(
            CorrectEntry,
            {
                "of": one,
                "entry": number,
                "reason": reason,
                "values": typed,
                "on": on,
                "with_consequences": with_consequences,
            },
        )

    _mend(engagement, made, dry_run=dry_run, sure=sure, typed_id=command_id, as_json=json_)


def retract(
    engagement: str,
    number: int,
    /,
    *,
    reason: str,
    with_consequences: Switch = False,
    dry_run: Switch = False,
    sure: Switch = False,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Take back what was entered; on a terminal you see first what would change.

    Args:
        engagement: The engagement, or a whole stream, such as lea:alder-creek-usd.
        number: The entry's number in handrail history.
        reason: Why, for example "logged on the wrong LEA".
        with_consequences: Take back what rests on it as well.
        dry_run: Say what would change and write nothing.
        sure: Do not show it and ask first.
        command_id: Repeat it safely under its own id.
        json_: One JSON object.
    """

    async def made(door: "Door", one: str) -> "RetractEntry":
        from domain.mending import RetractEntry

        return validated(
            RetractEntry,
            {
                "of": one,
                "entry": number,
                "reason": reason,
                "with_consequences": with_consequences,
            },
        )

    _mend(engagement, made, dry_run=dry_run, sure=sure, typed_id=command_id, as_json=json_)


def undo(
    *,
    reason: str = "undone by who entered it",
    dry_run: Switch = False,
    sure: Switch = False,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Take back the last thing that you entered.

    Args:
        reason: Why.
        dry_run: Say what would change and write nothing.
        sure: Do not show it and ask first.
        command_id: Repeat it safely under its own id.
        json_: One JSON object.
    """
    from queries.mending import last_entry

    async def made(door: "Door", one: str) -> "RetractEntry":
        from domain.mending import RetractEntry

        row = await last_entry(door, who_acts())
        if row["type"] == "entry-mended":
            raise WrongState(
                f"The last thing that you entered is a correction, entry {row['version']} of "
                f"{one}. Correct it again: handrail history {one}"
            )
        return validated(RetractEntry, {"of": one, "entry": row["version"], "reason": reason})

    async def mine(door: "Door") -> str:
        return str((await last_entry(door, who_acts()))["stream"])

    _mend(mine, made, dry_run=dry_run, sure=sure, typed_id=command_id, as_json=json_)


def _mend(
    where: Any,
    made: Any,
    *,
    dry_run: bool,
    sure: bool,
    typed_id: str | None,
    as_json: bool,
) -> None:
    """Show what a correction would do, ask, and record it."""
    from uuid import UUID

    from queries.preview import previewed
    from queries.receipts import told

    who_acts()
    command_id = checked(UUID, typed_id, "--command-id")
    ask = not (sure or as_json) and asks()

    async def work(door: "Door") -> "tuple[Receipt | None, list[str], Names]":
        one = await (where(door) if callable(where) else stream_named(door, where))
        envelope = await packed(door, await made(door, one), command_id)
        names = Names(door)
        if dry_run or ask:
            sentences = await previewed(door, envelope)
            await names.learn(*sentences)
            if dry_run or (sentences and not wanted([names.told(s) for s in sentences])):
                return None, sentences, names
        receipt = await door.submit(envelope)
        sentences = await told(door, receipt)
        await names.learn(receipt.message, *sentences)
        return receipt, sentences, names

    receipt, sentences, names = run(work, commands=not dry_run)
    if receipt is not None:
        tell(receipt, sentences, names, as_json=as_json)
    elif dry_run:
        narrate("Nothing is written by a dry run.")
        for sentence in sentences or ["Nothing would change: it is so already."]:
            print(names.told(sentence))
    else:
        narrate("Nothing was recorded.")


async def packed(
    door: "Door", command: "CorrectEntry | RetractEntry", command_id: "UUID | None"
) -> "Envelope":
    """A correction as it travels."""
    from bootstrap.door import new_command_id

    return door.packed(
        command,
        command_id=command_id or new_command_id(),
        actor=str(door.settings.actor),
        issued_at=await door.now(),
    )


def typed_values(
    command: "type[Command]", tokens: Sequence[str]
) -> tuple[dict[str, Any], date | None]:
    """What was typed after an entry's number, read as its command's options; and the day."""
    said = descriptions(command)
    parameters = [
        _optional(parameter(name, field, by_position=False, required=False, said=said.get(name)))
        for name, field in command.model_fields.items()
        if not is_hidden(name, command) and name != "engagement"
    ]
    named = {option_name(p.name, command.model_fields[p.name]): p for p in parameters}
    if "on" not in named:
        [day] = [p for p in common() if p.name == _DAY]
        named["on"] = day
    signature = inspect.Signature([*named.values()])

    def take(**given: Any) -> None:
        """Only its signature is read."""

    take.__signature__ = signature  # type: ignore[attr-defined]
    take.__annotations__ = {p.name: p.annotation for p in named.values()}
    from cyclopts import CycloptsError

    parser = Verbs("correct", does=take).app(help_flags=[], version_flags=[])
    try:
        _, bound, _ = parser.parse_args(list(tokens), exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        known = ", ".join(f"--{name}" for name in named)
        what = str(wrong).strip().splitlines()[0] if str(wrong).strip() else "That was not read."
        fail(f"{what} What handrail {command.kind()} takes: {known}", USAGE)
    taken = dict(bound.arguments)
    on = checked(date, taken.pop(_DAY, None), "--on")
    typed = {
        name: read_value(name, value, command.model_fields[name])
        for name, value in taken.items()
        if value is not None
    }
    return typed, on


def _optional(parameter: inspect.Parameter) -> inspect.Parameter:
    typed, *shown = get_args(parameter.annotation)
    left_out: Any = Annotated[typed | None, *shown, Parameter(required=False)]
    return parameter.replace(default=None, annotation=left_out)
