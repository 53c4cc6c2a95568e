"""Where a user's files lie, on each system."""

import os
import sys
from pathlib import Path


def default_home() -> Path:
    """Where data goes when `HANDRAIL_HOME` is silent."""
    return users("XDG_DATA_HOME", ".local/share") / "handrail"


def users(variable: str, usual: str) -> Path:
    """Where the user's files of a kind lie; on a Mac all in one place, unless a variable says."""
    said = Path(os.environ.get(variable, ""))
    if said.is_absolute():
        return said
    return Path.home() / ("Library/Application Support" if sys.platform == "darwin" else usual)


def temporal_file() -> Path:
    """Temporal's own client configuration."""
    # As Temporal's own tools look for it.
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/temporalio/temporal.toml"
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "temporalio/temporal.toml"
