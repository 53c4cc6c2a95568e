"""docker-compose.yml, proved as far as it can be without a Docker engine."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.deploy.compose import (
    COMPOSE_FILE,
    ENV_EXAMPLE,
    ROOT,
    Missing,
    Service,
    example_variables,
    interpolate,
    load,
    service,
    services,
    variables,
)

SECRET_NAME = re.compile(r"PASSWORD|PWD|SECRET|TOKEN|KEY", re.IGNORECASE)
PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:(?P<password>[^@\s]+)@")

each_service = pytest.mark.parametrize(
    "each", [pytest.param(each, id=each.name) for each in services()]
)
each_of_ours = pytest.mark.parametrize(
    "each", [pytest.param(each, id=each.name) for each in services() if each.is_ours]
)


def check_schema(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_file_follows_the_compose_specification() -> None:
    result = check_schema(COMPOSE_FILE)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    content = load()
    content["services"]["worker"]["depend_on"] = []
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(yaml.safe_dump(content), "utf-8")
    result = check_schema(broken)
    assert result.returncode == 1
    assert "depend_on" in result.stdout + result.stderr


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name)
        for name in ("temporal", "temporal-ui", "temporal-postgres", "postgres", "mail", "worker")
    ],
)
def test_every_part_of_the_system_is_there(name: str) -> None:
    assert not service(name).is_one_shot


def test_every_variable_is_explained_in_the_example() -> None:
    used = variables(COMPOSE_FILE.read_text("utf-8"))
    used |= {secret["environment"] for secret in load()["secrets"].values()}
    assert used == set(example_variables())


def test_the_example_holds_no_secret() -> None:
    filled = {
        name: value
        for name, value in example_variables().items()
        if value and (SECRET_NAME.search(name) or PASSWORD_IN_URL.search(value))
    }
    assert filled == {}


def test_an_example_that_is_not_filled_in_stops_the_start() -> None:
    with pytest.raises(Missing):
        interpolate(COMPOSE_FILE.read_text("utf-8"), example_variables())


def test_the_env_file_itself_is_never_committed() -> None:
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert ENV_EXAMPLE.exists()


@each_service
def test_no_secret_is_written_down(each: Service) -> None:
    for name, value in each.environment.items():
        if SECRET_NAME.search(name) and not name.endswith("_FILE"):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
        for match in PASSWORD_IN_URL.finditer(value):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", match["password"]), name


@each_service
def test_only_this_machine_reaches_a_published_port(each: Service) -> None:
    for port in each.spec.get("ports", []):
        assert str(port).startswith("127.0.0.1:"), port
    assert each.spec.get("network_mode") != "host"


@each_service
def test_the_image_has_a_fixed_version(each: Service) -> None:
    name, _, tag = each.image.partition(":")
    assert name
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?", tag), each.image


@each_service
def test_a_service_is_watched_or_runs_once(each: Service) -> None:
    assert each.has_healthcheck != each.is_one_shot


@each_service
def test_whatever_is_waited_for_can_happen(each: Service) -> None:
    for name, condition in each.dependencies.items():
        needed = service(name)
        if condition == "service_healthy":
            assert needed.has_healthcheck, name
        else:
            assert condition == "service_completed_successfully"
            assert needed.is_one_shot, name


@each_service
def test_what_a_service_uses_is_declared(each: Service) -> None:
    file = load()
    assert set(each.spec["networks"]) <= set(file["networks"])
    assert set(each.spec.get("secrets", [])) <= set(file["secrets"])
    for volume in each.spec.get("volumes", []):
        source, target, *mode = str(volume).split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).is_file(), source
            assert mode == ["ro"], f"{source} belongs to the repository"
        else:
            assert source in file["volumes"], source


@each_service
def test_a_secret_file_that_is_named_is_mounted(each: Service) -> None:
    named = [value for value in each.environment.values() if value.startswith("/run/secrets/")]
    for path in named:
        assert path.removeprefix("/run/secrets/") in each.spec["secrets"]


@each_service
def test_services_that_talk_share_a_network(each: Service) -> None:
    for other in services():
        talks = any(
            re.search(rf"(^|[/@]){re.escape(other.name)}(:\d+|$)", value)
            for value in each.environment.values()
        )
        if talks:
            assert set(each.spec["networks"]) & set(other.spec["networks"]), other.name


def test_the_schema_and_the_attributes_are_ready_before_the_worker() -> None:
    assert service("worker").dependencies["migrate"] == "service_completed_successfully"
    assert service("worker").dependencies["prepare-temporal"] == "service_completed_successfully"


def test_only_the_migration_may_change_the_schema() -> None:
    owners = {each.name for each in services() if "handrail_owner:" in str(each.environment)}
    assert owners == {"migrate"}


def test_temporal_has_a_cluster_of_its_own() -> None:
    temporal, ours = service("temporal-postgres"), service("postgres")
    assert not set(temporal.spec["networks"]) & set(ours.spec["networks"])
    assert service("temporal").environment["POSTGRES_SEEDS"] == temporal.name


def test_temporal_and_its_schema_come_from_one_release() -> None:
    server, tools = service("temporal").image, service("temporal-schema").image
    assert server.partition(":")[2] == tools.partition(":")[2]


@each_of_ours
def test_our_containers_can_do_little_harm(each: Service) -> None:
    assert each.spec["read_only"] is True
    assert each.spec["cap_drop"] == ["ALL"]
    assert each.spec["security_opt"] == ["no-new-privileges:true"]


@each_of_ours
def test_our_variables_are_settings_that_exist(each: Service) -> None:
    from bootstrap.settings import ENVIRONMENT

    assert set(each.environment) <= set(ENVIRONMENT.values())


def commands_of(each: Service) -> list[list[str]]:
    commands = [each.spec["command"]]
    if each.has_healthcheck:
        commands.append(each.spec["healthcheck"]["test"][1:])
    return commands


@each_of_ours
def test_our_commands_exist(each: Service) -> None:
    for command in commands_of(each):
        match command:
            case ["python", "-m", module]:
                assert find_spec(module) is not None
            case ["handrail", *verb]:
                assert_is_a_verb(verb)
            case _:
                pytest.fail(f"{each.name} runs something unknown: {command}")


def test_a_verb_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_is_a_verb(["admin", "migrait"])


def assert_is_a_verb(verb: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", "from cli.main import main; main()", *verb, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    usage = next((line for line in result.stdout.splitlines() if line.startswith("Usage")), "")
    assert result.returncode == 0, result.stderr
    assert " ".join(verb) in usage, result.stdout
