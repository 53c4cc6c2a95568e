"""Why a server does not answer is said in our words."""

import pytest

from bootstrap.away import why


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        (
            'Failed client connect: Unavailable, message: "Connection refused (os error 111)"',
            "nothing listens there",
        ),
        ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", "nothing listens there"),
        ("h2 protocol error: error reading a body from connection", "the connection was cut"),
        ("connection was closed in the middle of operation", "the connection was cut"),
        ("[Errno 104] Connection reset by peer", "the connection was cut"),
        ("dns error: failed to lookup address information", "no such host is known"),
        ("[Errno -2] Name or service not known", "no such host is known"),
        ("[Errno 113] No route to host", "no way leads to it from this machine"),
        ("Timeout expired", "no answer in time"),
        ("", "no answer in time"),
        (
            'invalid peer certificate: UnknownIssuer", source: transport error',
            "its certificate is not one that this machine trusts",
        ),
        ("received corrupt message of type InvalidContentType", "it does not speak TLS there"),
    ],
)
def test_what_a_library_says_becomes_what_it_means(said: str, ours: str) -> None:
    assert why(RuntimeError(said)) == ours


def test_what_the_server_itself_says_is_passed_on() -> None:
    said = 'password authentication failed for user "handrail_app"'
    assert why(OSError(said)) == said
    assert why(TimeoutError()) == "no answer in time"
