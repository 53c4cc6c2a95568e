"""0001_pre_events.sql"""

from store.migrations.script import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_pre_events.sql")
