"""What a command is answered, waited for and told."""

from typing import TYPE_CHECKING

from cli.terminal.output import REFUSED, emit_json, fail, narrate
from domain.envelope import Envelope, Receipt
from queries.names import Names

if TYPE_CHECKING:
    from bootstrap.door import Door


_TRIES = 3
"""Of a command of which nobody knows whether it was taken; its id makes repeating safe."""


async def given(door: "Door", envelope: Envelope) -> Receipt:
    """A command's answer, waited for as long as it was accepted; one of many may be a defect."""
    from bootstrap.door import NotKnown, StillWorking, Undecided

    tries = 0
    while True:
        try:
            return await door.submit(envelope)
        except StillWorking:
            narrate("still working …")
        except NotKnown:
            tries += 1
            if tries == _TRIES:
                raise
            narrate("no answer yet …")
        except Undecided as defect:
            return defect.receipt


def answered_all_the_same(receipt: "Receipt", away: Exception) -> str:
    """What is said of an answer that is there, where what it is about cannot be read any more."""
    from bootstrap.away import why

    return (
        f"{receipt.outcome.capitalize()} on {receipt.stream}, at version {receipt.version}; what "
        f"it says cannot be read now ({why(away)})."
    )


def tell(receipt: "Receipt", sentences: list[str], names: Names, *, as_json: bool) -> None:
    """Show a receipt; a refusal leaves with exit code 1."""
    if as_json:
        emit_json(
            {
                **receipt.model_dump(mode="json", exclude={"facets", "is_open"}),
                "message": names.told(receipt.message),
                "told": [names.told(s) for s in sentences],
            }
        )
        if receipt.outcome == "refused":
            raise SystemExit(REFUSED)
        return
    if receipt.outcome == "refused":
        fail(names.told(receipt.message), REFUSED)
    if receipt.repeated:
        narrate("This command was carried out before; nothing was recorded again.")
    for sentence in sentences or [receipt.message]:
        print(names.told(sentence))
