import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pytest

from bootstrap.settings import (
    ENVIRONMENT,
    Settings,
    SettingsError,
    load_settings,
    read_live_stack,
)

KEY = base64.b64encode(bytes(range(32))).decode()
DATABASE = "postgresql://handrail_app:hunter2@127.0.0.1:5432/handrail"


@pytest.fixture(autouse=True)
def _no_config_of_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))


def config(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "handrail.toml"
    path.write_text(text)
    return {"HANDRAIL_CONFIG": str(path), "HANDRAIL_HOME": str(tmp_path / "data")}


@contextmanager
def live_stack(home: Path, **record: object) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    (home / "stack.json").write_text(json.dumps({"sandbox": False, **record}))
    with (home / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_the_environment_goes_before_the_config_file_and_that_before_the_stack(
    tmp_path: Path,
) -> None:
    env = config(tmp_path, 'actor = "file"\nlog_level = "debug"\nsmtp_url = "smtps://file:465"\n')
    home = tmp_path / "data"
    with live_stack(home, smtp_url="smtp://stack:25", database_url=DATABASE):
        settings = load_settings({**env, "HANDRAIL_ACTOR": "environment"})
    assert settings.actor == "environment"
    assert settings.log_level == "DEBUG"
    assert settings.require_smtp_url() == "smtps://file:465"
    assert settings.require_database_url() == DATABASE


def test_a_variable_set_to_nothing_counts_as_not_set(tmp_path: Path) -> None:
    env = config(tmp_path, 'actor = "file"\n')
    assert load_settings({**env, "HANDRAIL_ACTOR": " "}).actor == "file"


def test_the_record_of_a_stack_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    with live_stack(tmp_path, database_url=DATABASE):
        assert read_live_stack(tmp_path) is not None
    assert read_live_stack(tmp_path) is None
    assert load_settings({"HANDRAIL_HOME": str(tmp_path)}).database_url is None


def test_whoever_starts_a_stack_does_not_see_the_one_before(tmp_path: Path) -> None:
    with live_stack(tmp_path, database_url=DATABASE):
        env = {"HANDRAIL_HOME": str(tmp_path)}
        assert load_settings(env, use_stack=False).database_url is None


def test_the_stacks_owner_and_namespace_are_not_combined_with_foreign_addresses(
    tmp_path: Path,
) -> None:
    env = {
        "HANDRAIL_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://app@elsewhere/handrail?sslmode=require",
        "TEMPORAL_ADDRESS": "elsewhere:7233",
    }
    with live_stack(
        tmp_path,
        database_url=DATABASE,
        owner_database_url=DATABASE,
        temporal_address="127.0.0.1:1",
        temporal_namespace="stack",
    ):
        settings = load_settings(env)
    assert settings.owner_database_url is None
    assert settings.temporal_namespace == "default"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("DATABASE_URL", "mysql://root:hunter2@db/x", id="another database"),
        pytest.param("DATABASE_URL", "postgresql://app:hunter2@db:99999/x", id="no such port"),
        pytest.param("DATABASE_URL", "hunter2", id="not a URL"),
        pytest.param("SMTP_URL", "mailto:hunter2@mail", id="not a mail server"),
        pytest.param("TEMPORAL_ADDRESS", "http://temporal:7233", id="a URL for an address"),
        pytest.param("TEMPORAL_ADDRESS", "temporal", id="no port"),
        pytest.param("HANDRAIL_LOG_LEVEL", "loud", id="no such level"),
    ],
)
def test_an_unusable_value_is_refused_by_name_and_without_its_password(
    variable: str, value: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=variable) as refusal:
        load_settings({"HANDRAIL_HOME": str(tmp_path), variable: value})
    assert "hunter2" not in str(refusal.value)
    assert refusal.value.__suppress_context__
    if "hunter2" not in value:
        assert value in str(refusal.value)


@pytest.mark.parametrize("value", ["many", "0", "NaN", "1e9"])
def test_an_unusable_number_is_refused_in_words_of_ours(value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HANDRAIL_MAILS_PER_SECOND") as refusal:
        load_settings({"HANDRAIL_HOME": str(tmp_path), "HANDRAIL_MAILS_PER_SECOND": value})
    assert "nput should" not in str(refusal.value)
    assert any(words in str(refusal.value) for words in ("write it as 12", "must be"))


@pytest.mark.parametrize(
    "variable", ["HANDRAIL_ACTOR", "DATABASE_URL", "TEMPORAL_ADDRESS", "SMTP_URL", "HANDRAIL_KEY"]
)
def test_bytes_that_are_no_text_are_refused_by_name(variable: str, tmp_path: Path) -> None:
    typed = os.fsdecode(b"smtp://caf\xe9:25")
    with pytest.raises(SettingsError, match=f"^{variable}.* is not usable: expected text in UTF-8"):
        load_settings({"HANDRAIL_HOME": str(tmp_path), variable: typed})
    # A directory may be called whatever the file system takes.
    home = tmp_path / os.fsdecode(b"caf\xe9")
    assert load_settings({"HANDRAIL_HOME": str(home)}).home == home


def test_all_problems_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"(?s)DATABASE_URL.*HANDRAIL_LOG_LEVEL"):
        load_settings({"DATABASE_URL": "x", "HANDRAIL_LOG_LEVEL": "x"})


