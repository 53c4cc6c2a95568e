"""What a running stack consists of: told to its worker, to other commands and to people."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.settings import ENVIRONMENT, Settings
from bootstrap.values import Secret
from embedded.foreign import without_password
from embedded.home import MAIL, POSTGRESQL, TEMPORAL, WORKER, Home, Part, StackRecord
from embedded.process import child_environment

if TYPE_CHECKING:
    from embedded.keeping import Kept
    from embedded.mailcatcher import MailCatcherProcess
    from embedded.postgres import Cluster
    from embedded.process import Leashed
    from embedded.temporal import TemporalServer

NO_MAIL_LEAVES = "no mail leaves this machine"
"""What must be said wherever the mail catcher stands in place of a mail server."""


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
    catcher: "MailCatcherProcess | None"
    """Then the mail goes nowhere but into our catcher."""

    def addresses(self) -> tuple[str, str, str]:
        """What a worker was told when it was started."""
        return self.database_url, self.temporal_address, self.smtp_url

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
        if self.catcher is not None:
            env[ENVIRONMENT["caught"]] = str(home.maildir)
        return env

    def record(
        self,
        home: Home,
        *,
        started_at: datetime,
        worker: "Leashed",
        kept: "Mapping[str, Kept]",
    ) -> StackRecord:
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
            maildir=home.maildir if self.catcher else None,
            key_file=self.key_file,
            logs=home.logs,
            parts=self._parts(home, worker, kept),
            alarms=[part.alarm for part in kept.values() if part.alarm],
        )

    def _parts(self, home: Home, worker: "Leashed", kept: "Mapping[str, Kept]") -> list[Part]:
        def ours(part: str, name: str, where: str, process: "Leashed") -> Part:
            how = kept[part]
            return Part(
                name=name,
                where=where,
                # A number that is over may be anybody's.
                pid=process.pid if process.exit_code() is None else None,
                restarts=how.restarts,
                restarted_at=how.restarted_at,
            )

        def foreign(name: str, where: str) -> Part:
            return Part(name=name, where=where, ours=False)

        parts = []
        if self.temporal is not None:
            name = "Temporal (time skips)" if self.sandbox else "Temporal"
            parts.append(ours(TEMPORAL, name, self.temporal.address, self.temporal.process))
            if self.temporal.ui_url:
                parts.append(Part(name="Temporal web UI", where=self.temporal.ui_url))
        else:
            parts.append(foreign("Temporal", self.temporal_address))
        where = without_password(self.database_url)
        parts.append(
            ours(POSTGRESQL, "PostgreSQL", where, self.cluster.process)
            if self.cluster is not None
            else foreign("PostgreSQL", where)
        )
        where = without_password(self.smtp_url)
        if self.catcher is not None:
            said = f"{where} ({NO_MAIL_LEAVES})"
            parts.append(ours(MAIL, "Mail catcher", said, self.catcher.process))
            parts.append(Part(name="Caught mail", where=str(home.maildir)))
        else:
            parts.append(foreign("Mail", where))
        parts.append(ours(WORKER, "Worker", "this machine", worker))
        parts.append(Part(name="Data", where=str(home.path)))
        parts.append(Part(name="Logs", where=str(home.logs)))
        return parts
