"""0003_pre_reporting.sql"""

from store.migrations.script import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run("0003_pre_reporting.sql")
