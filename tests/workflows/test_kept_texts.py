"""A document that an earlier release let in holds up no mail, whatever its texts are."""

from collections.abc import Iterator
from typing import Any

import pytest

from domain.kernel import messages
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.workflows.conftest import WorkflowOffice, at, day
from tests.workflows.test_years import prepared


def nothing_wrong(*_: Any, **__: Any) -> Iterator[Any]:
    """What an earlier release found wrong with a text."""
    return iter(())


async def test_a_step_that_is_called_in_two_lines_is_mailed_and_refused_when_published_anew(
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = playbook.model_dump(mode="json")
    for policy in content["policies"]:
        for step in policy["steps"]:
            step["id"] = f"{step['id']}\nand\u2028\u202emore"
    broken = Playbook.model_validate(content)
    with monkeypatch.context() as earlier:
        earlier.setattr(messages, "wrong_texts", nothing_wrong)
        await prepared(story, broken, calendar, day(3, 9))
    item = await story.agreed("Theory of action", day(4, 16))
    before = len(mails.messages())
    await story.until(at(day(4, 5), 10))
    assert (await story.ledger(item))[0]["status"] == "sent"
    assert len(mails.messages()) > before

    content["version"] += 1
    with pytest.raises(ValueError, match=r"must (be one line|not turn text round)"):
        await story.ask("playbook publish", "dana", content=content)
