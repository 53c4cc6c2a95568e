import asyncio
import logging
import socket
import time
import traceback

import pytest

from activities.mail.compose import compose
from activities.mail.deliver import Delivery, MailUnavailable, deliver
from tests.mail.conftest import Certificate, MailServer, StartServer
from tests.mail.digests import MORNING, a_digest, an_item

SENDER = "Handrail <handrail@agency.example>"
RECIPIENT = "joy.kim@alder-creek.example"
MAIL = compose(a_digest(), sent_at=MORNING).as_bytes()


async def send(url: str, mail: bytes = MAIL, recipient: str = RECIPIENT) -> Delivery:
    return await deliver(mail, SENDER, recipient, url)


async def refused_for_now(url: str) -> str:
    """The reason of a `MailUnavailable`, after a look at all that a log would print of it."""
    with pytest.raises(MailUnavailable) as unavailable:
        await send(url)
    printed = "".join(traceback.format_exception(unavailable.value))
    assert "joy.kim" not in printed
    assert "hunter2" not in printed
    return str(unavailable.value)


# Sent


async def test_a_taken_mail_arrives_byte_for_byte_at_the_bare_addresses(
    start_server: StartServer,
) -> None:
    async with start_server() as server:
        delivery = await deliver(MAIL, SENDER, f"Kim, Joy <{RECIPIENT}>", server.url)
        assert delivery == Delivery(outcome="sent", detail="250 OK queued as 1")
        [taken] = server.taken
        assert (taken.sender, taken.recipients) == ("handrail@agency.example", [RECIPIENT])
        assert taken.content == MAIL


async def test_lines_that_begin_with_a_dot_arrive_unchanged(start_server: StartServer) -> None:
    mail = compose(a_digest(an_item(action=". " + "x" * 71 + " . .")), sent_at=MORNING).as_bytes()
    mail += b".\r\n..\r\n"
    async with start_server() as server:
        await send(server.url, mail)
        assert server.taken[0].content == mail


async def test_a_server_that_never_says_goodbye_has_still_taken_the_mail(
    start_server: StartServer,
) -> None:
    async with start_server(MailServer(silent_at_quit=True)) as server:
        assert (await send(server.url)).outcome == "sent"


async def test_many_mails_at_once_all_arrive(start_server: StartServer) -> None:
    async with start_server() as server:
        deliveries = await asyncio.gather(*(send(server.url) for _ in range(20)))
        assert {delivery.outcome for delivery in deliveries} == {"sent"}
        assert len(server.taken) == 20


# Bounced


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(
            MailServer(answers_to_rcpt=[f"550 5.1.1 <{RECIPIENT}>: no Joy.Kim here"]), id="RCPT"
        ),
        pytest.param(
            MailServer(answers_to_data=[f"550 5.1.1 <{RECIPIENT}>: no Joy.Kim here"]), id="DATA"
        ),
    ],
)
async def test_a_5xx_for_the_recipient_or_the_content_is_a_bounce_without_the_address(
    start_server: StartServer, behaviour: MailServer
) -> None:
    async with start_server(behaviour) as server:
        assert await send(server.url) == Delivery(
            outcome="bounced", detail="550 5.1.1 <(recipient)>: no (recipient) here"
        )
        assert server.taken == []


async def test_a_mail_too_big_for_the_server_is_a_bounce(start_server: StartServer) -> None:
    async with start_server(data_size_limit=1000) as server:
        delivery = await send(server.url)
        assert delivery.outcome == "bounced"
        assert delivery.detail.startswith("552 ")


async def test_a_non_ascii_address_is_sent_where_the_server_can_and_bounces_where_it_cannot(
    start_server: StartServer,
) -> None:
    mail = compose(a_digest(address="josé@ñandú.example"), sent_at=MORNING).as_bytes()
    async with start_server(enable_SMTPUTF8=True) as able:
        assert (await send(able.url, mail, "josé@ñandú.example")).outcome == "sent"
        assert able.taken[0].recipients == ["josé@ñandú.example"]
        assert able.taken[0].content == mail
    async with start_server(enable_SMTPUTF8=False) as unable:
        delivery = await send(unable.url, mail, "josé@ñandú.example")
        assert delivery.outcome == "bounced"
        assert "does not offer SMTPUTF8" in delivery.detail
        assert unable.taken == []


