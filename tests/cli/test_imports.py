"""What an import's help says of its file."""

import pytest

from cli.imports import columns
from tests.cli.test_json import verbs


@pytest.mark.parametrize(
    "kind",
    ["lea register", "person register", "conversation log", "evidence log", "investment add"],
)
def test_the_help_of_an_import_names_its_columns(kind: str) -> None:
    from cli.main import build

    importer = dict(verbs(build()))[f"{kind.partition(' ')[0]} import"]
    assert columns(kind) in str(importer.help)


def test_columns_that_must_be_there_come_first() -> None:
    assert columns("evidence log") == (
        "Columns that must be there: engagement, area, method, group. "
        "Others: count, wave, effective, illustrative."
    )
