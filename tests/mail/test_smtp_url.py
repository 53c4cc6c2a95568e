from typing import Any

import pytest

from activities.mail.smtp_url import SmtpServer, parse_smtp_url


def a_server(host: str = "mail.example", **changes: Any) -> SmtpServer:
    usual: dict[str, Any] = {
        "port": 25, "tls": False, "starttls": "auto", "timeout_seconds": 30.0,
    }  # fmt: skip
    return SmtpServer(host, **(usual | changes))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("smtp://mail.example", a_server(), id="host"),
        pytest.param("smtp://mail.example:1025/", a_server(port=1025), id="port"),
        pytest.param(
            "smtps://mail.example", a_server(port=465, tls=True, starttls="off"), id="TLS"
        ),
        pytest.param(
            "smtp://mail.example?starttls=required",
            a_server(port=587, starttls="required"),
            id="submission",
        ),
        pytest.param(
            "smtp://u%3A:p%40@[::1]:26?starttls=off&timeout=2.5",
            a_server(
                "::1", port=26, starttls="off", timeout_seconds=2.5, username="u:", password="p@"
            ),
            id="everything",
        ),
    ],
)
def test_a_url_is_read(url: str, expected: SmtpServer) -> None:
    assert parse_smtp_url(url) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("", "must begin with smtp://", id="empty"),
        pytest.param("http://desk:hunter2@host", "must begin with smtp://", id="scheme"),
        pytest.param("desk:hunter2@host:25", "must begin with smtp://", id="no scheme"),
        pytest.param("smtp://:25", "names no host", id="no host"),
        pytest.param("smtp://desk:hunter2@a..b", "host that cannot exist", id="two dots"),
        pytest.param("smtp://desk:hunter2@host:port", "the port is a number", id="port a word"),
        pytest.param("smtp://desk:hunter2@host:99999", "the port is a number", id="port too big"),
        pytest.param("smtp://desk:hunter2@host:0", "has port 0", id="port 0"),
        pytest.param("smtp://desk:hunter2#2@host:25", "percent-encoded", id="hash in password"),
        pytest.param("smtp://desk:hunter2/2@host:25", "percent-encoded", id="slash in password"),
        pytest.param(
            "smtp://desk:25?hunter2@host:25", "half a login|unknown option", id="question"
        ),
        pytest.param("smtp://desk:hunter2[@host", "percent-encoded", id="bracket in password"),
        pytest.param("smtp://hunter2@host", "half a login", id="no password"),
        pytest.param("smtp://:hunter2@host", "half a login", id="no user"),
        pytest.param("smtp://host/hunter2", "something after the host", id="path"),
        pytest.param("smtp://host?starttls=hunter2", "unknown starttls", id="starttls"),
        pytest.param("smtps://host?starttls=auto", "inside smtps", id="starttls in smtps"),
        pytest.param("smtp://host?hunter2=1", "unknown option", id="option"),
        pytest.param("smtp://host?timeout=1&timeout=2", "option twice", id="twice"),
        pytest.param("smtp://host?timeout=soon", "unusable timeout", id="timeout a word"),
        pytest.param("smtp://host?timeout=nan", "unusable timeout", id="timeout not a number"),
        pytest.param("smtp://host?timeout=0", "unusable timeout", id="no time"),
        pytest.param("smtp://desk:hunter2@ho\nst", "cannot be read", id="line break"),
    ],
)
def test_a_wrong_url_is_refused_without_showing_the_password(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refusal:
        parse_smtp_url(url)
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_parsed_url_hides_its_login() -> None:
    server = parse_smtp_url("smtp://desk:hunter2@mail.example")
    assert "hunter2" not in repr(server)
    assert "desk" not in repr(server)
    assert server.where == "mail.example:25"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_this_machine_is_known_by_its_usual_names(host: str) -> None:
    assert parse_smtp_url(f"smtp://{host}").is_loopback
    assert not parse_smtp_url("smtp://mail.example").is_loopback
