"""docs/rules/playbooks.md: steps in their order, and the upgrade of a running engagement."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.deciding import after, decide_in_full
from domain.engagement.state import StepWaived
from domain.journey.steps import SEEN, StepAdded, StepDone, StepDropped, journey
from domain.journey.upgrade import PlaybookUpgraded, Preview, UpgradePlaybook, preview
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    TightStep,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.policy.differences import differences
from domain.policy.parts import StepPhase
from domain.policy.playbook import Playbook, Step
from domain.policy.reminder_policies import ReminderPolicy
from domain.rules.registry import fold
from tests.domain.story import ALDER, GROUPS, PLAYBOOK, YES, Story, made
from tests.domain.tables import Row, days, table

TRIAL = "peer-visit"
PUT: dict[str, Any] = {"to": "dta-sir@4", "reason": "The handbook of December"}


def version(number: int = 4, base: Playbook = PLAYBOOK, **changed: Any) -> Playbook:
    return Playbook.model_validate({**base.model_dump(), "version": number, **changed})


def stepped(*steps: Step, base: Playbook = PLAYBOOK) -> tuple[Step, ...]:
    return (*base.steps, *steps)


def trial(*, tight: bool, phase: StepPhase = "onboarding", **more: Any) -> Step:
    return Step(id=TRIAL, name="A visit to a peer", tight=tight, phase=phase, **more)


def published(story: Story, *versions: Playbook) -> Story:
    story.versions |= {v.ref: v for v in versions}
    return story


def standing(story: Story, step: str) -> str | None:
    playbook = story.context("system", None).the_playbook
    return next((s.standing for s in journey(story.state(), playbook) if s.step.id == step), None)


def looked_at(story: Story, actor: str = "dana") -> Preview:
    """What `--dry-run` computes; nothing is recorded."""
    command = made("playbook upgrade", **PUT)
    assert isinstance(command, UpgradePlaybook)
    context = story.context(actor, command)
    before = story.state()
    own = decide_in_full(command, before, context).own
    assert context.other_playbook is not None
    then = after(before, own, context)
    return preview(before, then, [e for e, _ in own], context, context.other_playbook)


# Steps -------------------------------------------------------------------------------------------


def test_the_steps_are_those_in_the_table() -> None:
    assert [
        (r["Step"], r["Phase"], r["Kind"], r["Seen from"]) for r in table("playbooks.md", "Steps")
    ] == [(s.id, s.phase, "tight" if s.tight else "loose", SEEN[s.id].how) for s in PLAYBOOK.steps]


def test_the_next_step_is_the_first_one_still_to_be_done() -> None:
    story = Story(date(2027, 3, 2)).opened()
    assert standing(story, "conversations") == "next"
    assert standing(story, "fit") == "ahead"
    for group in GROUPS:
        story.do("conversation log", "marcus", group=group)
    assert [standing(story, s) for s in ("conversations", "fit", "agreements")] == [
        "done", "next", "ahead",
    ]  # fmt: skip
    story.do("fit decide", "marcus", proceed=True, criterion=YES)
    assert standing(story, "agreements") == "next"


def test_a_loose_step_of_a_phase_gone_by_is_not_asked_for() -> None:
    story = Story(date(2027, 3, 2)).effective()
    assert standing(story, "dashboard") == "next"
    story.proposed(date(2027, 4, 16)).signed()
    assert [standing(story, s) for s in ("dashboard", "review", "focus", "deliverables")] == [
        "behind", "behind", "next", "done",
    ]  # fmt: skip


def test_an_engagement_that_is_over_has_no_next_step() -> None:
    story = Story(date(2027, 3, 2)).effective().do("engagement close", "dana", reason="over")
    playbook = story.context("system", None).the_playbook
    assert "next" not in {s.standing for s in journey(story.state(), playbook)}


def test_the_lea_leaves_out_a_loose_step_and_takes_it_up_again() -> None:
    story = Story(date(2027, 3, 2)).effective()
    story.when("step drop", step="dashboard", reason="done by the county", person="joy",
               evidence="mail").records(StepDropped)  # fmt: skip
    assert standing(story, "dashboard") == "dropped"
    assert standing(story, "evidence") == "next"
    story.when("step drop", step="dashboard", reason="again").refuses(
        AlreadyExists, "left out already (done by the county)", "handrail step add"
    )
    story.when("step add", step="dashboard", reason="after all").records(StepAdded)
    assert standing(story, "dashboard") == "next"


def test_the_lea_adds_a_step_of_its_own_in_its_place() -> None:
    story = Story(date(2027, 3, 2)).effective()
    body = {"step": TRIAL, "name": "A visit to a peer", "reason": "asked for"}
    story.when("step add", after="dashboard", **body).records(StepAdded)
    steps = [s.step.id for s in journey(story.state(), PLAYBOOK)]
    assert steps[steps.index("dashboard") + 1] == TRIAL
    story.when("step add", **body).refuses(AlreadyExists, TRIAL, "Choose another id")
    story.when("step done", step=TRIAL, person="joy", evidence="mail").records(StepDone)
    assert standing(story, TRIAL) == "done"
    story.when("step done", step=TRIAL).refuses(AlreadyExists, "done already")


@pytest.mark.parametrize(
    ("what", "body", "kind", "words"),
    [
        ("step drop", {"step": "agreements", "reason": "r"}, TightStep, ("nobody may waive it",)),
        ("step drop", {"step": "fit", "reason": "r"}, TightStep, ("handrail step waive",)),
        ("step drop", {"step": "revew", "reason": "r"}, Unknown, ("'revew'", "review")),
        ("step drop", {"step": "review", "reason": "r", "person": "joy"}, Incomplete,
         ("--evidence",)),
        ("step drop", {"step": "review", "reason": "r", "effective": date(2027, 3, 3)},
         ImpossibleDate, ("Wed 3 Mar 2027",)),
        ("step add", {"step": "revue", "reason": "r"}, Unknown, ("'revue'", "NAME")),
        ("step add", {"step": "tea", "name": "Tea", "after": "revew", "reason": "r"}, Unknown,
         ("'revew'", "review")),
        ("step add", {"step": "review", "name": "R", "reason": "r"}, AlreadyExists, ("'review'",)),
        ("step done", {"step": "review"}, WrongState, ("handrail sir finalize",)),
        ("step done", {"step": "review", "person": "noor", "evidence": "m"}, WrongState, ()),
        ("step waive", {"step": "review", "reason": "r"}, WrongState, ("handrail step drop",)),
        ("step waive", {"step": "conversations", "reason": "r"}, WrongPerson, ("Director",)),
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_a_step_is_refused(
    what: str, body: dict[str, Any], kind: type[Any], words: tuple[str, ...]
) -> None:
    Story(date(2027, 3, 2)).opened().when(what, **body).refuses(kind, *words)


def test_a_tight_step_holds_the_commands_it_stands_before() -> None:
    tight = trial(tight=True, phase="partnering", before=("deliverable sign",), waiver="director")
    story = Story(date(2027, 3, 2))
    story.playbook = version(3, steps=stepped(tight))
    story.effective().proposed(date(2027, 4, 16))
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(
        TightStep, "A visit to a peer", "handrail step done", "handrail step waive"
    )
    story.when("step waive", "marcus", step=TRIAL, reason="r").refuses(WrongPerson, "p-marcus")
    story.when("step waive", "dana", step=TRIAL, reason="no peer is near").records(StepWaived)
    story.when("step waive", "dana", step=TRIAL, reason="r").refuses(AlreadyExists, "no peer")
    story.signed()
    assert standing(story, TRIAL) == "waived"


def test_a_tight_step_that_is_done_holds_nothing() -> None:
    story = Story(date(2027, 3, 2))
    tight = trial(tight=True, before=("deliverable sign",))
    story.playbook = version(3, steps=stepped(tight))
    story.effective().proposed(date(2027, 4, 16)).do("step done", step=TRIAL).signed()


def test_only_a_tight_step_stands_before_commands_and_a_step_is_there_once() -> None:
    with pytest.raises(ValidationError, match="is loose"):
        trial(tight=False, before=("deliverable sign",))
    with pytest.raises(ValidationError, match="there twice"):
        version(steps=stepped(trial(tight=True), trial(tight=True)))


def test_a_step_before_a_command_that_there_is_not_is_not_published() -> None:
    wrong = version(steps=stepped(trial(tight=True, before=("deliverable sing",))))
    Story().when("playbook publish", "dana", content=wrong).refuses(
        Unknown, "'deliverable sing'", "deliverable sign"
    )


# Upgrade -----------------------------------------------------------------------------------------

NOW = {"done": "done", "dropped": "left out", "behind": "lies behind", None: "gone"}


@pytest.mark.parametrize(
    "row",
    table("playbooks.md", "Upgrading a running engagement"),
    ids=lambda r: f"{r['Before']} {r['Engagement']} {r['Newer version']}",
)
def test_a_step_comes_through_an_upgrade_as_the_table_says(row: Row) -> None:
    was, _, how = row["Before"].partition(", ")
    phase: StepPhase = "onboarding"
    story = Story(date(2027, 3, 2))
    if was != "none":
        story.playbook = version(3, steps=stepped(trial(tight=was == "tight", phase=phase)))
    then = () if row["Newer version"] == "gone" else (
        trial(tight=row["Newer version"] == "tight", phase=phase),
    )  # fmt: skip
    published(story, version(4, steps=stepped(*then))).effective()
    if how == "done":
        story.do("step done", step=TRIAL)
    elif how == "left out":
        story.do("step drop", step=TRIAL, reason="r")
    if row["Engagement"] == "partnering":
        story.proposed(date(2027, 4, 16)).signed()
    assert story.engagement.phase == row["Engagement"]
    found = looked_at(story)
    assert found.undone == ()
    story.do("playbook upgrade", "dana", **PUT)
    now = standing(story, TRIAL)
    assert NOW.get(now, "asked for") == row["Then"]
    assert [s.after for s in found.steps] in ([now], [])


def test_an_upgrade_pins_the_newer_version_and_says_what_it_rested_on() -> None:
    story = published(Story(date(2027, 3, 2)), version(4)).effective()
    [event] = story.when("playbook upgrade", "dana", **PUT).records(PlaybookUpgraded)
    assert isinstance(event, PlaybookUpgraded)
    assert (event.before, event.to) == ("dta-sir@3", "dta-sir@4")
    assert event.done == ("conversations", "fit", "agreements")
    assert story.engagement.playbook == "dta-sir@4"
    assert fold(f"engagement:{ALDER}", story.history()) == story.state()


def test_what_was_done_stays_done_though_more_is_asked_in_it() -> None:
    groups = [*PLAYBOOK.model_dump()["stakeholder_groups"], {"id": "alumni", "name": "Alumni"}]
    story = published(Story(date(2027, 3, 2)), version(4, stakeholder_groups=groups)).recruited()
    story.do("playbook upgrade", "dana", **PUT)
    assert standing(story, "conversations") == "done"
    story.do("fit decide", "marcus", proceed=True, criterion=YES)


def test_a_newly_tight_step_ahead_holds_what_it_stands_before() -> None:
    tight = trial(tight=True, phase="partnering", before=("deliverable sign",))
    story = published(Story(date(2027, 3, 2)), version(4, steps=stepped(tight))).effective()
    story.proposed(date(2027, 4, 16)).do("playbook upgrade", "dana", **PUT)
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(TightStep, "dta-sir@4")


def test_a_newly_tight_step_that_lies_behind_holds_nothing() -> None:
    tight = trial(tight=True, phase="onboarding", before=("deliverable redate",))
    story = published(Story(date(2027, 3, 2)), version(4, steps=stepped(tight))).effective()
    story.proposed(date(2027, 4, 16)).signed().do("playbook upgrade", "dana", **PUT)
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 4, 30), reason="r")


def earlier() -> Playbook:
    """The policy `standard` with a reminder 7 instead of 14 days before."""
    policies = PLAYBOOK.model_dump(mode="json")["policies"]
    standard = next(p for p in policies if p["id"] == "standard")
    standard["steps"][0] |= {"id": "t-7", "days": -7}
    return version(4, policies=policies)


def test_an_upgrade_moves_the_reminders_and_repeats_none() -> None:
    story = published(Story(date(2027, 3, 2)), earlier()).effective()
    story.do("prong opt-out", prong="coaching", reason="r")
    story.proposed(date(2027, 4, 16)).signed().proposed(date(2027, 5, 14), "Measures")
    story.signed("D2").on(date(2027, 4, 12))
    found = looked_at(story)
    assert {(n.item, n.step, why) for n, why in found.suppressed} == {
        ("D2", "t-14", "playbook upgraded"), ("CI-1", "t-14", "playbook upgraded"),
    }  # fmt: skip
    assert {(n.item, n.step) for n in found.planned} == {("D2", "t-7"), ("CI-1", "t-7")}
    story.do("playbook upgrade", "dana", **PUT)
    ledger = {(n.planned.item, n.planned.step): n for n in story.ledger()}
    assert ledger["D1", "t-14"].status == "sent"
    assert ("D1", "t-7") not in ledger, "its moment has passed"
    assert ledger["D2", "t-14"].reason == "playbook upgraded"
    story.on(date(2027, 5, 17))
    told = [m.on for m in story.mails if ("D2", 1, "t-7") in m.items]
    assert told == days("Fri 7 May 2027")


def test_what_the_newer_version_says_nothing_about_is_dropped_everywhere() -> None:
    story = published(Story(date(2027, 3, 2)), version(4, coaching=None)).effective()
    found = looked_at(story)
    assert [(m.item, m.what) for m in found.owed] == [("coaching/contact", "is owed no more")]
    story.do("playbook upgrade", "dana", **PUT)
    assert {n.reason for n in story.ledger("coaching/contact")} == {"playbook upgraded"}


def test_a_reminder_that_somebody_was_still_to_get_is_dropped_with_its_rule() -> None:
    """The Lead was told; the Director's mail of that day had gone, so theirs was to come."""
    policies = PLAYBOOK.model_dump()["policies"]
    for policy in policies:
        if policy["id"] == "coaching-gap":
            policy["steps"] = [{"id": "due", "days": 0, "to": ["lead", "director"]}]
    story = Story(date(2027, 3, 2))
    story.playbook = version(3, policies=policies)
    published(story, version(4, coaching=None)).effective()
    story.away_until(date(2027, 4, 6)).do(
        "notices claim", "system", mail="01890000-0000-7000-8000-000000000001",
        message_id="<1@x.example>", person="p-marcus", on=date(2027, 4, 6),
    )  # fmt: skip
    [notice] = story.ledger("coaching/contact")
    assert notice.waiting == ("p-dana",)
    story.do("playbook upgrade", "dana", **PUT)
    [notice] = story.ledger("coaching/contact")
    assert notice.waiting == ()
    assert notice.deliveries["p-dana"].detail == "playbook upgraded"


