"""Every setting, typed, once.

Each value is looked up on its own, first hit wins:

1. the environment,
2. the config file (`HANDRAIL_CONFIG`, else `config.toml` in the user's config directory),
3. `stack.json` in the data directory, while the stack that wrote it is running,
4. for Temporal alone, the default profile of Temporal's own client configuration file,
5. the default.

An environment variable that is set to nothing counts as not set.
The lookup is written out rather than left to a settings library,
because a message that names where a wrong value came from needs to know it.
"""

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bootstrap import clear, values
from bootstrap.places import default_home, temporal_file, users
from bootstrap.values import LogLevel, Secret
from domain.kernel.clocks import TOLERANCE_SECONDS

KEY_BYTES = 32

STACK_FILE = "stack.json"
LOCK_FILE = "stack.lock"
MASTER_KEY_FILE = "secrets/master.key"

ENVIRONMENT = {
    "home": "HANDRAIL_HOME",
    "actor": "HANDRAIL_ACTOR",
    "database_url": "DATABASE_URL",
    "owner_database_url": "HANDRAIL_OWNER_DATABASE_URL",
    "temporal_address": "TEMPORAL_ADDRESS",
    "temporal_namespace": "TEMPORAL_NAMESPACE",
    "smtp_url": "SMTP_URL",
    "key_file": "HANDRAIL_KEY_FILE",
    "key": "HANDRAIL_KEY",
    "bounces": "HANDRAIL_BOUNCES",
    "mails_per_second": "HANDRAIL_MAILS_PER_SECOND",
    "clock_tolerance_seconds": "HANDRAIL_CLOCK_TOLERANCE_SECONDS",
    "log_level": "HANDRAIL_LOG_LEVEL",
    "feeds": "HANDRAIL_FEEDS",
    "caught": "HANDRAIL_CAUGHT",
    "allow_plaintext": clear.ALLOW,
}
"""Setting to environment variable."""

CONFIG_VARIABLE = "HANDRAIL_CONFIG"

FROM_STACK = frozenset(
    {
        "database_url",
        "owner_database_url",
        "temporal_address",
        "temporal_namespace",
        "smtp_url",
        "key_file",
        "sandbox",
        "alarms",
    }
)
"""What a running embedded stack may answer for."""

BELONGS_TO = {"temporal_namespace": "temporal_address", "owner_database_url": "database_url"}
"""A stack's namespace or owner is never combined with an address from elsewhere."""

SECRET = frozenset({"database_url", "owner_database_url", "smtp_url", "key"})

TemporalSource = Literal["environment", "config file", "stack", "temporal profile", "none"]


