"""Reading docker-compose.yml as Compose does, as far as the file needs it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
ENV_EXAMPLE = ROOT / ".env.example"
OWN_IMAGE = "handrail:"

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class Missing(ValueError):
    """A variable without which Compose would refuse to start."""


@dataclass(frozen=True)
class Service:
    name: str
    spec: dict[str, Any]

    @property
    def image(self) -> str:
        return str(self.spec["image"])

    @property
    def is_ours(self) -> bool:
        return self.image.startswith(OWN_IMAGE)

    @property
    def is_one_shot(self) -> bool:
        """Runs to its end at every start, and is started again only when it failed."""
        return str(self.spec.get("restart", "no")).startswith(("no", "on-failure"))

    @property
    def has_healthcheck(self) -> bool:
        return "test" in self.spec.get("healthcheck", {})

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.spec.get("environment", {}).items()}

    @property
    def dependencies(self) -> dict[str, str]:
        return {
            name: how["condition"] for name, how in dict(self.spec.get("depends_on", {})).items()
        }


def load() -> dict[str, Any]:
    """The whole file, anchors and merges resolved, variables as written."""
    content = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def services() -> list[Service]:
    return [Service(name, spec) for name, spec in load()["services"].items()]


def service(name: str) -> Service:
    return next(each for each in services() if each.name == name)


def variables(text: str) -> set[str]:
    return {match["name"] for match in VARIABLE.finditer(text)}


def interpolate(text: str, environ: Mapping[str, str]) -> str:
    """`text` with its `${NAME}`, `${NAME:-default}` and `${NAME:?complaint}` filled in."""

    def value(match: re.Match[str]) -> str:
        found = environ.get(match["name"], "")
        if not found and match["kind"] == "?":
            raise Missing(f"{match['name']}: {match['rest']}")
        return found or (match["rest"] or "" if match["kind"] == "-" else "")

    return VARIABLE.sub(value, text)


def example_variables() -> dict[str, str]:
    """What `.env.example` sets, comments left out."""
    lines = ENV_EXAMPLE.read_text("utf-8").splitlines()
    set_here = [line.partition("=") for line in lines if line.strip() and not line.startswith("#")]
    return {name: value for name, _, value in set_here}