@pytest.mark.parametrize(
    ("actor", "body", "kind", "words"),
    [
        pytest.param("tess", PUT, WrongPerson, ("p-tess", "Ask a Director"), id="assistant"),
        pytest.param("marcus", PUT, WrongPerson, ("p-marcus",), id="Lead"),
        pytest.param("dana", {**PUT, "to": "dta-sir@9"}, Unknown,
                     ("'dta-sir@9'", "dta-sir@4", "handrail playbook publish"), id="missing"),
        pytest.param("dana", {**PUT, "to": "dta-sir@3"}, AlreadyExists,
                     ("dta-sir@3 already", "handrail playbook show"), id="the same"),
        pytest.param("dana", {**PUT, "to": "short@1"}, Invalid,
                     ("short@1 is another playbook", "dta-sir@4"), id="another"),
        pytest.param("dana", {**PUT, "effective": date(2027, 3, 2)}, ImpossibleDate,
                     ("--on",), id="backdated"),
    ],
)  # fmt: skip
def test_an_upgrade_that_cannot_be_is_refused(
    actor: str, body: dict[str, Any], kind: type[Any], words: tuple[str, ...]
) -> None:
    story = published(Story(date(2027, 3, 2)), version(4), version(1, id="short"))
    story.effective().on(date(2027, 3, 4)).when("playbook upgrade", actor, **body).refuses(
        kind, *words
    )


