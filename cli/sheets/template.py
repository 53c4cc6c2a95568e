"""A workbook to be filled in: the columns of an import, and what each means."""

from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from cli.sheets.results import put
from cli.terminal.files import unreadable
from cli.terminal.options import descriptions
from cli.terminal.output import REFUSED, emit_json, fail
from cli.terminal.session import Json, Switch
from cli.verbs import plain
from domain.kernel.fields import option_name
from domain.kernel.messages import Command
from domain.kernel.refusals import did_you_mean
from domain.rules.registry import COMMANDS

_IMPORTED: Final = {
    "lea": "lea register", "lea import": "lea register", "lea fact-import": "lea fact",
    "person": "person register", "person import": "person register",
    "people": "person register", "conversation": "conversation log",
    "conversation import": "conversation log", "evidence": "evidence log",
    "evidence import": "evidence log", "investment": "investment add",
    "investment import": "investment add", "attendance": "summit attendance record",
    "summit attendance": "summit attendance record",
    "summit attendance import": "summit attendance record",
    "dashboard": "dashboard record", "dashboard import": "dashboard record",
    "survey": "survey record", "survey import": "survey record",
}  # fmt: skip
"""Commands by the nouns and verbs of their imports."""

_READ_BY: Final = {
    "lea register": "lea import", "lea fact": "lea fact-import",
    "person register": "person import", "conversation log": "conversation import",
    "evidence log": "evidence import", "investment add": "investment import",
    "summit attendance record": "summit attendance import SUMMIT",
    "dashboard record": "dashboard import ENGAGEMENT",
    "survey record": "survey import ENGAGEMENT --survey YEAR --on DATE",
}  # fmt: skip
_ROWS: Final = 1000
"""Down to which the cells are made for what belongs there."""

_WITHOUT: Final = {
    "summit attendance record": {"summit"}, "dashboard record": {"engagement", "reason"},
}  # fmt: skip
"""Columns that the import is told at the command line."""


def import_template(
    kind: str, /, *, xlsx: Path, replace: Switch = False, json_: Json = False
) -> None:
    """Write a workbook to be filled in: a sheet of headings, and one that says what each means.

    Args:
        kind: What the rows are to be: a command such as "lea register", or the noun of an import,
            such as lea, person, conversation, evidence, investment, attendance, dashboard or
            survey.
        xlsx: The workbook to write.
        replace: Write over a file that is there.
        json_: One JSON object.
    """
    wanted = " ".join(kind.split()).casefold()
    command = COMMANDS.get(_IMPORTED.get(wanted, wanted))
    if command is None or command.internal:
        near = did_you_mean(wanted, [*COMMANDS, *_IMPORTED])
        fail(f"{kind!r} is nothing that is imported. {near}See handrail --help", REFUSED)
    if xlsx.suffix.lower() != ".xlsx":
        fail(f"--xlsx {xlsx}: name it .xlsx.", REFUSED)
    if xlsx.exists() and not replace:
        fail(f"{xlsx} is there already. Choose another name, or add --replace.", REFUSED)
    try:
        _book(command).save(xlsx)
    except OSError as problem:
        fail(unreadable(xlsx, problem), REFUSED)
    if json_:
        emit_json({"file": str(xlsx), "command": command.kind()})
        return
    reads = _READ_BY.get(command.kind(), "import")
    print(f"Wrote {xlsx}. Once it is filled in: handrail {reads} {xlsx} --dry-run")


def _columns(command: type[Command]) -> list[tuple[str, bool, str, tuple[str, ...]]]:
    """Each column: its name, whether it must be filled in, what it means, what may stand there."""
    if command.kind() == "survey record":
        return [
            ("construct", True, "The construct, by its name or id in the playbook.", ()),
            ("mean", True, "The mean of all answers, on the questionnaire's scale.", ()),
            ("answers", True, "How many answered.", ()),
        ]
    said = descriptions(command)
    left_out = _WITHOUT.get(command.kind(), set())
    found: list[tuple[str, bool, str, tuple[str, ...]]] = []
    if command.kind() == "dashboard record":
        found += [
            ("indicator", True, "The indicator, by its name or short name.", ()),
            ("group", False, "The student group; all students if left out.", ()),
            ("colour", False, "What is shown, or no colour; empty where nobody stated it.", ()),
        ]
        left_out = left_out | {"result"}
    for name, field in command.model_fields.items():
        option = option_name(name, field)
        if name == "facts" or option in left_out:
            continue
        kind = plain(field.annotation)
        choices: tuple[str, ...] = ()
        if get_origin(kind) is Literal:
            choices = tuple(str(choice) for choice in get_args(kind))
        elif kind is bool:
            choices = ("yes", "no")
        many = ' Several: with ";" between them.' if get_origin(kind) is tuple else ""
        found.append((option, field.is_required(), said.get(name, "") + many, choices))
    found.sort(key=lambda c: not c[1])
    options = {option for option, *_ in found}
    if "on" not in options:
        found.append(("on", False, "The day it came true (YYYY-MM-DD); today if left out.", ()))
    found.append(
        ("illustrative", False, "yes where the row is invented, for demonstration.", ("yes", "no"))
    )
    if command.kind() not in _READ_BY:
        found.insert(0, ("command", True, f"Always {command.kind()}.", (command.kind(),)))
    return found


def _book(command: type[Command]) -> Any:
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Rows"
    meanings = book.create_sheet("What the columns mean")
    for place, title in enumerate(("Column", "Must be filled in", "Meaning", "One of"), start=1):
        put(meanings.cell(1, place), title)
        meanings.cell(1, place).font = Font(bold=True)
    for place, (name, needed, meaning, choices) in enumerate(_columns(command), start=1):
        heading = sheet.cell(1, place)
        put(heading, name)
        heading.font = Font(bold=True)
        if needed:
            heading.fill = PatternFill("solid", fgColor="FFF2CC")
        heading.comment = Comment(
            " ".join(filter(None, ("Must be filled in." if needed else "", meaning))), "Handrail"
        )
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = max(14, len(name) + 4)
        # As text, so that a code keeps its zeros and a day what was typed.
        sheet.column_dimensions[letter].number_format = "@"
        for row in range(2, 2 + _ROWS):
            sheet[f"{letter}{row}"].number_format = "@"
        if choices and len(",".join(choices)) < 250:
            allowed = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            sheet.add_data_validation(allowed)
            allowed.add(f"{letter}2:{letter}{1 + _ROWS}")
        said = (name, "yes" if needed else "", meaning, ", ".join(choices))
        for at, text in enumerate(said, start=1):
            put(meanings.cell(1 + place, at), text)
            meanings.cell(1 + place, at).alignment = Alignment(wrap_text=True, vertical="top")
    sheet.freeze_panes = "A2"
    for letter, width in (("A", 18), ("B", 18), ("C", 80), ("D", 50)):
        meanings.column_dimensions[letter].width = width
    return book
