"""What is secret crosses no network in the clear, unless somebody has said that it may."""

from pathlib import Path

import pytest

from bootstrap.clear import is_loopback
from bootstrap.settings import SettingsError, load_settings

DATABASE = "postgresql://handrail_app:hunter2@{}/handrail"


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"HANDRAIL_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), **more}


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("db.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("10.0.0.7", False),
        ("0.0.0.0", False),  # noqa: S104 - a name, nothing is bound
        ("db", False),
        ("[2001:db8::1]", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", DATABASE.format("db.example.org")),
        ("DATABASE_URL", DATABASE.format("db.example.org:5433") + "?sslmode=prefer"),
        ("DATABASE_URL", DATABASE.format("10.0.0.7") + "?sslmode=disable"),
        ("DATABASE_URL", DATABASE.format("db") + "?sslmode=allow&sslmode=prefer"),
        ("DATABASE_URL", DATABASE.format("[2001:db8::1]")),
        ("HANDRAIL_OWNER_DATABASE_URL", DATABASE.format("db.example.org")),
        ("SMTP_URL", "smtp://me:hunter2@mail.example.org:587"),
        ("SMTP_URL", "smtp://mail.example.org?starttls=off"),
        ("SMTP_URL", "smtp://mail.example.org?starttls=auto"),
    ],
)
def test_what_would_go_in_the_clear_is_refused_before_anything_is_sent(
    variable: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="in the clear") as no:
        load_settings(environment(tmp_path, **{variable: value}))
    assert variable in str(no.value)
    assert "HANDRAIL_ALLOW_PLAINTEXT=" in str(no.value)
    assert "hunter2" not in str(no.value)

    server = "mail" if variable == "SMTP_URL" else "database"
    allowed = environment(tmp_path, HANDRAIL_ALLOW_PLAINTEXT=server, **{variable: value})
    assert load_settings(allowed).allow_plaintext == {server}
    other = {"mail": "database", "database": "mail"}[server]
    with pytest.raises(SettingsError):
        load_settings(allowed | {"HANDRAIL_ALLOW_PLAINTEXT": f"{other}, temporal"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", DATABASE.format("127.0.0.1:5432")),
        ("DATABASE_URL", DATABASE.format("[::1]:5432")),
        ("DATABASE_URL", DATABASE.format("db.example.org") + "?sslmode=require"),
        ("DATABASE_URL", DATABASE.format("db.example.org") + "?sslmode=verify-full"),
        ("SMTP_URL", "smtp://localhost:25"),
        ("SMTP_URL", "smtps://mail.example.org"),
        ("SMTP_URL", "smtp://mail.example.org:587?starttls=required"),
    ],
)
def test_what_is_encrypted_or_stays_here_needs_no_word(
    variable: str, value: str, tmp_path: Path
) -> None:
    load_settings(environment(tmp_path, **{variable: value}))


def test_the_database_librarys_own_variable_counts(tmp_path: Path) -> None:
    found = environment(tmp_path, DATABASE_URL=DATABASE.format("db.example.org"))
    load_settings(found | {"PGSSLMODE": "verify-full"})
    with pytest.raises(SettingsError):
        load_settings(found | {"PGSSLMODE": "prefer"})


def test_temporal_elsewhere_is_met_with_tls_or_an_api_key_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = environment(tmp_path, TEMPORAL_ADDRESS="temporal.example.org:7233")
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", "/dev/null")
    with pytest.raises(SettingsError, match=r"TEMPORAL_ADDRESS .*not encrypted"):
        load_settings(found).temporal_connect_config()
    load_settings(found | {"HANDRAIL_ALLOW_PLAINTEXT": "temporal"}).temporal_connect_config()
    here = load_settings(found | {"TEMPORAL_ADDRESS": "127.0.0.1:7233"})
    assert here.temporal_connect_config()["target_host"] == "127.0.0.1:7233"
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    assert load_settings(found).temporal_connect_config()["tls"]
    monkeypatch.delenv("TEMPORAL_API_KEY")
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    assert load_settings(found).temporal_connect_config()["tls"]


def test_an_unknown_server_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="database, temporal, mail: everything"):
        load_settings(environment(tmp_path, HANDRAIL_ALLOW_PLAINTEXT="mail,everything"))
