"""The mix of the portfolio: what was achieved of what was wanted."""

from typing import TYPE_CHECKING

from cyclopts import App

from cli.asking import Json, counted, run
from cli.commands import noun
from cli.output import emit_json, emit_table
from domain.portfolio import LeaProfile, Member, Mix, mix

if TYPE_CHECKING:
    from bootstrap.door import Door


def register(app: App) -> None:
    """Add the question."""
    noun(app, "portfolio").command(portfolio_mix, name="mix")


def portfolio_mix(*, json_: Json = False) -> None:
    """Compare the LEAs that take part with the targets of the program's playbook.

    Args:
        json_: One JSON object.
    """

    async def work(door: "Door") -> Mix:
        from domain.kernel import fold
        from store.context import playbook, program
        from store.database import listed, queries
        from store.events import read_stream

        async with door.pool.acquire() as connection:
            settings = await program(connection)
            rules = (
                await playbook(connection, settings.playbook.partition("@")[0])
                if settings
                else None
            )
            members = []
            for row in await listed(queries.engagements(connection, phase=None, person=None)):
                stream = f"lea:{row['lea']}"
                lea = fold(stream, await read_stream(connection, door.vault, stream))
                members.append(
                    Member(row["lea"], row["lea_type"], row["phase"], lea.of(LeaProfile))
                )
        return mix(members, rules.mix if rules else ())

    found = run(work)
    if json_:
        emit_json(
            {
                "taking_part": found.taking_part,
                "left": found.left,
                "counts": found.counts,
                "targets": [
                    {
                        "target": a.target.id,
                        "name": a.target.name,
                        "at_least": a.target.at_least,
                        "have": a.have,
                        "met": a.met,
                    }
                    for a in found.achieved
                ],
            }
        )
        return
    print(f"{counted(found.taking_part, 'LEA')} taking part, {found.left} left.")
    for fact, counts in found.counts.items():
        told = ", ".join(f"{v.replace('_', ' ')} {n}" for v, n in counts.items())
        print(f"  By {fact}: {told or '–'}")
    emit_table(
        "Targets",
        ("Target", "Wanted", "Have", "Met"),
        [
            (a.target.name, str(a.target.at_least), str(a.have), "yes" if a.met else "not yet")
            for a in found.achieved
        ],
    )
