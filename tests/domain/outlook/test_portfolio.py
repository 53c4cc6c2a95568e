"""docs/rules/recruitment.md on the portfolio: who takes part on a day, and who needs a Lead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.engagement.state import Engagement
from domain.kernel.refusals import Unknown
from domain.outlook.mix import Member, Mix, mix
from domain.outlook.triage import Need, in_order, need
from domain.policy.calendar import at_local
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, HARBOR, PLAYBOOK, YES, ZONE, Story
from tests.domain.tables import Row, day, table


def seen(story: Story) -> Need:
    found = need(story.state(), PLAYBOOK, story.today)
    assert found is not None
    return found


def test_what_speaks_for_a_lead_stands_side_by_side() -> None:
    story = Story().opened()
    for row in table("recruitment.md", "Who gets a Lead"):
        match row["What is recorded"]:
            case "willing, partly able":
                story.do("readiness judge", willing="yes", able="partly", why="One coach.")
            case "one row of one group":
                row_ = {"year": "2023-24", "group": "Foster youth", "criterion": "red"}
                story.do("eligibility row", **row_)
            case "the risk of turnover is high":
                story.do("risk raise", risk="turnover", level="high", reason="vacancy")
            case other:
                assert other == "nothing"
        found = seen(story)
        years = "–" if found.years is None else f"{found.years}, {'' if found.enough else 'not '}"
        assert [
            years + ("" if found.years is None else "enough"),
            found.willing or "–",
            found.able or "–",
            found.risk or "–",
        ] == [row[name] for name in ("Years by statute", "Willing", "Able", "Risk")]
    assert (found.lead, found.judged_on) == ("p-marcus", story.today)


def test_days_without_contact_are_counted_from_the_agreement() -> None:
    story = Story().effective()
    story.on(story.today + timedelta(days=12))
    assert seen(story).days_since_contact == 12
    assert seen(Story().drafted()).days_since_contact is None


def test_a_playbook_that_asks_for_nothing_leaves_the_cells_empty() -> None:
    story = Story().effective()
    bare = PLAYBOOK.model_copy(update={"eligibility": None, "coaching": None})
    for playbook in (None, bare):
        found = need(story.state(), playbook, story.today)
        assert found is not None
        assert (found.years, found.enough, found.days_since_contact) == (None, False, None)


def test_an_engagement_that_is_over_needs_no_lead() -> None:
    story = Story().opened().do("engagement withdraw", "dana", reason="vacancy")
    assert need(story.state(), PLAYBOOK, story.today) is None


def test_those_about_whom_nothing_is_agreed_stand_first() -> None:
    one = seen(Story().opened())
    agreed = replace(one, engagement="a", phase="onboarding")
    later = replace(one, engagement="z")
    assert in_order([later, agreed, one]) == [one, later, agreed]


def test_no_engagement_is_opened_without_a_lead() -> None:
    Story().when(
        "engagement open", lea="ACUSD", lead="nobody", director="dana", contact="joy"
    ).refuses(Unknown, "'nobody'")


def test_a_portfolio_can_be_asked_for_any_day() -> None:
    rows = table("recruitment.md", "The mix of the portfolio")
    story = Story(day(rows[0]["Day"])).recruited()
    harbor = {"engagement": HARBOR, "lea": HARBOR, "lead": "marcus", "director": "dana"}
    story.do("engagement open", **harbor)
    story.on(day(rows[1]["Day"])).do("fit decide", "marcus", proceed=True, criterion=YES)
    story.on(day(rows[2]["Day"]))
    story.do("engagement withdraw", "dana", engagement=HARBOR, reason="superintendent vacancy")
    assert [told(portfolio(story, row)) for row in rows] == [
        (row["Taking part"], row["Left"], row["By phase"]) for row in rows
    ]
    assert portfolio(story, rows[2]).gone == (HARBOR,)


def portfolio(story: Story, row: Row) -> Mix:
    end = at_local(day(row["Day"]) + timedelta(days=1), story.now.time().min, ZONE)
    members = []
    for name in (ALDER, HARBOR):
        stream = f"engagement:{name}"
        state = fold(stream, as_true(story.history(stream), end - timedelta(seconds=1), ZONE))
        of = state.of(Engagement)
        assert of.phase is not None
        members.append(Member(of.lea, of.lea_type, of.phase))
    return mix(members, ())


def told(found: Mix) -> tuple[str, str, str]:
    phases = ", ".join(f"{phase} {n}" for phase, n in found.phases.items())
    return str(found.taking_part), str(found.left), phases


@pytest.mark.parametrize("fact", ["type", "locale", "region", "unduplicated"])
def test_a_mix_without_anybody_has_nothing_in_it(fact: str) -> None:
    found = mix([], PLAYBOOK.mix)
    assert (found.taking_part, found.gone, found.phases, found.unduplicated) == (0, (), {}, ())
    assert found.counts.get(fact, {}) == {}
    assert not any(a.met for a in found.achieved)


def test_the_share_of_unduplicated_pupils_is_a_target() -> None:
    assert [t.fact for t in PLAYBOOK.mix].count("unduplicated") == 1