async def test_a_long_and_dirty_answer_becomes_one_short_line(start_server: StartServer) -> None:
    answer = "550-5.1.1 first\r\n550 5.1.1 \x1b[31msecond " + "x" * 400
    async with start_server(MailServer(answers_to_rcpt=[answer])) as server:
        detail = (await send(server.url)).detail
        assert detail.startswith("550 5.1.1 first 5.1.1 [31msecond xxx")
        assert detail.isprintable()
        assert len(detail) <= 500


# For now


@pytest.mark.parametrize(
    ("behaviour", "stage"),
    [
        pytest.param(MailServer(answers_to_mail=["450 busy"]), "MAIL FROM: 450 busy", id="MAIL"),
        pytest.param(
            MailServer(answers_to_rcpt=[f"450 4.2.1 {RECIPIENT} is greylisted"]),
            "RCPT TO: 450 4.2.1 (recipient) is greylisted",
            id="RCPT",
        ),
        pytest.param(MailServer(answers_to_data=["451 later"]), "DATA: 451 later", id="DATA"),
    ],
)
async def test_a_4xx_is_tried_again_and_then_sent_once(
    start_server: StartServer, behaviour: MailServer, stage: str
) -> None:
    async with start_server(behaviour) as server:
        reason = await refused_for_now(server.url)
        assert reason == f"mail server 127.0.0.1:{server.port} said at {stage}"
        assert (await send(server.url)).outcome == "sent"
        assert len(server.taken) == 1


async def test_a_refused_sender_is_ours_to_mend_and_no_bounce(start_server: StartServer) -> None:
    behaviour = MailServer(answers_to_mail=["550 5.7.1 sender not allowed"])
    async with start_server(behaviour) as server:
        assert "MAIL FROM: 550 5.7.1 sender not allowed" in await refused_for_now(server.url)


async def test_a_server_that_wants_a_login_first_is_no_bounce(start_server: StartServer) -> None:
    behaviour = MailServer(answers_to_rcpt=["530 5.7.0 Authentication required"])
    async with start_server(behaviour) as server:
        assert "530 5.7.0 Authentication required" in await refused_for_now(server.url)


async def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        # Bound and not listening: nobody else takes the port, and it refuses connections.
        reason = await refused_for_now(f"smtp://127.0.0.1:{port}")
    assert f"127.0.0.1:{port} is not usable" in reason


async def test_an_unknown_host_is_unavailable() -> None:
    assert "nowhere.invalid:25 is not usable" in await refused_for_now("smtp://nowhere.invalid")


