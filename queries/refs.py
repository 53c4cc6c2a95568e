"""What somebody means by a name: an engagement, a person, an LEA, a stream."""

from datetime import date
from typing import TYPE_CHECKING

from queries.names import Names
from queries.source import Source

if TYPE_CHECKING:
    from domain.rules.context import LeaEntry, PersonEntry


async def engagement_named(source: Source, name: str) -> str:
    """An engagement's id, from the id itself or from any name of its LEA (the latest one then).

    Raises:
        Ambiguous: Several LEAs are called that.
        Unknown: None is called that.
    """
    from domain.kernel.refusals import Unknown, did_you_mean
    from store.database import listed, queries

    async with source.pool.acquire() as connection:
        ids = [row["id"] for row in await listed(queries.engagement_ids(connection))]
        if name.strip() in ids:
            return name.strip()
        from domain.rules.context import several_leas
        from store.finding import leas_meant

        found = await leas_meant(connection, {name})
        if name in found.several:
            raise several_leas(name, found.several[name])
        if lea := found.one.get(name):
            of_lea = await listed(queries.engagements_of_lea(connection, lea=lea.id))
            if of_lea:
                return str(of_lea[-1]["id"])
            raise Unknown(
                f"There is no engagement with {lea.name} yet. Open one: "
                f"handrail engagement open {lea.id} --lead PERSON --director PERSON"
            )
    raise Unknown(
        f"There is no engagement {name!r}. {did_you_mean(name, ids)}"
        f"See them all: handrail engagement list"
    )


async def person_named(source: Source, name: str, day: date | None = None) -> "PersonEntry":
    """The person whom a question is about, by handle, id, name or a part of it.

    Args:
        day: Whoever has left by then is meant only where nobody is who is there.

    Raises:
        Ambiguous: Several people are called that.
        Unknown: Nobody is called that.
    """
    from domain.kernel.refusals import Ambiguous
    from store.finding import person_meant

    async with source.pool.acquire() as connection:
        try:
            return await person_meant(connection, name, day)
        except Ambiguous as several:
            told = str(several)
    names = Names(source)
    await names.learn(told)
    raise Ambiguous(names.told(told))


async def lea_named(source: Source, name: str) -> "LeaEntry":
    """The LEA that somebody names, by id, name or alias, or by a part of a name.

    Raises:
        Ambiguous: Several LEAs are called that.
        Unknown: None is called that.
    """
    from store.finding import lea_meant

    async with source.pool.acquire() as connection:
        return await lea_meant(connection, name)


async def reminded_stream(source: Source, name: str) -> str:
    """The stream whose reminders somebody means: an engagement's, or an appropriation's.

    An appropriation is named by its id, or as appropriation:dta-2026 where an engagement is called
    the same.

    Raises:
        Unknown: None is called that, or nobody is reminded of its kind.
    """
    from domain.kernel.refusals import Unknown, did_you_mean
    from store.context import appropriations

    kind, colon, rest = name.partition(":")
    async with source.pool.acquire() as connection:
        money = [*await appropriations(connection)]
    if colon and kind == "appropriation":
        if rest not in money:
            raise Unknown(
                f"There is no appropriation {rest!r}. {did_you_mean(rest, money)}"
                f"See them all: handrail appropriation list"
            )
        return name
    if colon and kind != "engagement":
        raise Unknown(
            f"Nobody is reminded of {name!r}. Name an engagement, or an appropriation as "
            f"appropriation:ID; see what is owed: handrail due"
        )
    try:
        return f"engagement:{await engagement_named(source, rest if colon else name)}"
    except Unknown:
        if name not in money:
            raise
        return f"appropriation:{name}"


async def stream_named(source: Source, name: str) -> str:
    """The stream somebody means: an engagement's, unless they name another aggregate's."""
    if name == "program":
        return name
    if ":" not in name or name.startswith("engagement:"):
        return f"engagement:{await engagement_named(source, name.removeprefix('engagement:'))}"
    aggregate, _, typed = name.partition(":")
    if aggregate == "person":
        return f"person:{(await person_named(source, typed)).id}"
    if aggregate == "lea":
        return f"lea:{(await lea_named(source, typed)).id}"
    return name


async def engagement_id(source: Source, lea: str) -> str:
    """The LEA's id, numbered when an earlier engagement with it is over."""
    from store.database import listed, queries

    found = await lea_named(source, lea)
    async with source.pool.acquire() as connection:
        earlier = await listed(queries.engagements_of_lea(connection, lea=found.id))
    if not earlier or earlier[-1]["ended_at"] is None:
        return str(earlier[-1]["id"] if earlier else found.id)
    return f"{found.id}-{len(earlier) + 1}"
