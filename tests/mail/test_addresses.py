import pytest

from activities.mail.addresses import Mailbox, bare_address, parse_mailbox, single_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("joy@alder.example", Mailbox("", "joy@alder.example"), id="bare"),
        pytest.param("<joy@alder.example>", Mailbox("", "joy@alder.example"), id="in brackets"),
        pytest.param("Joy Kim <j@a.example>", Mailbox("Joy Kim", "j@a.example"), id="name"),
        pytest.param(
            "Kim, Joy, Ed.D. <j@a.example>", Mailbox("Kim, Joy, Ed.D.", "j@a.example"), id="commas"
        ),
        pytest.param(
            r'"Joy \"JK\" Kim" <j@a.example>', Mailbox('Joy "JK" Kim', "j@a.example"), id="quoted"
        ),
        pytest.param("Élise <é@ñ.example>", Mailbox("Élise", "é@ñ.example"), id="not ASCII"),
    ],
)
def test_a_mailbox_is_read_as_people_write_it(text: str, expected: Mailbox) -> None:
    assert parse_mailbox(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("joy", id="no at sign"),
        pytest.param("joy@", id="no domain"),
        pytest.param("@alder.example", id="nobody"),
        pytest.param("joy@a@b", id="two at signs"),
        pytest.param("joy kim@alder.example", id="space"),
        pytest.param("joy@alder.example, eve@evil.example", id="two addresses"),
        pytest.param("joy@alder.example> SIZE=1 <", id="parameters smuggled"),
        pytest.param('"joy kim"@alder.example', id="quoted local part"),
        pytest.param("joy@[127.0.0.1]", id="address literal"),
        pytest.param(".joy@alder.example", id="dot first"),
        pytest.param("joy@alder..example", id="two dots"),
        pytest.param("joy@alder.example.", id="dot last"),
        pytest.param("j" * 65 + "@alder.example", id="local part too long"),
        pytest.param("joy@" + "a" * 250 + ".example", id="too long"),
        pytest.param("joy@alder.example\r\nRCPT TO:<eve@evil.example>", id="second command"),
    ],
)
def test_what_is_not_one_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"mail address|control character") as refusal:
        bare_address(text)
    assert "joy" not in str(refusal.value)


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\0", "\t", "\x7f", "\x85", "\u2028", "\u202e", "\ud800"]
)
def test_a_line_holds_no_control_character(character: str) -> None:
    with pytest.raises(ValueError, match=rf"U\+{ord(character):04X} at position 3"):
        single_line(f"Joy{character}Kim")


@pytest.mark.parametrize("text", ["Joy Kim", "José Núñez", "王小明", "👩‍🏫 Ms. O’Hara"])
def test_names_of_all_languages_are_lines(text: str) -> None:
    assert single_line(text) == text
