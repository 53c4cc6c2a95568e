"""The ports of the parts that listen on this machine, and what to say when one has moved."""

import contextlib

import psutil

USUAL_PORTS = {"temporal": 7233, "temporal-ui": 8233, "postgresql": 5432, "mail": 1025}
NAMES = {
    "temporal": "Temporal",
    "temporal-ui": "Temporal's pages",
    "postgresql": "PostgreSQL",
    "mail": "The mail catcher",
}
ASKED_BY = {
    "temporal": "the `temporal` command, a worker of your own",
    "temporal-ui": "a bookmark in a browser",
    "postgresql": "a spreadsheet, a backup",
    "mail": "a mail program that sends through it",
}
"""What people set up with the port of a part, besides Handrail, which looks it up."""


def holder_of(port: int) -> str | None:
    """The program that listens on a port, where the system tells us."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    return None


def moved(name: str, wanted: int, now: int, *, before: bool, holder: str | None) -> str:
    """That a part listens elsewhere than whoever asks it expects, and what must be told.

    Args:
        name: The part, as in `USUAL_PORTS`.
        wanted: The port it should have had.
        now: The port it has.
        before: It had the wanted one the last time it ran.
        holder: Who has that port now, where that is known.
    """
    had = "it had last time" if before else "it usually has"
    by = f" by {holder}" if holder else ""
    return (
        f"{NAMES[name]} listens on port {now}: {wanted}, which {had}, is taken{by}. Handrail finds "
        f"it by itself; tell what else asks it ({ASKED_BY[name]}). `handrail status` shows where "
        f"everything is."
    )
