"""What a running stack consists of: told to its worker, to other commands and to people."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.settings import ENVIRONMENT, Settings
from bootstrap.values import Secret
from embedded.foreign import without_password
from embedded.home import Home, Part, StackRecord

if TYPE_CHECKING:
    from embedded.postgres import Cluster
    from embedded.temporal import TemporalServer


@dataclass(frozen=True)
class Services:
    """Where each part is, ours or not."""

    database_url: str
    owner_database_url: str | None
    temporal_address: str
    temporal_namespace: str
    smtp_url: str
    key_file: Path | None
    sandbox: bool
    cluster: "Cluster | None"
    """Our own PostgreSQL; None where it is somebody else's, as with Temporal."""
    temporal: "TemporalServer | None"
    catches_mail: bool
    """Whether the mail goes nowhere but into our catcher."""

    def settings(self, base: Settings) -> Settings:
        """The settings a process of this stack would load."""
        update: dict[str, Any] = {
            "database_url": Secret(self.database_url),
            "smtp_url": Secret(self.smtp_url),
            "temporal_address": self.temporal_address,
            "key_file": self.key_file,
            "sandbox": self.sandbox,
        }
        if self.owner_database_url is not None:
            update["owner_database_url"] = Secret(self.owner_database_url)
        if self.temporal is not None:
            update["temporal_source"] = "stack"
        return replace(base, **update)

    def worker_environment(self, home: Home) -> dict[str, str]:
        """The environment the worker is configured by."""
        env = child_environment()
        # The worker never migrates.
        env.pop(ENVIRONMENT["owner_database_url"], None)
        if self.temporal is not None:
            # The user's credentials for another Temporal are not for this one.
            env = {name: value for name, value in env.items() if not name.startswith("TEMPORAL_")}
            env["TEMPORAL_CONFIG_FILE"] = os.devnull
        env |= {
            ENVIRONMENT["home"]: str(home.path),
            ENVIRONMENT["database_url"]: self.database_url,
            ENVIRONMENT["temporal_address"]: self.temporal_address,
            ENVIRONMENT["temporal_namespace"]: self.temporal_namespace,
            ENVIRONMENT["smtp_url"]: self.smtp_url,
        }
        if self.key_file is not None:
            env[ENVIRONMENT["key_file"]] = str(self.key_file)
        if self.catches_mail:
            env[ENVIRONMENT["caught"]] = str(home.maildir)
        return env

    def record(self, home: Home, *, started_at: datetime, worker_pid: int) -> StackRecord:
        """What other commands of this directory find the stack by."""
        ours = self.temporal is not None
        return StackRecord(
            pid=os.getpid(),
            sandbox=self.sandbox,
            started_at=started_at,
            home=home.path,
            temporal_address=self.temporal_address if ours else None,
            temporal_namespace=self.temporal_namespace if ours else None,
            ui_url=self.temporal.ui_url if self.temporal else None,
            database_url=self.database_url,
            owner_database_url=self.owner_database_url,
            smtp_url=self.smtp_url,
            maildir=home.maildir if self.catches_mail else None,
            key_file=self.key_file,
            logs=home.logs,
            parts=self._parts(home, worker_pid),
        )

    def _parts(self, home: Home, worker_pid: int) -> list[Part]:
        parts = []
        if self.temporal is not None:
            name = "Temporal (time skips)" if self.sandbox else "Temporal"
            pid = self.temporal.process.pid
            parts.append(Part(name=name, where=self.temporal.address, pid=pid))
            if self.temporal.ui_url:
                parts.append(Part(name="Temporal web UI", where=self.temporal.ui_url))
        else:
            parts.append(Part(name="Temporal", where=self.temporal_address, ours=False))
        parts.append(
            Part(
                name="PostgreSQL",
                where=without_password(self.database_url),
                pid=self.cluster.process.pid if self.cluster else None,
                ours=self.cluster is not None,
            )
        )
        parts.append(
            Part(
                name="Mail catcher" if self.catches_mail else "Mail",
                where=without_password(self.smtp_url),
                # The catcher is a thread of the supervisor.
                pid=os.getpid() if self.catches_mail else None,
                ours=self.catches_mail,
            )
        )
        if self.catches_mail:
            parts.append(Part(name="Caught mail", where=str(home.maildir)))
        parts.append(Part(name="Worker", where="this machine", pid=worker_pid))
        parts.append(Part(name="Data", where=str(home.path)))
        parts.append(Part(name="Logs", where=str(home.logs)))
        return parts


def child_environment() -> dict[str, str]:
    """Our environment, in which a child Python finds the same Handrail as we did."""
    root = Path(__file__).parent.parent
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
