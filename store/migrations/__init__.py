"""Brings the database's schema up; plain SQL files, forward only, applied by Alembic."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_HERE = Path(__file__).parent
_VERSIONS = """
create table if not exists alembic_version (
    version_num varchar(32) not null constraint alembic_version_pkc primary key
)
"""
"""As Alembic makes it.  Of two migrations started at once, the second waits for its lock and finds
nothing to do; nobody but the owner may take it, as anybody may take an advisory lock."""


def newest() -> str:
    """The schema that this release is written for."""
    return max(path.name for path in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


async def migrate(owner_url: str, *, sandbox: bool = False) -> None:
    """Apply every migration that is missing.

    Args:
        owner_url: ``postgresql://`` URL of the role that owns the schema.
        sandbox: Makes a *new* store a sandbox for ever; says nothing about an existing one.

    Raises:
        StoreKindMismatch: The store exists and is of the other kind.
    """
    import asyncpg
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import Connection, text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    # By asyncpg itself, which knows what SQLAlchemy would refuse: sslmode and the like.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        poolclass=NullPool,
        async_creator=lambda: asyncpg.connect(owner_url),
    )
    wanted = "sandbox" if sandbox else "production"
    try:
        await _make_versions(engine)
        async with engine.begin() as connection:
            await connection.execute(text("lock table alembic_version in exclusive mode"))
            await connection.run_sync(upgrade)
            await connection.execute(
                text("insert into es.store (kind) values (:kind) on conflict do nothing"),
                {"kind": wanted},
            )
            kind = (await connection.execute(text("select kind from es.store"))).scalar_one()
    finally:
        await engine.dispose()
    if kind != wanted:
        raise StoreKindMismatch(
            f"This store was created as a {kind} store and stays one: its recorded instants come "
            f"from {'the sandbox clock' if kind == 'sandbox' else 'the database clock'}. "
            + (
                "Start it with --sandbox, or use another data directory."
                if kind == "sandbox"
                else "Start it without --sandbox, or use another data directory."
            )
        )


async def _make_versions(engine: "AsyncEngine") -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    for last in (False, True):
        try:
            async with engine.begin() as connection:
                await connection.execute(text(_VERSIONS))
        except DBAPIError:
            if last:  # The first time, somebody may just have made it.
                raise
        else:
            return


class StoreKindMismatch(Exception):
    """A production store was to be used as a sandbox, or the reverse."""
