"""The Dockerfile, checked against the files and commands it names."""

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch

import pytest

from tests.deploy.compose import ROOT, service, services

LINES = [
    line
    for line in re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
    if line and not line.startswith("#")
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def instructions(name: str) -> list[str]:
    return [rest for word, _, rest in (line.partition(" ") for line in LINES) if word == name]


def final_stage() -> list[str]:
    starts = [number for number, line in enumerate(LINES) if line.startswith("FROM ")]
    return LINES[starts[-1] :]


def last_of_final_stage(name: str) -> str:
    return [line for line in final_stage() if line.startswith(f"{name} ")][-1].partition(" ")[2]


def test_the_base_image_has_a_version() -> None:
    (base,) = instructions("ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+", base)
    assert {source.split()[0] for source in instructions("FROM")} == {"${PYTHON_IMAGE}"}


def test_everything_installed_has_a_hash() -> None:
    installs = [
        words
        for run in instructions("RUN")
        for words in map(shlex.split, run.split("&&"))
        if "install" in words and words[0].endswith("/pip")
    ]
    assert len(installs) == 3
    for words in installs:
        assert "--require-hashes" in words or {"--no-deps", "--no-index"} <= set(words), words


def test_every_lock_that_is_installed_exists() -> None:
    named = re.findall(r"-r (\S+)", "\n".join(instructions("RUN")))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_container_does_not_run_as_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last_of_final_stage("USER"))


def test_by_default_the_image_is_the_worker() -> None:
    assert json.loads(last_of_final_stage("CMD")) == service("worker").spec["command"]


def test_image_and_compose_ask_the_same_question_about_health() -> None:
    command = last_of_final_stage("HEALTHCHECK").partition("CMD ")[2]
    assert ["CMD", *json.loads(command)] == service("worker").spec["healthcheck"]["test"]


def test_compose_gives_the_writable_places_to_the_image_s_user() -> None:
    uid, gid = last_of_final_stage("USER").split(":")
    for each in (each for each in services() if each.is_ours):
        home = next(path for path in each.spec["tmpfs"] if path.startswith("/var/lib/handrail:"))
        assert f"uid={uid},gid={gid}" in home


def test_compose_names_the_version_of_this_project() -> None:
    tags = {each.image for each in services() if each.is_ours}
    assert tags == {f"handrail:{PROJECT['project']['version']}"}


def build_context() -> list[str]:
    """The patterns that .dockerignore lets through."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in rules, "everything else must stay out"
    return [rule[1:].rstrip("/") for rule in rules if rule.startswith("!")]


@pytest.mark.parametrize(
    "needed", PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
)
def test_what_the_wheel_is_made_of_reaches_the_build(needed: str) -> None:
    assert needed in build_context()


@pytest.mark.parametrize(
    "needed",
    ["pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]],
)
def test_what_describes_the_wheel_reaches_the_build(needed: str) -> None:
    assert needed in build_context()


@pytest.mark.parametrize("private", [".env", ".git", ".venv", "tests", "examples", "deploy"])
def test_what_has_no_business_in_an_image_stays_out(private: str) -> None:
    assert not any(fnmatch(private, pattern) for pattern in build_context())
