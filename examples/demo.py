"""`make demo`: the pilot cohort through two years in a sandbox, with every count checked."""

import asyncio
import json
import shlex
import signal
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from bootstrap.clock import ClockStuckError, SandboxClock
from bootstrap.door import (
    Door,
    Unavailable,
    new_command_id,
    open_door,
)
from bootstrap.logging import configure_logging
from bootstrap.settings import load_settings
from cli.admin import DEFAULT_PLAYBOOK
from cli.terminal.output import emit_table, leave
from domain.engagement.state import Engagement
from domain.envelope import Receipt
from domain.policy.calendar import spoken
from embedded.mailcatcher import caught_mails
from embedded.process import StartError
from examples.audit import (
    Findings,
    board_state,
    collect,
    problems,
    reasons,
    sent_by_kind,
    under_way,
)
from examples.cohort import (
    ALDER_CREEK,
    INVESTMENTS,
    LEAS,
    PEOPLE,
    SUMMITS,
    Deed,
    Journey,
    by_day,
    deeds,
    journey,
    load,
    stated_total,
)
from examples.stage import ROOT, DemoError, Stage, stage

ZONE = ZoneInfo("America/Los_Angeles")
OFFICE_HOUR = clock_time(10, 0)
"""When people give their commands: the day's mails went out at eight."""
AT_ONCE = 6
"""Engagements that are worked on at the same time."""
ATTEMPTS = 6
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.05
WIDTH = 100
"""Where a line of a wide table is cut, unless it is shown whole."""
SHOWN = "ace"
"""The engagement whose history and ledger are shown."""
SHOWN_LEA = "dpol"
"""The LEA whose facts are shown: some are missing, and two contradict each other."""
SUMMITS_NAMED = 5
STATED_ATTENDANCE = 41
"""The summits that the report names, and how many came to them on average."""
AS_KNOWN = date(2045, 9, 29)
"""Between a board's vote and the day on which Handrail was told of it."""


def say(text: str = "") -> None:
    """A line for the audience."""
    print(text, flush=True)


def heading(text: str) -> None:
    """The beginning of a part."""
    say(f"\n=== {text} ".ljust(90, "="))


def lines(text: str, *, after: str, first: int | None, last: int, width: int) -> None:
    """What a command answered: its first and last lines, each cut to a width.

    Args:
        after: Where it begins to be shown: the beginning of a line.
    """
    all_ = [line for line in text.split("\n") if line.strip()]
    all_ = all_[next(n for n, line in enumerate(all_) if line.startswith(after)) :]
    left_out = 0 if first is None else max(len(all_) - first - last, 0)
    shown = all_[: len(all_) - left_out - last] + all_[len(all_) - last :]
    for number, line in enumerate(shown, start=1):
        note = f" … {left_out} more lines" if left_out and number == first else ""
        fits = width - len(note)
        say("  " + (line if len(line) <= fits else line[: fits - 1] + "…") + note)


async def show(
    on: Stage,
    line: str,
    *,
    by: str | None = None,
    expect: int = 0,
    after: str = "",
    first: int | None = None,
    last: int = 0,
    width: int = WIDTH,
) -> str:
    """Run a command line in front of the audience; returns all that it answered."""
    arguments = shlex.split(line)
    answer = await on.handrail(arguments, by=by, expect=expect)
    say(f"\n$ {f'HANDRAIL_ACTOR={by} ' if by else ''}handrail {line}")
    if expect:
        for row in textwrap.wrap(answer.err.strip(), WIDTH):
            say(f"  {row}")
        say(f"  (exit code {expect})")
    else:
        lines(answer.out, after=after, first=first, last=last, width=width)
    return answer.out


def introduction(story: Journey) -> None:
    """What is fact and what is not."""
    amounts = len(load(INVESTMENTS))
    staff = sum(row.get("organisation") is None for row in load(PEOPLE))
    say("HANDRAIL: the pilot cohort, two years in a sandbox\n")
    told = {
        "FACT": f"What is said of the twelve LEAs, and the {amounts} investments: from the pilot "
        f"report, each with its lines. Where the report is silent, it says: not stated.",
        "ILLUSTRATIVE": "Every date, conversation, board meeting, deliverable and check-in: the "
        "report gives none. Each is marked so in the record, in every mail and in every report.",
        "SHIFTED": f"All dates, by {story.shift_years} years, after which weekdays match again: "
        f"{story.starts.year} stands for {story.starts.year - story.shift_years}.",
        "FICTIONAL": f"Alder Creek USD, to which happens all that goes wrong; the {staff + 1} "
        f"people of the agency; every address, each of which ends in .example. The contact of a "
        f"real LEA is a role, not a person.",
    }
    for label, text in told.items():
        say(textwrap.fill(text, 90, initial_indent=f"{label:<14}", subsequent_indent=" " * 14))


