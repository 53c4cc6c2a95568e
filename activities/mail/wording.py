"""The words of a mail: dates, counts and the subject.

Names of days and months are spelled here because `strftime` follows the machine's locale, and a
frozen mail must read the same on every machine.
The vocabulary is an assistant's: a date has passed, nobody has failed.
"""

from datetime import date

from activities.mail.digest import Digest, DigestItem
from domain.owing.items import heading

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
# Mail programs on telephones show some forty characters of a subject; the rest is for the others.
_TITLE_LIMIT = 60
_LEA_LIMIT = 50


def short_date(day: date, today: date) -> str:
    """`Fri 16 Apr`, with the year when it is not today's."""
    text = f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"
    return text if day.year == today.year else f"{text} {day.year}"


def long_date(day: date) -> str:
    """`Friday 16 April 2027`."""
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def counted(number: int, noun: str) -> str:
    """`1 day`, `2 days`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def distance(days_left: int) -> str:
    """`in 14 days`, `tomorrow`, `today`, `1 day overdue`."""
    if days_left < 0:
        return f"{counted(-days_left, 'day')} overdue"
    return {0: "today", 1: "tomorrow"}.get(days_left, f"in {counted(days_left, 'day')}")


def due_phrase(digest: Digest, item: DigestItem) -> str:
    """`due Fri 16 Apr (in 14 days)`, `due today, Fri 16 Apr`, `was due Fri 16 Apr (...)`."""
    days_left = digest.days_left(item)
    day = short_date(item.due, digest.local_date)
    if days_left == 0:
        return f"due today, {day}"
    return f"{'was due' if days_left < 0 else 'due'} {day} ({distance(days_left)})"


def due_sentence(digest: Digest, item: DigestItem) -> str:
    """The same as a sentence of its own, with the date in full."""
    days_left = digest.days_left(item)
    day = long_date(item.due)
    if days_left == 0:
        return f"Due today, {day}."
    return f"{'Was due' if days_left < 0 else 'Due'} {day}, {distance(days_left)}."


def alarm_phrase(digest: Digest, item: DigestItem) -> str:
    """`deadline in 2 hours`, `deadline now`, `deadline passed 5 minutes ago`."""
    assert digest.alarm_at is not None
    assert item.due_at is not None
    left = round((item.due_at - digest.alarm_at).total_seconds() / 60)
    hours, minutes = divmod(abs(left), 60)
    spans = [counted(n, unit) for n, unit in ((hours, "hour"), (minutes, "minute")) if n]
    span = " ".join(spans)
    if left == 0:
        return "deadline now"
    return f"deadline in {span}" if left > 0 else f"deadline passed {span} ago"


def headline(digest: Digest) -> str:
    """How much there is and when, in one line: the first thing the mail says."""
    items = digest.in_order().items
    if not items:
        return f"{digest.overview_title}: {counted(_pointers(digest), 'thing')} to look at"
    if digest.alarm_at is not None:
        hours = {item.due_at: item for item in reversed(items) if item.due_at}
        said = alarm_phrase(digest, hours[min(hours)])
        if len(items) > 1:
            return f"{len(items)} deadlines, the first {said.removeprefix('deadline ')}"
        return said[0].upper() + said[1:]
    today = digest.local_date
    overdue = [item for item in items if item.due < today]
    ahead = [item for item in items if item.due >= today]
    if len(items) == 1:
        return f"1 item {due_phrase(digest, items[0])}"
    if not overdue:
        return f"{len(items)} items due, the first {_day_or_today(ahead[0].due, today)}"
    if not ahead:
        return f"{len(items)} items overdue, the first since {short_date(overdue[0].due, today)}"
    return (
        f"{len(items)} items: {len(overdue)} overdue, {len(ahead)} due, "
        f"the next {_day_or_today(ahead[0].due, today)}"
    )


def subject(digest: Digest) -> str:
    """What and when, then for whom."""
    items = digest.in_order().items
    if not items:
        return headline(digest)
    if len(items) == 1:
        [item] = items
        title = shortened(heading(item.item, item.title), _TITLE_LIMIT)
        when = due_phrase if digest.alarm_at is None else alarm_phrase
        what = f"{title}: {when(digest, item)}"
    else:
        what = headline(digest)
    names = list(dict.fromkeys(item.lea_name for item in items))
    where = shortened(names[0], _LEA_LIMIT)
    if len(names) > 1:
        where = f"{where} and {len(names) - 1} more"
    return f"{what} – {where}"


def _pointers(digest: Digest) -> int:
    return sum(len(overview.lines) + overview.more for overview in digest.overviews)


def shortened(text: str, limit: int) -> str:
    """The text, cut at a word and marked with an ellipsis when it is longer than `limit`."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    whole_words, space, _ = cut.rpartition(" ")
    return f"{(whole_words if space else cut).rstrip(' ,;:-')}…"


def _day_or_today(day: date, today: date) -> str:
    return "today" if day == today else short_date(day, today)
