"""0008_pre_lea_days.sql"""

from store.migrations.script import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run("0008_pre_lea_days.sql")