def handbook(home: Path) -> Path:
    """The playbook that comes with Handrail, without its watch over gaps in coaching.

    The report gives no dates of contacts, and no real LEA or Lead is to be shown late.
    """
    playbook = yaml.safe_load(DEFAULT_PLAYBOOK.read_text(encoding="utf-8"))
    del playbook["coaching"]
    written = home / "playbook.yaml"
    written.write_text(yaml.safe_dump(playbook, sort_keys=False), encoding="utf-8")
    return written


async def load_the_cohort(on: Stage, story: Journey) -> None:
    """The program, the registry and the directory, through the commands staff use."""
    heading("The program, the registry, the directory")
    await show(on, f"clock to {story.starts}T09:00")
    await show(
        on,
        'init --name "Pilot cohort (demonstration)" --agency "The Collaborative (demonstration)" '
        "--sender handrail@collaborative.example --director dana --director-name "
        f'"Dana Reyes" --director-email dana@collaborative.example '
        f"--playbook-file {handbook(on.home)}",
        first=2,
    )
    for what, file in (("lea", LEAS), ("lea", ALDER_CREEK), ("person", PEOPLE)):
        line = f"{what} import {file.relative_to(ROOT)}"
        await show(on, line, by="dana", first=1)
    await show(on, f"lea show {SHOWN_LEA}", first=6, last=1)


