"""0006_pre_lea_days.sql"""

from store.migrations.script import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_pre_lea_days.sql")