def test_there_is_no_way_back() -> None:
    story = published(Story(date(2027, 3, 2)), version(4), version(2)).effective()
    story.do("playbook upgrade", "dana", **PUT)
    story.when("playbook upgrade", "dana", to="dta-sir@3", reason="r").refuses(
        WrongState, "no way back", "version 5", "handrail playbook publish"
    )


# Differences -------------------------------------------------------------------------------------


def test_versions_alike_differ_in_nothing() -> None:
    assert not differences(PLAYBOOK, version(4))


def test_differences_name_the_place_and_both_values() -> None:
    content = PLAYBOOK.model_dump()
    content["review"]["priority_cap"] = 6
    content["checkins"]["purposes"] += ({"id": "joy", "name": "Joy in the work"},)
    content["coaching"]["contact_kinds"] = content["coaching"]["contact_kinds"][:3]
    content["measures"] = None
    found = {c.where: (c.before, c.after) for c in differences(PLAYBOOK, version(4, **{
        k: content[k] for k in ("review", "checkins", "coaching", "measures")
    })).changes}  # fmt: skip
    assert found == {
        "review.priority_cap": ("5", "6"),
        "checkins.purposes.joy": (None, "Joy in the work"),
        "coaching.contact_kinds.message": ("A mail or a message left", None),
        "measures": ("dated lagging", None),
    }