class SettingsError(ValueError):
    """A setting is missing or unusable; the message names it, its value and the way out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What this process works with. Secrets are hidden from `repr` and `str`."""

    home: Path
    """The data directory of this installation."""

    actor: str | None = None
    """Handle of the acting person."""

    database_url: Secret | None = None
    """PostgreSQL, as the application's role."""

    owner_database_url: Secret | None = None
    """PostgreSQL, as the role that owns the schema; migrations only."""

    temporal_address: str | None = None
    """Temporal's frontend, `host:port`."""

    temporal_namespace: str = "default"
    """Temporal's namespace."""

    temporal_source: TemporalSource = "none"
    """Where the address was found: an embedded server must not be offered foreign credentials."""

    smtp_url: Secret | None = None
    """`smtp://[user:password@]host:port[?starttls=required]` or `smtps://...`."""

    key_file: Path | None = None
    """File with the master key: 32 bytes in base64."""

    key: Secret | None = None
    """The master key itself in base64, where a file is not to be had."""

    bounces: Path | None = None
    """An mbox file or a Maildir into which delivery-status mails come; read, never changed."""

    mails_per_second: float = 10.0
    """How many mails a second all workers together offer the mail server at most."""

    clock_tolerance_seconds: int = TOLERANCE_SECONDS
    """How far the clock of whoever gives a command may be from the store's."""

    log_level: LogLevel = "INFO"
    """Least severe level that is written."""

    feeds: Path | None = None
    """Directory in which the worker keeps calendar files to subscribe to; None for none."""

    caught: Path | None = None
    """The Maildir of a mail catcher: copies that name somebody who is erased are taken out."""

    allow_plaintext: frozenset[str] = frozenset()
    """Which servers may be reached over a network without encryption."""

    sandbox: bool = False
    """True while a running sandbox stack answers for this data directory."""

    alarms: tuple[str, ...] = ()
    """What the running stack has everybody told: a part that would not stay up."""

    def require_database_url(self) -> str:
        """The application's database.

        Raises:
            SettingsError: None is configured and no embedded stack runs here.
        """
        return self._required("database_url", self.database_url)

    def require_owner_database_url(self) -> str:
        """The database as its owner, for migrations.

        Raises:
            SettingsError: None is configured and no embedded stack runs here.
        """
        return self._required("owner_database_url", self.owner_database_url)

    def require_smtp_url(self) -> str:
        """The mail server.

        Raises:
            SettingsError: None is configured and no embedded stack runs here.
        """
        return self._required("smtp_url", self.smtp_url)

    def _required(self, name: str, value: Secret | None) -> str:
        if value is None:
            raise SettingsError(
                f"{ENVIRONMENT[name]} is not set and no Handrail stack is running in {self.home}. "
                f"Start one with `handrail up`, or set {ENVIRONMENT[name]}."
            )
        return value.told()

    def master_key(self) -> bytes:
        """The 32 bytes every other key is derived from or wrapped with.

        Raises:
            SettingsError: No key is configured, or it is unreadable or of the wrong length.
        """
        if self.key is not None:
            return decode_key(self.key.told(), ENVIRONMENT["key"])
        if self.key_file is None:
            raise SettingsError(
                f"no master key: neither {ENVIRONMENT['key_file']} nor {ENVIRONMENT['key']} is "
                f"set, and {self.home / MASTER_KEY_FILE} does not exist. "
                f"`handrail up` makes one for a new data directory."
            )
        try:
            text = self.key_file.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"the master key {self.key_file} cannot be read ({error}). "
                f"Put the file back from your backup, or point {ENVIRONMENT['key_file']} at it."
            ) from error
        return decode_key(text, str(self.key_file))

    def temporal_connect_config(self) -> dict[str, Any]:
        """Keyword arguments for `temporalio.client.Client.connect`.

        An embedded server is met plainly; everywhere else Temporal's standard client
        configuration (TLS, API key, profile) applies in full.

        Raises:
            SettingsError: No address is known, or Temporal's configuration is not usable.
        """
        if self.temporal_address is None:
            raise SettingsError(
                f"{ENVIRONMENT['temporal_address']} is not set and no Handrail stack is running in "
                f"{self.home}. Start one with `handrail up`, or set "
                f"{ENVIRONMENT['temporal_address']}."
            )
        if self.temporal_source == "stack":
            return {"target_host": self.temporal_address, "namespace": self.temporal_namespace}
        # Imported here: the Temporal SDK must not be loaded to print a help page.
        from temporalio.envconfig import ClientConfig

        try:
            found = dict(ClientConfig.load_client_connect_config())
        except (ValueError, RuntimeError, OSError) as error:
            raise SettingsError(
                f"Temporal's client configuration cannot be used: {error}. "
                "Check TEMPORAL_PROFILE and TEMPORAL_CONFIG_FILE."
            ) from error
        problem = clear.temporal_problem(self.temporal_address, found)
        if problem and "temporal" not in self.allow_plaintext:
            raise SettingsError(
                f"{ENVIRONMENT['temporal_address']} '{self.temporal_address}' is not usable: "
                f"{problem}."
            )
        return found | {
            "target_host": self.temporal_address,
            "namespace": self.temporal_namespace,
        }