def test_a_misspelt_setting_in_the_config_file_is_refused_with_the_nearest(
    tmp_path: Path,
) -> None:
    with pytest.raises(SettingsError, match=r"`acter` in .*did you mean `actor`"):
        load_settings(config(tmp_path, 'acter = "dana"\n'))


def test_a_config_file_that_is_named_but_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HANDRAIL_CONFIG"):
        load_settings({"HANDRAIL_CONFIG": str(tmp_path / "absent.toml")})


@pytest.mark.parametrize("said", ["", "relative"])
def test_data_and_config_lie_where_the_user_keeps_such_things(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for variable, kind in (("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config")):
        monkeypatch.setenv(variable, str(tmp_path / kind))
    (tmp_path / "config" / "handrail").mkdir(parents=True)
    (tmp_path / "config" / "handrail" / "config.toml").write_text('actor = "tess"\n')
    settings = load_settings({})
    assert (settings.home, settings.actor) == (tmp_path / "data" / "handrail", "tess")
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, said)
    settings = load_settings({})
    assert (settings.home, settings.actor) == (tmp_path / ".local/share/handrail", None)
    monkeypatch.setattr("sys.platform", "darwin")
    assert load_settings({}).home == tmp_path / "Library/Application Support/handrail"


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "HANDRAIL_HOME": str(tmp_path),
            "DATABASE_URL": DATABASE,
            "SMTP_URL": "smtps://me:hunter2@mail:465",
            "HANDRAIL_KEY": KEY,
        }
    )
    for shown in (repr(settings), str(settings), str(asdict(settings))):
        assert "hunter2" not in shown
        assert KEY not in shown


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(FrozenInstanceError):
        settings.actor = "somebody"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["database_url", "owner_database_url", "smtp_url"])
def test_what_is_missing_is_named_with_the_way_out(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"{ENVIRONMENT[name]}.*handrail up"):
        getattr(Settings(home=tmp_path), f"require_{name}")()


def test_the_master_key_is_read_from_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "master.key").write_text(KEY + "\n")
    assert load_settings({"HANDRAIL_HOME": str(tmp_path)}).master_key() == bytes(range(32))


@pytest.mark.parametrize(
    "text",
    [pytest.param("not base64!", id="not base64"), pytest.param("c2hvcnQ=", id="too short")],
)
def test_a_damaged_master_key_is_refused_without_showing_it(text: str, tmp_path: Path) -> None:
    settings = load_settings({"HANDRAIL_HOME": str(tmp_path), "HANDRAIL_KEY": text})
    with pytest.raises(SettingsError, match="HANDRAIL_KEY") as refusal:
        settings.master_key()
    assert text not in str(refusal.value)


def test_a_profile_asked_for_by_name_switches_temporal(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.work]\naddress = "cloud:7233"\nnamespace = "office"\napi_key = "k"\n')
    env = {
        "HANDRAIL_HOME": str(tmp_path),
        "TEMPORAL_CONFIG_FILE": str(file),
        "TEMPORAL_PROFILE": "work",
    }
    with live_stack(tmp_path, temporal_address="127.0.0.1:1", temporal_namespace="stack"):
        settings = load_settings(env)
    assert (settings.temporal_address, settings.temporal_namespace) == ("cloud:7233", "office")
    with pytest.raises(SettingsError, match=r"'play'.*it has work"):
        load_settings({**env, "TEMPORAL_PROFILE": "play"})


def test_a_running_stack_goes_before_the_default_profile_of_temporal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config" / "temporalio" / "temporal.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[profile.default]\naddress = "cloud:7233"\n')
    env = {"HANDRAIL_HOME": str(tmp_path)}
    assert load_settings(env).temporal_source == "temporal profile"
    with live_stack(tmp_path, temporal_address="127.0.0.1:1"):
        settings = load_settings(env)
    assert (settings.temporal_address, settings.temporal_source) == ("127.0.0.1:1", "stack")


def test_an_embedded_server_is_met_without_the_credentials_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "for the cloud")
    with live_stack(tmp_path, temporal_address="127.0.0.1:1"):
        embedded = load_settings({"HANDRAIL_HOME": str(tmp_path)})
    foreign = load_settings({"HANDRAIL_HOME": str(tmp_path), "TEMPORAL_ADDRESS": "cloud:7233"})
    assert embedded.temporal_connect_config().keys() == {"target_host", "namespace"}
    assert foreign.temporal_connect_config()["api_key"] == "for the cloud"


def test_settings_do_not_load_the_engines() -> None:
    import subprocess
    import sys

    program = (
        "import sys, bootstrap.settings as s; s.load_settings(); "
        "sys.exit([m for m in ('temporalio', 'asyncpg', 'sqlalchemy') if m in sys.modules] != [])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", program], env=env).returncode == 0
