"""Six things that hold at every moment of the story."""

from collections import Counter
from datetime import date, datetime

import yaml

from cli.admin import DEFAULT_CALENDAR
from cli.whole import build
from domain.policy.calendar import CalendarPack, Closure, WorkingDays
from domain.rules.registry import COMMANDS
from tests.cli.test_json import verbs
from tests.end_to_end.scenario.desk import Desk, E, local
from tests.end_to_end.scenario.recruiting import LEAS, RECESS
from tests.end_to_end.scenario.replaying import RUNNING

PACK = CalendarPack.model_validate(yaml.safe_load(DEFAULT_CALENDAR.read_text(encoding="utf-8")))
AGENCY = WorkingDays(PACK)
ALDER_CREEK = WorkingDays(
    PACK, [Closure(name=n, first=date.fromisoformat(a), last=date.fromisoformat(z))
           for n, a, z in RECESS],
    "school",
)  # fmt: skip
SCHOOLS = WorkingDays(PACK, keeper="school")
SIGNED = {"deliverable-signed": "deliverable", "wave-signed": "wave"}


def invariant_1_no_reminder_without_two_signatures(desk: Desk) -> None:
    signed: dict[str, set[str]] = {}
    seen = set()
    for event in desk.events():
        if event["type"] in SIGNED:
            item = event["data"][SIGNED[event["type"]]]
            signed.setdefault(item, set()).add(event["data"]["side"])
        if event["type"] == "notices-planned":
            for notice in event["data"]["notices"]:
                item = notice["item"]
                if item[0] in "DW" and item[1:].isdigit():
                    seen.add(item)
                    assert signed.get(item) == {"agency", "lea"}, f"{item} at {event['version']}"
    assert seen == {"D1", "D2", "D3", "D5", "D6", "W1", "W2", "W3"}
    assert "D4" not in seen, "it was declined"


def invariant_2_no_message_at_a_wrong_hour(desk: Desk) -> None:
    """The alarms of a board's agenda excepted, which go at their own hour."""
    mails = desk.mails()
    assert len(mails) > 100
    for mail in mails:
        if "Posting of" in mail.subject:
            continue
        assert 7 <= mail.at.hour < 18, mail
        # Staff hear of what an LEA owes on its days, too.
        whose = [ALDER_CREEK] if "alder-creek" in mail.to else [AGENCY, SCHOOLS]
        assert any(days.is_working(mail.day) for days in whose), mail


def invariant_3_never_two_mails_for_one_moment(desk: Desk) -> None:
    ids: set[str] = set()
    for lea in LEAS:
        for row in desk.rows("ledger", lea):
            told = [d["to"] for d in row["deliveries"]]
            assert len(told) == len(set(told)), row
            assert (row["outcome"] == "suppressed") == (row["reason"] is not None), row
            ids.update({d["message_id"] for d in row["deliveries"] if d["outcome"] == "sent"})
    digests = Counter(
        (m.to, m.day) for m in desk.mails() if "Posting of" not in m.subject
    )  # fmt: skip
    assert set(digests.values()) == {1}, "one mail a person and day"
    headers = [r["message_id"] for r in desk.rows("mail", "list")]
    assert len(headers) == len(set(headers))
    assert ids <= set(headers)


def everything(desk: Desk) -> dict[str, object]:
    """What can be asked about all engagements, and about three of them in full."""
    found: dict[str, object] = {"due": desk.rows("due"), "list": desk.rows("engagement", "list")}
    for lea in (E, "harbor-charter", "salt-flat-elementary"):
        found[lea] = desk.show(engagement=lea)
        found[f"{lea}, ledger"] = desk.rows("ledger", lea)
    return found


def invariant_4_everything_comes_back_from_the_events(desk: Desk) -> None:
    """The read models built anew, and a Temporal that has forgotten everything."""
    before = everything(desk)
    history = desk.rows("history", E)
    desk.do("admin", "rebuild")
    assert everything(desk) == before
    now = datetime.fromisoformat(desk.one("clock")["now"])
    mails = desk.mails()
    desk.power_cut(now)
    assert everything(desk) == before
    assert desk.rows("history", E) == history
    assert desk.mails() == mails
    desk.do("admin", "verify")
    today = local(desk.one("clock")["now"]).date()
    assert str(today) >= "2056-08-15"


def invariant_5_the_workflows_replay(desk: Desk) -> None:
    """After the newer handbook, and before the close: every step since the power failed."""
    for when in ("replayed", "replayed at the end"):
        assert set(desk.remembered[when]) == set(RUNNING)
        assert min(desk.remembered[when].values()) > 2, desk.remembered[when]


ACTS = {
    "admin adopt", "admin defects", "admin head", "admin migrate", "admin prepare-temporal",
    "admin rebuild", "admin recover", "admin verify", "backup",
    "bulk reschedule summit", "calendar export", "calendar feeds", "clock advance", "clock to",
    "engagement reopen",
    "completion", "conversation import", "correct", "dashboard import", "doctor", "down",
    "evidence import", "import", "import template", "init", "investment import",
    "lea fact-import", "lea import", "person import", "person reassign", "restore", "retract",
    "status", "summit attendance import", "survey import", "undo", "up",
}  # fmt: skip
"""The verbs that do something without being a command of the domain, or look at the machine and
its files."""
ON_AN_ENGAGEMENT = (
    "burden show", "checkin show", "consultancy list", "contact list", "course list", "cycle list",
    "dosage", "engagement show", "focus show", "history", "investment list", "lead packet",
    "ledger", "rehearse", "reminders plan", "sir show", "sir thread", "statute list", "step list",
    "survey show", "team show",
)  # fmt: skip
ON_ANYTHING_ELSE = {
    "appropriation list": "", "appropriation show": "dta-2054", "clock": "",
    "deliverable list": "", "deliverable show": f"{E} D1", "due": "", "engagement list": "",
    "framework list": "",
    "lea facts": "", "lea list": "", "lea show": E, "lead caseload": "", "mail list": "",
    "mail show": "1", "person list": "", "person show": "joy",
    "playbook diff": "dta-sir@3 dta-sir@4", "playbook list": "", "playbook show": "dta-sir@3",
    "portfolio mix": "", "portfolio triage": "", "summit list": "", "summit show": "Y1-1",
    "survey growth": "",
}  # fmt: skip


def invariant_6_what_is_measured_is_told_exactly(desk: Desk) -> None:
    """In every answer there is: hours and money as text, and only counts as numbers."""
    commands = {f"{c.noun} {c.verb}" for c in COMMANDS.values()}
    questions = {name for name, _ in verbs(build())} - commands - ACTS
    assert questions == {*ON_AN_ENGAGEMENT, *ON_ANYTHING_ELSE}
    asked = {**dict.fromkeys(ON_AN_ENGAGEMENT, E), **ON_ANYTHING_ELSE}
    # Each answer is looked at as it is read.
    silent = [q for q, more in asked.items() if not desk.rows(*q.split(), *more.split())]
    assert silent == ["cycle list", "lea facts"], "of these alone the story tells nothing"