def load_settings(environ: Mapping[str, str] | None = None, *, use_stack: bool = True) -> Settings:
    """Look every setting up.

    Args:
        environ: Instead of the process's environment, for tests.
        use_stack: False for whoever starts a stack: the one that may still be stopping on the
            same data must not be taken for a service to use.

    Raises:
        SettingsError: A value is unusable; all problems are named at once.
    """
    env = {k: v for k, v in (os.environ if environ is None else environ).items() if v.strip()}
    config_path, config = _read_config(env)
    sources: list[tuple[str, dict[str, Any]]] = [
        ("environment", {name: env[var] for name, var in ENVIRONMENT.items() if var in env}),
        (f"in {config_path}", config),
    ]
    home = next((s["home"] for _, s in sources if "home" in s), default_home())
    home = Path(str(home)).expanduser().absolute()
    explicit_profile = _temporal_profile(env, explicit=True)
    stack = (read_live_stack(home) if use_stack else None) or {}
    implicit_profile = _temporal_profile(env, explicit=False)
    layers: list[tuple[TemporalSource, dict[str, Any]]] = [
        ("environment", {**explicit_profile, **sources[0][1]}),
        ("config file", config),
        ("stack", {name: stack[name] for name in FROM_STACK if stack.get(name) is not None}),
        ("temporal profile", implicit_profile),
    ]
    found: dict[str, Any] = {"home": home}
    origins: dict[str, TemporalSource] = {}
    for origin, layer in layers:
        for name in sorted(layer, key=lambda name: name in BELONGS_TO):
            value = layer[name]
            leader = BELONGS_TO.get(name, name)
            foreign = origins.get(leader, origin) != origin
            if name not in found and not (foreign and origin in ("stack", "temporal profile")):
                found[name] = value
                origins[name] = origin
    if "key" not in found and "key_file" not in found and _is_there(home / MASTER_KEY_FILE):
        found["key_file"] = home / MASTER_KEY_FILE
    return _validated(found, origins, config_path, env)


def read_live_stack(home: Path) -> dict[str, Any] | None:
    """The record of the stack running on `home`, or None when none is running.

    The supervisor and its leashes hold a lock for as long as any of them lives, so a record
    left behind by a killed stack is never taken for a running one.
    """
    path = home / STACK_FILE
    if not _is_there(path) or not is_locked(home):
        return None
    try:
        record = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error}). Run `handrail down`, then `handrail up`."
        ) from error
    return record if isinstance(record, dict) else None