async def give(door: Door, deed: Deed) -> Receipt:
    """Give one command; asked again under the same id, it is carried out once.

    Raises:
        DemoError: It was refused, or never answered.
    """
    assert deed.command is not None
    envelope = door.packed(
        deed.command,
        command_id=new_command_id(),
        actor=deed.by,
        issued_at=await door.now(),
        effective_on=deed.effective,
        illustrative=True,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            receipt = await door.submit(envelope)
        except Unavailable as slow:
            if attempt == ATTEMPTS:
                raise DemoError(f"{envelope.stream} {envelope.kind}: {slow}") from slow
        else:
            if receipt.outcome == "refused":
                raise DemoError(f"{envelope.stream} {envelope.kind}: {receipt.message}")
            return receipt
    raise AssertionError("the last attempt returns or raises")


async def settle(door: Door) -> None:
    """Wait until all is known everywhere, and every reminder due is sent and reported.

    Raises:
        DemoError: One never is.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while left := await under_way(door):
        if time.monotonic() > deadline:
            raise DemoError(
                f"{left} events or reminders are still under way after {SETTLE_SECONDS:.0f} s"
            )
        await asyncio.sleep(POLL_SECONDS)


async def two_years(on: Stage, door: Door, story: Journey) -> None:
    """Carry every engagement through, day by day."""
    heading("Two years")
    assert isinstance(door.clock, SandboxClock)
    places = asyncio.Semaphore(AT_ONCE)
    given = 0
    month: tuple[int, int] | None = None
    extra = {story.investments_on, story.look_on, story.summits_on}
    plan = dict(by_day(deeds(story)))

    async def work(todo: Iterable[Deed]) -> None:
        async with places:
            for deed in todo:
                if deed.typed is None:
                    await give(door, deed)
                else:
                    await show(on, f"{deed.typed} --illustrative", by=deed.by, expect=1)

    for day in sorted({*plan, *extra}):
        if month not in (None, (day.year, day.month)):
            progress(door, month, given)
        month = (day.year, day.month)
        await settle(door)
        await door.clock.to(datetime.combine(day, OFFICE_HOUR, tzinfo=ZONE))
        await settle(door)
        if day == story.look_on:
            await show(on, "due", first=4)
        for file, loaded_on in ((INVESTMENTS, story.investments_on), (SUMMITS, story.summits_on)):
            if day == loaded_on:
                await show(on, f"import {file.relative_to(ROOT)}", by="tess", first=1)
                given += len(load(file))
        todo = plan.get(day, {})
        try:
            async with asyncio.TaskGroup() as together:
                for one in todo.values():
                    together.create_task(work(one))
        except ExceptionGroup as several:
            failed, unforeseen = several.split(DemoError)
            if failed is None or unforeseen is not None:
                raise
            raise DemoError("\n".join(str(one) for one in failed.exceptions)) from several
        given += sum(len(one) for one in todo.values())
    progress(door, month, given)


def progress(door: Door, month: tuple[int, int] | None, given: int) -> None:
    """Where the story is, at the end of a month."""
    assert month is not None
    mails = len(caught_mails(door.settings.home / "mail"))
    say(f"  {date(*month, 1):%b %Y}: {given:3} commands so far, {mails:3} mails")


async def show_the_mails(on: Stage, found: Findings, story: Journey) -> None:
    """How many of which kind, and one in full."""
    heading("The mails")
    names = {
        "t-14": "14 days before",
        "t-3": "3 working days before",
        "due": "on the day",
        "+1": "1 working day after",
        "+5": "5 working days after, also to the Lead",
        "+10": "10 working days after, also to the Director",
    }
    fiction = story.alder_creek.engagement
    kinds = sent_by_kind(found.engagements, fiction)
    emit_table(
        "Reminders sent",
        ("When", "The twelve", "Alder Creek", "In mails"),
        [(names[step], real, other, mails) for step, real, other, mails in kinds],
    )
    why = Counter(" and ".join(sorted(w)) for w in reasons(found, found.engagements).values())
    counted = ", ".join(f"{n} for {reason}" for reason, n in why.most_common())
    say(
        textwrap.fill(
            f"{len(found.mails)} mails in all: {counted}. A person gets one a day at most, so a "
            f"mail may hold several reminders; Leads get their week, Directors their month.",
            WIDTH,
        )
    )
    contact = f"contact@{SHOWN}.example"
    number = next(
        n
        for n, mail in enumerate(found.mails, start=1)
        if mail["To"].addresses[0].addr_spec == contact
    )
    await show(on, f"mail show {number}", after="Hello", first=6)
    number = next(
        n for n, mail in enumerate(found.mails, start=1) if "Your month" in str(mail["Subject"])
    )
    await show(on, f"mail show {number}", after="Hello", first=5)


async def questions(on: Stage, found: Findings, story: Journey) -> None:
    """What happened, what was sent, what was known when, and what it cost.

    Raises:
        DemoError: An answer does not differ as it must.
    """
    heading("Questions")
    history = await show(on, f"history {SHOWN}", first=2, last=2)
    await show(on, f"ledger {SHOWN}", first=3, last=2)
    alder = story.alder_creek.engagement
    asked = f"engagement show {alder} --json"
    then = json.loads((await on.handrail(f"{asked} --as-known {AS_KNOWN}")).out)
    now = json.loads((await on.handrail(asked)).out)
    say(f"\n$ handrail engagement show {alder} --as-known {AS_KNOWN}")
    for label, shown in ((f"as known on {spoken(AS_KNOWN)}", then), ("as known now", now)):
        state, meeting = board_state(shown, "lea")
        say(f"  {label}: the LEA board's item is {state}, meeting of {meeting}")
    if board_state(then, "lea") == board_state(now, "lea"):
        raise DemoError("the board's item is the same as known then and now")
    portfolio = await show(on, "engagement list", first=3, last=2, width=2 * WIDTH)
    for what, text in (("history", history), ("portfolio", portfolio)):
        if "illustrative" not in text:
            raise DemoError(f"the {what} does not say that it is illustrative")
    await show(on, "summit list", first=1, last=1)
    came = await on.handrail(["summit", "list", "--json"])
    attended = [json.loads(line)["attended"] for line in came.out.splitlines()]
    if len(attended) != SUMMITS_NAMED or sum(attended) != SUMMITS_NAMED * STATED_ATTENDANCE:
        raise DemoError(f"not {STATED_ATTENDANCE} came on average: {attended}")
    invested = found.invested()
    total = sum((event.amount for _, event in invested), Decimal(0))
    say(
        f"\nInvestments stated in the report, summed from {len(invested)} events: ${total:,.0f} "
        f"over {len({lea for lea, _ in invested})} LEAs; the sum is ours "
        f"(of {INVESTMENTS.name}: ${stated_total():,.0f})."
    )
    await show(on, "admin verify")


async def demonstrate() -> int:
    """Everything; returns the exit code."""
    began = time.monotonic()
    story = journey()
    introduction(story)
    say("Starting PostgreSQL, Temporal's time-skipping server, a mail catcher and the worker …")
    async with stage() as on:
        await load_the_cohort(on, story)
        settings = load_settings()
        configure_logging(settings)
        async with open_door(settings, commands=True) as door:
            await two_years(on, door, story)
            found = await collect(door)
        await show_the_mails(on, found, story)
        await questions(on, found, story)
        wrong = problems(found, story)
    heading("Summary")
    for what, said in wrong.items():
        say(f"NOT AS COMPUTED: {what}: {len(said)}, the first: {said[0]}")
    phases = Counter(
        f"{'fictional' if name == story.alder_creek.engagement else 'real'} "
        f"{state.of(Engagement).phase}"
        for name, state in found.engagements.items()
    )
    say(
        f"{len(found.engagements)} engagements "
        f"({', '.join(f'{n} {what}' for what, n in phases.items())}), "
        f"{found.events} events, {len(found.mails)} mails, "
        f"{time.monotonic() - began:.0f} seconds: "
        + (
            f"{sum(map(len, wrong.values()))} things of {len(wrong)} kinds are not as computed."
            if wrong
            else "all as computed."
        )
    )
    return 1 if wrong else 0


def main() -> None:
    """Run it; 130 when interrupted, 1 when anything is not as it must be."""
    # Whoever ends us politely gets the same clean end as Ctrl-C, which a script that starts us in
    # the background may have switched off.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        code = asyncio.run(demonstrate())
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        code = 130
    except (DemoError, StartError, Unavailable, ClockStuckError) as wrong:
        print(f"The demonstration failed: {wrong}", file=sys.stderr)
        code = 1
    leave(code)


if __name__ == "__main__":
    main()
