"""In which thread a mail stands at its reader's."""

from activities.mailing.telling import Found
from store.database import Connection, queries


async def answered(connection: Connection, person: str, found: Found) -> tuple[str, ...]:
    """The Message-IDs of the first and the last mail that its reader got about the same alone.

    None for a mail about several streams: it would tie their threads together.
    """
    about = {*found.streams, *(past.stream for past in found.taken_back)}
    if len(about) != 1:
        return ()
    [stream] = about
    row = await queries.thread(connection, person=person, stream=stream)
    return tuple(dict.fromkeys(filter(None, (row["first"], row["last"]))))
