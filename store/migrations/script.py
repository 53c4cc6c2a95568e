"""Runs one SQL file inside a migration."""

from pathlib import Path

from alembic import op
from sqlalchemy.util import await_only


def run(name: str) -> None:
    """Send a whole SQL file to the server, on the driver's own connection.

    SQLAlchemy would prepare it as one statement, which PostgreSQL refuses for several.
    """
    sql = (Path(__file__).parent / name).read_text(encoding="utf-8")
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    await_only(driver.execute(sql))
