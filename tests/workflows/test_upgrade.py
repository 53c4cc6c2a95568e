"""A playbook upgraded half-way: reminders move, and the workflow, which knows none, replays."""

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.workflows.conftest import WorkflowOffice, at, day
from tests.workflows.test_replay import replayer
from tests.workflows.test_years import E, body, prepared


def newer(playbook: Playbook) -> Playbook:
    """A week's notice instead of a fortnight's, no watch over coaching, and statute dates."""
    content = playbook.model_dump(mode="json")
    standard = next(p for p in content["policies"] if p["id"] == "standard")
    standard["steps"][0] |= {"id": "t-7", "days": -7}
    content |= {"version": 4, "coaching": None, "statutes": {"phases": ["partnering"]}}
    return Playbook.model_validate(content)


async def test_an_upgrade_half_way_keeps_the_reminders_right_and_the_workflow_replays(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    first = await story.agreed("Theory of action", day(4, 16))
    second = await story.agreed("Measures of success", day(5, 14))
    await story.until(at(day(4, 6), 10))
    assert (await story.ledger(first))[0]["status"] == "sent"

    await story.do("playbook publish", "dana", content=newer(playbook))
    receipt = await story.do(
        "playbook upgrade", "dana", engagement=E, to="dta-sir@4", reason="The handbook of April"
    )
    assert receipt.next_wake == at(day(4, 9), 8)
    await story.until(at(day(5, 15), 10))

    sent = {}
    for item in (first, second):
        told = [r for r in await story.ledger(item) if r["status"] == "sent"]
        sent[item] = [f"{r['planned_for']:%m-%d} {r['step']}" for r in told]
    assert sent[first][:2] == ["04-05 t-14", "04-09 t-7"]
    assert "04-13 t-3" in sent[first]
    assert sent[second] == ["05-07 t-7", "05-11 t-3", "05-14 due"]
    reasons = {(r["step"], r["reason"]) for r in await story.ledger(second) if r["reason"]}
    assert reasons == {("t-14", "playbook upgraded")}
    assert {r["reason"] for r in await story.ledger("coaching/contact")} == {"playbook upgraded"}
    assert not any("Coaching contact" in body(m) for m in mails.messages())

    await story.until(at(day(6, 10), 10))
    [adoption] = await story.ledger("lcap-adoption/2055")
    assert (f"{adoption['planned_for']:%m-%d}", adoption["status"]) == ("06-09", "sent")
    history = await story.client.get_workflow_handle(f"engagement:{E}").fetch_history()
    await replayer().replay_workflow(history)
