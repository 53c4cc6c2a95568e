"""What is owed before a board meets: the posting of its agenda."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from domain.agreements.agenda import clock_of, clocked
from domain.agreements.agreements import MAIN, Agreements
from domain.kernel.messages import State
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import local_date
from domain.rules.context import Context


@owes
def postings_owed(state: State, context: Context) -> Iterable[Obligation]:
    """Whoever keeps a board's agenda owes its posting, once for each meeting."""
    for agreement in state.of(Agreements).all:
        which = "" if agreement.kind == MAIN else f" --agreement {agreement.id}"
        for board, item in agreement.boards.items():
            for _, agenda in sorted(item.agenda.items()):
                posting = agenda.posting
                rules = context.the_playbook.posting
                if posting is None or posting.post_by is None or rules is None:
                    continue
                clerk = clock_of(board, context).clerk
                by = clocked(posting.post_by, posting.zone)
                meeting = f"{posting.kind} meeting of {clocked(posting.meeting_at, posting.zone)}"
                if agenda.posted_at:
                    settled: str | None = "posted"
                elif agreement.denied_by:
                    settled = agenda.ended or "denied"
                else:
                    settled = agenda.ended
                yield Obligation(
                    f"{agreement.id}/posting-{board}",
                    f"Posting of the {board.upper()} board's agenda with {agreement.id}, "
                    f"by {posting.post_by.astimezone(ZoneInfo(posting.zone)):%H:%M}",
                    agenda.round,
                    local_date(posting.post_by, posting.zone),
                    clerk,
                    "lea" if clerk == "board_clerk" else "agency",
                    f"Post the agenda by {by}, {posting.notice} before the {meeting}.",
                    f"handrail board post {state.id} {board} --on DATE --at HH:MM{which}",
                    rules.policy,
                    settled,
                    due_at=posting.post_by,
                    others=f"See that the agenda is posted by {by}, and record it.",
                )
