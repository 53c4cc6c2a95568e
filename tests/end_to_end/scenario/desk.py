"""The desk at which the scenario is worked: one sandbox, and the command line to it."""

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli.main import main
from tests.embedded.support import Installation, eventually
from tests.end_to_end.conftest import Answer, environment

E = "alder-creek-usd"
ZONE = ZoneInfo("America/Los_Angeles")
Row = dict[str, Any]


@dataclass(frozen=True)
class Mail:
    """A mail in the mailbox, with the local moment at which it was sent."""

    number: int
    at: datetime
    to: str
    subject: str

    @property
    def day(self) -> date:
        return self.at.date()


@dataclass
class Desk:
    """Runs `handrail` in this process, as somebody; the servers are real."""

    installation: Installation
    given: int = 0
    remembered: dict[str, Any] = field(default_factory=dict)
    """What a later step compares with."""

    @property
    def home(self) -> Path:
        return self.installation.home

    def ask(self, *arguments: str, by: str = "tess") -> Answer:
        """Whatever comes of it."""
        self.given += 1
        values = {"HANDRAIL_HOME": str(self.home), "HANDRAIL_ACTOR": by}
        out, err, code = io.StringIO(), io.StringIO(), 0
        with environment({**os.environ, **values}), redirect_stdout(out), redirect_stderr(err):
            try:
                main(list(arguments))
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
        return Answer(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: str, by: str = "tess") -> Answer:
        """Its answer; it must be done."""
        answer = self.ask(*arguments, by=by)
        assert answer.code == 0, f"{by}: {' '.join(arguments)}\n{answer.said}"
        return answer

    def do(self, *arguments: str, by: str = "tess") -> str:
        """What it says; it must be done."""
        return self.done(*arguments, by=by).out

    def refused(self, *arguments: str, by: str = "tess") -> str:
        """What it says; it must be refused."""
        answer = self.ask(*arguments, by=by)
        assert answer.code == 1, f"{by}: {' '.join(arguments)}: not refused\n{answer.said}"
        return answer.said

    def rows(self, *arguments: str, by: str = "tess") -> list[Row]:
        """The lines of a ``--json`` answer."""
        return self.done(*arguments, "--json", by=by).lines

    def one(self, *arguments: str, by: str = "tess") -> Row:
        """The only line of a ``--json`` answer."""
        [row] = self.rows(*arguments, by=by)
        return row

    def show(self, *more: str, engagement: str = E) -> Row:
        """The engagement, now or as known or true on a day."""
        return self.one("engagement", "show", engagement, *more)

    def sign(self, noun: Sequence[str], item: str, day: str, *, by: str = "marcus") -> None:
        """Both sides sign: the Lead, and Joy for the LEA."""
        self.do(*noun, "sign", E, item, by=by)
        self.do(*noun, "sign", E, item, "--for", "joy", "--evidence", f"mail of {day}")

    def clock(self, day: str, at: str = "09:00") -> None:
        """Send the sandbox's clock ahead; what is due on the way happens at its own time."""
        self.do("clock", "to", f"{day}T{at}")

    def file(self, name: str, content: str | Iterable[Row]) -> str:
        """A file of the assistant's, as text or as rows of a table."""
        path = self.home / name
        if not isinstance(content, str):
            rows = list(content)
            text = io.StringIO()
            writer = csv.DictWriter(text, list(dict.fromkeys(k for row in rows for k in row)))
            writer.writeheader()
            writer.writerows(rows)
            content = text.getvalue()
        path.write_text(content, encoding="utf-8")
        return str(path)

    def events(self, *types: str, engagement: str = E) -> list[Row]:
        """The events of an engagement, of these types or all."""
        return [e for e in self.rows("history", engagement) if not types or e["type"] in types]

    def plan(self, item: str, round_: int = 1) -> dict[str, tuple[str, str]]:
        """For each step of an item's round: the local day planned for, and what became of it.

        Of what was suppressed, the reason.
        """
        return {
            r["step"]: (str(local(r["planned_for"]).date()), r["reason"] or r["outcome"])
            for r in self.rows("ledger", E)
            if (r["item"], r["round"]) == (item, round_)
        }

    def settled(self, *days: str, engagement: str = E) -> list[Row]:
        """The notices planned for these days, once all of them have come to an end."""
        found: list[Row] = []

        def over() -> bool:
            found[:] = [
                r
                for r in self.rows("ledger", engagement)
                if str(local(r["planned_for"]).date()) in days
            ]
            return all(r["outcome"] in ("sent", "suppressed", "bounced") for r in found)

        eventually(over, 30, f"{days}")
        return found

    def mails(self, to: str = "", *days: str) -> list[Mail]:
        """The mails in the mailbox to somebody, on these days or ever."""
        return [
            Mail(r["number"], when, r["to"], r["subject"])
            for r in self.rows("mail", "list")
            if to in r["to"] and (str((when := local(r["date"])).date()) in days or not days)
        ]

    def mailed(self, to: str, day: str) -> tuple[Mail, str]:
        """The one mail that somebody got on a day, and its text."""
        eventually(lambda: len(self.mails(to, day)) > 0, 30, f"a mail to {to} on {day}")
        [mail] = self.mails(to, day)
        return mail, self.do("mail", "show", str(mail.number))

    def power_cut(self, until: datetime) -> None:
        """Everything is killed, and comes back at a moment of the sandbox's."""
        import signal

        from embedded.home import Home

        os.kill(self.installation.record()["pid"], signal.SIGKILL)
        eventually(self.installation.is_gone, 40, f"left: {self.installation.processes()}")
        Home(self.home).save_clock(until)
        self.installation.run("up", "--sandbox", "--detach")


def local(instant: str) -> datetime:
    """A moment of an answer, on the wall of the program."""
    return datetime.fromisoformat(instant).astimezone(ZONE)


Step = Callable[[Desk], None]


@dataclass
class Story:
    """Tells the steps in their order, each once; after one that failed there is no other."""

    desk: Desk
    steps: Sequence[Step]
    told: int = 0
    broken: bool = False

    def tell(self, step: Step | None = None) -> Desk:
        """Go on up to and with a step, or to the end."""
        last = self.steps.index(step) if step else len(self.steps) - 1
        while self.told <= last:
            told = self.steps[self.told]
            assert not self.broken, f"the story ended at {told.__name__}"
            self.broken = True
            told(self.desk)
            self.broken = False
            self.told += 1
        return self.desk