async def test_a_server_that_never_answers_is_unavailable_after_the_timeout() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        begun = time.monotonic()
        reason = await refused_for_now(f"smtp://127.0.0.1:{mute.getsockname()[1]}?timeout=0.2")
        assert "Timed out" in reason
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "greeting", [b"554 no mail today\r\n", b"421 too busy\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b""]
)
async def test_a_greeting_that_is_no_welcome_is_unavailable_and_no_bounce(greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert f"mail server 127.0.0.1:{port}" in await refused_for_now(f"smtp://127.0.0.1:{port}")


async def test_a_connection_lost_after_the_content_is_unavailable(
    start_server: StartServer,
) -> None:
    class Vanishing(MailServer):
        async def handle_DATA(self, server, session, envelope):  # type: ignore[no-untyped-def]  # noqa: N802
            server.transport.abort()
            return "250 never heard"

    async with start_server(Vanishing()) as server:
        assert "not usable" in await refused_for_now(server.url)


# Login and encryption


async def test_the_login_is_given_and_its_special_characters_are_decoded(
    start_server: StartServer,
) -> None:
    behaviour = MailServer(password="p@ss/w#rd?é")
    async with start_server(behaviour, auth_require_tls=False) as server:
        url = f"smtp://desk%40agency:p%40ss%2Fw%23rd%3F%C3%A9@127.0.0.1:{server.port}"
        assert (await send(url)).outcome == "sent"
        assert server.logins == [("desk@agency", "p@ss/w#rd?é")]


async def test_a_wrong_password_is_unavailable_and_never_shown(start_server: StartServer) -> None:
    async with start_server(MailServer(password="right"), auth_require_tls=False) as server:
        reason = await refused_for_now(f"smtp://desk:hunter2@127.0.0.1:{server.port}")
        assert "connection or login: 535 " in reason
        assert server.taken == []


async def test_a_password_is_not_sent_in_the_clear_across_a_network(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    behaviour = MailServer(password="hunter2")
    async with start_server(behaviour, auth_require_tls=False) as server:
        # The machine itself under a name that is not known to be the machine itself.
        name = await asyncio.to_thread(_another_name_of_this_machine)
        url = f"smtp://desk:hunter2@{name}:{server.port}"
        reason = await refused_for_now(url)
        assert "the password is not sent in the clear" in reason
        assert server.logins == []
        assert (await send(f"{url}?starttls=off")).outcome == "sent"


def _another_name_of_this_machine() -> str:
    return "2130706433" if socket.gethostbyname("2130706433") == "127.0.0.1" else "127.1"


async def test_starttls_is_used_when_offered(
    start_server: StartServer, trusted: Certificate
) -> None:
    behaviour = MailServer(password="hunter2")
    async with start_server(behaviour, starttls=trusted.server_context) as server:
        url = f"smtp://desk:hunter2@127.0.0.1:{server.port}"
        assert (await send(url)).outcome == "sent"
        assert (await send(f"{url}?starttls=required")).outcome == "sent"
        assert [taken.encrypted for taken in server.taken] == [True, True]


async def test_starttls_off_stays_in_the_clear(
    start_server: StartServer, trusted: Certificate
) -> None:
    async with start_server(starttls=trusted.server_context) as server:
        assert (await send(f"{server.url}&starttls=off")).outcome == "sent"
        assert [taken.encrypted for taken in server.taken] == [False]


async def test_required_starttls_that_is_not_offered_sends_nothing(
    start_server: StartServer,
) -> None:
    async with start_server() as server:
        assert "STARTTLS" in await refused_for_now(f"{server.url}&starttls=required")
        assert server.taken == []


@pytest.mark.parametrize("starttls", ["auto", "required"])
async def test_a_certificate_nobody_vouches_for_sends_nothing(
    start_server: StartServer, certificate: Certificate, starttls: str
) -> None:
    async with start_server(starttls=certificate.server_context) as server:
        reason = await refused_for_now(f"{server.url}&starttls={starttls}")
        assert "CERTIFICATE_VERIFY_FAILED" in reason
        assert server.taken == []


async def test_smtps_is_encrypted_from_the_first_byte(
    start_server: StartServer, trusted: Certificate
) -> None:
    async with start_server(tls=trusted.server_context) as server:
        assert (await send(f"smtps://127.0.0.1:{server.port}")).outcome == "sent"
        assert len(server.taken) == 1


# What never reaches a server


@pytest.mark.parametrize(
    ("sender", "recipient", "field"),
    [
        pytest.param("handrail", RECIPIENT, "sender", id="sender without a domain"),
        pytest.param(SENDER, "joy", "recipient", id="recipient without a domain"),
        pytest.param(SENDER, f"{RECIPIENT}\r\nRCPT TO:<e@e.example>", "recipient", id="two lines"),
        pytest.param(SENDER, f"{RECIPIENT}, e@e.example", "recipient", id="two recipients"),
        pytest.param(SENDER, f"<{RECIPIENT}> NOTIFY=NEVER", "recipient", id="parameter"),
    ],
)
async def test_a_malformed_address_is_refused_before_connecting(
    start_server: StartServer, sender: str, recipient: str, field: str
) -> None:
    async with start_server() as server:
        with pytest.raises(ValueError, match=rf"^{field}: ") as refusal:
            await deliver(MAIL, sender, recipient, server.url)
        assert "joy" not in str(refusal.value)
        assert server.taken == []


async def test_nothing_personal_is_logged(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    # The server of this test shares the process, and it logs whom it talks to.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    with caplog.at_level(logging.DEBUG, logger="aiosmtplib"):
        async with start_server(MailServer(answers_to_rcpt=["550 no"])) as server:
            await send(server.url)
    assert "joy.kim" not in caplog.text