def test_differences_of_steps_are_told_in_words() -> None:
    steps = [s.model_dump() for s in PLAYBOOK.steps if s.id != "cycle"]
    by_id = {s["id"]: s for s in steps}
    by_id["measures"] |= {"tight": True, "before": ("deliverable sign",)}
    by_id["fit"] |= {"tight": False, "waiver": None}
    steps.append(trial(tight=True).model_dump())
    told = [d.told() for d in differences(PLAYBOOK, version(4, steps=steps)).steps]
    assert told == [
        "step fit becomes loose, No fit criterion answered with no: waiver: gone, was director",
        f"step measures becomes tight, {by_id['measures']['name']}: before: new, deliverable sign",
        "new tight step peer-visit, A visit to a peer",
        "step cycle is gone, A first short cycle (was loose)",
    ]


def test_a_new_order_is_a_difference() -> None:
    steps = [*PLAYBOOK.steps[1:], PLAYBOOK.steps[0]]
    [found] = differences(PLAYBOOK, version(4, steps=steps)).steps
    assert "the order is now fit, agreements" in found.told()


def test_a_policy_that_is_used_by_none_may_change_and_say_so() -> None:
    window = ReminderPolicy.model_validate(
        {"id": "window", "steps": [{"id": "due", "days": 0, "to": ["owner"]}]}
    )
    policies = [window if p.id == "window" else p for p in PLAYBOOK.policies]
    [gone] = differences(PLAYBOOK, version(4, policies=policies)).changes
    assert gone.where == "policies.window.steps.t-3"
    assert gone.after is None
