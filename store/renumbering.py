"""Brings the order of the log into another cluster, whose transactions are counted anew."""

from store.database import Connection

RENUMBERED = "3"
"""The first id that a transaction can have: whatever comes after it is younger."""


async def renumber(owner: Connection) -> bool:
    """Give every event an id that this cluster has passed, where some have one above its counter.

    In the caller's transaction.  Among themselves events then stand in the order in which they were
    numbered; who follows the log goes on before the first event that it had not come to.  The
    hashes do not cover the id, so the chains stay true.

    Args:
        owner: A connection as the owner of the tables.
    """
    ahead = await owner.fetchval(
        "select exists (select from es.events"
        "  where xact_id >= pg_snapshot_xmax(pg_current_snapshot()))"
        " or exists (select from ops.checkpoints"
        "  where xact_id >= pg_snapshot_xmax(pg_current_snapshot()))"
    )
    if not ahead:
        return False
    await owner.execute(
        f"""
        update ops.checkpoints c set xact_id = '{RENUMBERED}', position = coalesce(
            (select min(e.position) - 1 from es.events e
              where (e.xact_id, e.position) > (c.xact_id, c.position)),
            (select max(position) from es.events), 0);
        alter table es.events disable trigger append_only;
        update es.events set xact_id = '{RENUMBERED}';
        alter table es.events enable always trigger append_only;
        """  # noqa: S608 - a constant of this module
    )
    return True
