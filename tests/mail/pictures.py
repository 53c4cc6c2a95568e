"""Pictures of every kind of mail, to be looked at: ``make pictures``.

Needs a Chromium on the path.  Each mail is shown at the width of a small telephone and of a
window, in light and in dark; one that is wider than its frame is named, and the command fails.
"""

import html
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

from activities.mail.compose import compose
from activities.mail.digest import Digest, Overview, OverviewLine, TakenBack
from tests.mail.digests import MORNING, a_digest, an_item

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTHS = (320, 720)
"""CSS pixels: a small telephone, a window."""
HEIGHT = 1500
PATIENCE_SECONDS = 60

_LATE = an_item(
    stream="engagement:harbor-charter",
    lea_name="Harbor Charter School",
    item="D2",
    title="Plan for coaching in every school of the district, with its budget",
    due=date(2027, 3, 19),
    step="+10",
    owed_by="other",
    owner_name="Noor Haddad",
    action="Ask whether help is needed, or agree on a new date.",
    command="handrail engagement show harbor-charter",
)
_WEEK = (
    Overview(
        title="Overdue",
        late=True,
        lines=(
            OverviewLine(
                lea_name="Harbor Charter School",
                text="D2 Plan for coaching, due Fri 19 Mar 2027, with Noor Haddad",
                command="handrail engagement show harbor-charter",
            ),
        ),
    ),
    Overview(
        title="Quiet",
        lines=(
            OverviewLine(
                lea_name="Salt Flat Elementary School District",
                text="nothing was recorded since Mon 1 Mar 2027",
                command="handrail engagement show salt-flat-elementary",
            ),
        ),
        more=3,
    ),
)
MAILS: dict[str, Digest] = {
    "one item": a_digest(),
    "several, one late, one fallen away": a_digest(
        an_item(),
        an_item(item="W3", title="Evidence, wave 3", due=date(2027, 4, 2), step="due"),
        an_item(item="D3", title="Measures", due=date(2027, 3, 29), step="+3"),
        taken_back=(
            TakenBack(
                stream="engagement:alder-creek-usd",
                lea_name="Alder Creek USD",
                item="D4",
                title="Survey of teachers",
                round=1,
                due=date(2027, 4, 23),
                why="submitted",
            ),
        ),
    ),
    "staff, with the week": a_digest(
        an_item(item="D1/review", title="Review of D1 Theory of action"),
        _LATE,
        side="staff",
        name="Marcus Oyelaran",
        reply_to=None,
        overviews=_WEEK,
        overview_title="Your week",
    ),
    "an overview alone": a_digest(
        side="staff", name="Dana Whitfield", reply_to=None, overviews=_WEEK,
        overview_title="Your month",
    ).model_copy(update={"items": ()}),
    "an alarm": a_digest(
        an_item(
            item="A1/posting-lea",
            title="Posting of the LEA board's agenda with A1, by 18:00",
            due=date(2027, 4, 12),
            due_at=datetime(2027, 4, 13, 1, tzinfo=UTC),
            step="2h",
            action="Post the agenda by Mon 12 Apr 18:00, 72 hours before the regular meeting.",
        ),
        alarm_at=datetime(2027, 4, 12, 23, tzinfo=UTC),
        local_date=date(2027, 4, 12),
    ),
    "practice, illustrative, in a word without end": a_digest(
        an_item(title="Verylongword" * 12, lea_name="X" * 70, illustrative=True),
        sandbox=True,
        illustrative=True,
    ),
}  # fmt: skip


def page_of(digest: Digest) -> str:
    """The mail in a frame of each width; the page's title is set to how wide each turned out."""
    part = compose(digest, sent_at=MORNING).get_body(("html",))
    assert part is not None
    mail = html.escape(part.get_content(), quote=True)
    frames = "".join(
        f'<iframe srcdoc="{mail}" width="{width}" height="{HEIGHT}" style="border:0"></iframe>'
        for width in WIDTHS
    )
    return f"""<!DOCTYPE html>
<body style="margin:0; display:flex; gap:16px; background:#777">{frames}
<script>onload = () => document.title = [...document.querySelectorAll("iframe")].map(
  f => f.contentDocument.documentElement.scrollWidth).join(" ")</script>"""


def browse(browser: str, page: Path, *more: str) -> str:
    """Open a page in a browser that nobody sees; what it printed."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--hide-scrollbars", f"--user-data-dir={profile}",
                f"--window-size={sum(WIDTHS) + 16},{HEIGHT}", *more, page.as_uri(),
            ],
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True,
        )  # fmt: skip
    return done.stdout


def main(directory: Path) -> int:
    """Draw every mail; how many are too wide."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"No browser of {', '.join(BROWSERS)} is on the path. Install Chromium.")
        return 1
    directory.mkdir(parents=True, exist_ok=True)
    too_wide = 0
    for name, digest in MAILS.items():
        page = (directory / f"{name.replace(',', '').replace(' ', '-')}.html").absolute()
        page.write_text(page_of(digest), "utf-8")
        for scheme, value in (("light", 1), ("dark", 0)):
            browse(
                browser, page, f"--blink-settings=preferredColorScheme={value}",
                f"--screenshot={page.with_suffix('')}-{scheme}.png",
            )  # fmt: skip
        title = re.search(r"<title>([\d ]+)</title>", browse(browser, page, "--dump-dom"))
        found = [int(width) for width in title[1].split()] if title else []
        if found != list(WIDTHS):
            too_wide += 1
        print(f"{name}: {found} pixels wide in frames of {list(WIDTHS)}")
    print(f"Look at the pictures in {directory}.")
    return too_wide


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