def is_locked(home: Path) -> bool:
    """Whether a stack runs on `home`, or is still stopping."""
    try:
        descriptor = os.open(home / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SettingsError(
            f"{home / LOCK_FILE} cannot be opened ({error}). "
            f"Is {home} the data of another user? Set HANDRAIL_HOME to your own."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise SettingsError(
            f"{path} cannot be reached ({error.strerror}). Is it the data of another user? "
            f"Set {ENVIRONMENT['home']} to a directory of your own."
        ) from error
    return True


def decode_key(text: str, where: str) -> bytes:
    """A master key from its base64 form.

    Raises:
        SettingsError: Not base64, or not 32 bytes; the message never shows the value.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"the master key in {where} is not base64.") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"the master key in {where} has {len(key)} bytes; it must have {KEY_BYTES}."
        )
    return key


_READ: Mapping[str, Callable[[object], object]] = {
    "home": values.path,
    # Before what it allows.
    "allow_plaintext": values.servers,
    "actor": values.text,
    "database_url": values.postgresql_url,
    "owner_database_url": values.postgresql_url,
    "temporal_address": values.address,
    "temporal_namespace": values.text,
    "smtp_url": values.smtp_url,
    "key_file": values.path,
    "key": values.secret,
    "bounces": values.path,
    "mails_per_second": values.rate,
    "clock_tolerance_seconds": values.seconds,
    "log_level": values.level,
    "feeds": values.path,
    "caught": values.path,
    "sandbox": values.yes_or_no,
    "alarms": values.texts,
}
"""How each setting is read."""


def _read_config(env: Mapping[str, str]) -> tuple[Path, dict[str, Any]]:
    named = env.get(CONFIG_VARIABLE)
    path = (
        Path(named).expanduser()
        if named
        else users("XDG_CONFIG_HOME", ".config") / "handrail/config.toml"
    )
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        if named is None:
            return path, {}
        raise SettingsError(
            f"{CONFIG_VARIABLE} names {path}, which does not exist. "
            "Create it, or unset the variable."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        if named is None and isinstance(error, PermissionError | NotADirectoryError):
            # Running as another user with the first one's environment: not ours to read.
            return path, {}
        raise SettingsError(f"the config file {path} cannot be read ({error}).") from error
    # Imported here: most have no such file, and every question would pay for it.
    import tomllib

    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the config file {path} is not valid TOML: {error}.") from error
    known = set(ENVIRONMENT) - {"key"}
    problems = []
    for name in found.keys() - known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(known))}."
        problems.append(f"`{name}` in {path} is not a setting; {hint}")
    if problems:
        raise SettingsError("\n".join(sorted(problems)))
    return path, found


def _temporal_profile(env: Mapping[str, str], *, explicit: bool) -> dict[str, str]:
    """Address and namespace of a profile in Temporal's own configuration file.

    A profile asked for by `TEMPORAL_PROFILE` or `TEMPORAL_CONFIG_FILE` ranks with the
    environment; the silent default file ranks below a running stack, which it would
    otherwise hide. Only two values are read here, so that the SDK need not be loaded.
    """
    asked_for = "TEMPORAL_PROFILE" in env or "TEMPORAL_CONFIG_FILE" in env
    if explicit != asked_for:
        return {}
    name = env.get("TEMPORAL_PROFILE", "default")
    path = Path(env["TEMPORAL_CONFIG_FILE"]) if "TEMPORAL_CONFIG_FILE" in env else temporal_file()
    try:
        text = path.read_text("utf-8")
        import tomllib

        profiles = tomllib.loads(text).get("profile", {})
    except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
        if not explicit:
            return {}
        raise SettingsError(
            f"Temporal's configuration file {path} cannot be read ({error}). "
            "Check TEMPORAL_CONFIG_FILE and TEMPORAL_PROFILE."
        ) from error
    except ValueError as error:  # Neither UTF-8 nor TOML is anything else.
        raise SettingsError(
            f"Temporal's configuration file {path} is not valid TOML: {error}."
        ) from error
    if name not in profiles:
        if "TEMPORAL_PROFILE" in env:
            raise SettingsError(
                f"TEMPORAL_PROFILE is '{name}', which {path} does not have; "
                f"it has {', '.join(sorted(profiles)) or 'none'}."
            )
        return {}
    profile = profiles[name]
    return {
        f"temporal_{field}": str(profile[field])
        for field in ("address", "namespace")
        if profile.get(field)
    }


def _validated(
    found: dict[str, Any],
    origins: Mapping[str, TemporalSource],
    config_path: Path,
    env: Mapping[str, str],
) -> Settings:
    read: dict[str, Any] = {"temporal_source": origins.get("temporal_address", "none")}
    problems = []
    for name, reader in _READ.items():
        if name not in found:
            continue
        try:
            read[name] = reader(found[name])
            if problem := clear.problem(name, read, env):
                raise ValueError(problem)
        except ValueError as problem:
            where = ENVIRONMENT.get(name, name)
            if origins.get(name) == "config file":
                where = f"`{name}` in {config_path}"
            elif origins.get(name) == "stack":
                where = f"`{name}` in {found['home'] / STACK_FILE}"
            shown = "" if name in SECRET else f" '{found[name]}'"
            problems.append(f"{where}{shown} is not usable: {problem}.")
    if problems:
        raise SettingsError("\n".join(problems)) from None
    return Settings(**read)
