"""Whom a name means, however it is typed."""

import pytest

from domain.kernel.naming import Called, folded, meant

PEOPLE = {
    "p-joy": Called(("Joy Kim",), ("joy",)),
    "p-jo": Called(("Joy Kim Park",), ("jkp",)),
    "p-marcus": Called(("Marcus Oyelaran",), ("marcus",)),
    "p-bell": Called(("Marcus Bell",), ("mbell",)),
    "p-jose": Called(("José Núñez",), ("jose",)),
    "p-josé": Called(("Jose Nunez-Ortiz",), ("jno",)),
    "p-obrien": Called(("Ann O'Brien",), ("ann",)),
    "p-ann": Called(("Anne-Marie Weiß",), ("amw",)),
}
LEAS = {
    "alder-creek-usd": Called(("alder-creek-usd", "Alder Creek Unified School District", "ACUSD")),
    "alder-flat-usd": Called(("alder-flat-usd", "Alder Flat Unified School District")),
    "birch": Called(("birch", "Birch Elementary")),
}


@pytest.mark.parametrize(
    ("typed", "whose"),
    [
        pytest.param("Joy Kim", ["p-joy"], id="a whole name before a part of another's"),
        pytest.param("joy  KIM", ["p-joy"], id="case and spaces"),
        pytest.param("Joy\u00a0Kim", ["p-joy"], id="no-break space"),
        pytest.param("Joy\u200b Kim", ["p-joy"], id="what cannot be seen"),
        pytest.param("Kim, Joy Park", ["p-jo"], id="in another order"),
        pytest.param("Kim", ["p-joy", "p-jo"], id="a part that two have"),
        pytest.param("Oyelaran", ["p-marcus"], id="a surname"),
        pytest.param("Marcus", ["p-marcus", "p-bell"], id="a handle is no more than a first name"),
        pytest.param("MBELL", ["p-bell"], id="a handle in capitals"),
        pytest.param("Jose\u0301 Nu\u0301n\u0303ez", ["p-jose"], id="accents put together"),
        pytest.param("Jose Nunez", ["p-jose"], id="without accents"),
        pytest.param("Núñez", ["p-jose"], id="accents tell apart"),
        pytest.param("nunez", ["p-josé"], id="as it is written before as it may be meant"),
        pytest.param("O\u2019Brien", ["p-obrien"], id="another apostrophe"),
        pytest.param("Anne\u2011Marie WEISS", ["p-ann"], id="another hyphen, and the German s"),
        pytest.param("Marie", ["p-ann"], id="one side of a hyphen"),
        pytest.param("Mar", [], id="the beginning of a word"),
        pytest.param("Joy Oyelaran", [], id="words of two people"),
        pytest.param("  ", [], id="blank"),
        pytest.param(".", [], id="a full stop"),
    ],
)
def test_a_person_is_found_as_typed(typed: str, whose: list[str]) -> None:
    assert meant(typed, PEOPLE) == whose


@pytest.mark.parametrize(
    ("typed", "which"),
    [
        ("acusd", ["alder-creek-usd"]),
        ("ALDER CREEK Unified", ["alder-creek-usd"]),
        ("alder creek usd", ["alder-creek-usd"]),
        ("Alder", ["alder-creek-usd", "alder-flat-usd"]),
        ("Birch", ["birch"]),
        ("Creek Elementary", []),
    ],
)
def test_an_lea_is_found_as_typed(typed: str, which: list[str]) -> None:
    assert meant(typed, LEAS) == which


def test_folding_twice_is_folding_once() -> None:
    for name in ("Straße", "İstanbul", "ﬁrst", "Jose\u0301", "ẞ", "a\u00adb", " x  y "):
        assert folded(folded(name)) == folded(name)
