"""The words of the command line: one word for one thing, and one thing for one word.

`cli.md` shows them, and `tests/docs/test_one_word.py` holds every verb to them: whoever adds an
option looks here first, and adds a word only for a thing that has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Takes = Literal["day", "file", "hour", "LEA", "NAME=", "nothing", "number", "person", "text"]
"""What is written after the word; a text may be an id, an amount's words, or one of a list."""


@dataclass(frozen=True, slots=True)
class Word:
    """An option, or a place in capitals, with the one thing that it means."""

    means: str
    takes: tuple[Takes, ...] = ("text",)


def _word(means: str, *takes: Takes) -> Word:
    return Word(means, takes or ("text",))


SECTIONS: Mapping[str, Mapping[str, Word]] = {
    "Days and hours": {
        "on": _word("The day on which it came true: today if left out.", "day"),
        "scheduled": _word("The day set for a meeting to come.", "day"),
        "next": _word("The day of the meeting that takes up what was put off.", "day"),
        "overlap": _word("The day by which two Leads meet.", "day"),
        "due": _word("The day by which it is owed.", "day"),
        "registration-due": _word("The day by which LEAs register.", "day"),
        "first": _word("The first day of several.", "day"),
        "last": _word("The last day of several, it included.", "day"),
        "last-payment": _word("The last day on which what was committed may be paid.", "day"),
        "until": _word("The day from which it goes on again by itself.", "day"),
        "not-before": _word("The day before which no effect is expected.", "day"),
        "as-of": _word("The day for which a source says it.", "day"),
        "as-known": _word("Only what had been entered by the end of this day.", "day"),
        "as-true": _word("Only what had come true by the end of this day.", "day"),
        "day": _word("Which day of a summit, counted from 1, or its date.", "number", "text"),
        "at": _word("The local hour.", "hour"),
        "next-at": _word("The local hour of the meeting that takes it up.", "hour"),
        "by": _word("How far a clock is sent."),
        "when": _word("The moment to which a clock is sent."),
        "within": _word("So many days ahead.", "number"),
        "months": _word("So many months ahead.", "number"),
        "gathering-seconds": _word("How long a day's digest gathers.", "number"),
        "month": _word("A month, as 2026-11."),
        "yes": _word("You mean it.", "nothing"),
        "year": _word("A year of the calendar.", "number"),
        "school-year": _word("A school year, as 2023-24."),
        "fiscal-year": _word("A fiscal year, as 2026-27."),
        "survey": _word("Which survey, by its year: 1 for the first.", "number"),
        "zone": _word("The program's time zone."),
    },
    "People": {
        "person": _word("Whom it is about.", "person"),
        "for": _word(
            "Who did what you record: somebody of the LEA, or without an account.", "person"
        ),
        "with": _word("Who else was there.", "person"),
        "to": _word("Who takes it over.", "person"),
        "coach": _word("Who coached.", "person"),
        "owner": _word("Who promised it.", "person"),
        "fallback": _word("Whom to write instead.", "person"),
        "lead": _word("The Lead.", "person"),
        "director": _word("The Director.", "person"),
        "assistant": _word("The assistant.", "person"),
        "superintendent": _word("The superintendent.", "person"),
        "contact": _word("The LEA contact.", "person"),
        "role": _word("In what role."),
        "handle": _word("A short name to type for somebody."),
        "email": _word("Where somebody's mail goes."),
        "digest": _word("How often somebody wants their mail."),
        "capacity": _word("How many engagements somebody can lead.", "number"),
        "director-name": _word("The first Director's name."),
        "director-email": _word("Where the first Director's mail goes."),
        "group": _word("Whom it is from: a group of stakeholders."),
        "held-by": _word("Who holds it already, in words."),
        "paid-by": _word("Who pays."),
        "sender": _word("The address mail comes from."),
    },
    "LEAs and organisations": {
        "lea": _word("An LEA, by id, name or alias.", "LEA"),
        "partner": _word("An LEA that gave a consultancy.", "LEA"),
        "organisation": _word("Where somebody works: an LEA.", "LEA"),
        "external": _word("Where somebody works who is neither of the agency nor of an LEA."),
        "agency": _word("The agency that runs the program."),
        "alias": _word("Another name of an LEA."),
        "cds": _word("An LEA's CDS code."),
        "county": _word("An LEA's county."),
        "locale": _word("What kind of place an LEA is in."),
        "region": _word("An LEA's region of the state."),
        "parent": _word("What an LEA belongs to."),
        "unduplicated": _word("An LEA's unduplicated pupils, in percent.", "number"),
        "origin": _word("How an LEA came to the program."),
    },
    "Why, and where that stands": {
        "reason": _word("Why it is done."),
        "waive": _word("Why it is done although a rule says no."),
        "waive-burden": _word("Why an LEA is asked for more than the month's cap."),
        "without-evidence": _word("Why an area has no evidence.", "NAME="),
        "basis": _word("What a judgement rests on."),
        "evidence": _word("Where it is written down or can be seen."),
        "minutes": _word("Where a board's minutes are."),
        "source": _word("Where figures, facts or money come from, and where that is stated."),
        "reference": _word("Where in another plan it stands."),
        "statute": _word("An act or section of the law, or the id of its date."),
        "act": _word("The open-meeting act that binds a board."),
    },
    "What is said": {
        "name": _word("What somebody or something is called."),
        "title": _word("What a thing that is made or done is called."),
        "text": _word("The words themselves."),
        "note": _word("What was said or became of it, for the record."),
        "question": _word("What one LEA brought to the others."),
        "answer": _word("An answer.", "NAME=", "text"),
        "learned": _word("What came of it."),
        "change": _word("What is done differently from now on."),
        "sustain": _word("How the LEA keeps it going on its own."),
        "equity": _word("How it is grounded in equity."),
        "tried": _word("What was tried, and how it differed from the plan."),
        "prediction": _word("What is predicted to happen."),
        "strength": _word("What the LEA does well."),
        "need": _word("What the LEA needs most."),
        "about": _word("What an agreement is about, in a line."),
        "purpose": _word("What it is for."),
        "scope": _word("What belongs to it and what does not."),
        "commitment": _word("What somebody promises, as DATE/PERSON=TEXT."),
        "part": _word('One part of several, as "DATE HOURS TITLE".'),
        "document": _word("What an LEA need not send."),
        "place": _word("Where it is."),
        "value": _word("What was observed, or what a source says.", "number", "text"),
        "attribute": _word("What a fact is about."),
        "covers": _word("The part of an LEA of which a fact is true."),
        "criterion": _word("The criterion that a row of the Dashboard met."),
        "student-group": _word("A group of pupils of the Dashboard."),
        "indicator": _word("An indicator of the Dashboard."),
        "triad": _word("What a session is for: what, how or why."),
        "content": _word("What a session is about."),
    },
    "What was judged or decided": {
        "outcome": _word("How it ended."),
        "decision": _word("What a board or a team decided."),
        "verdict": _word("Whether a focus is aligned."),
        "status": _word("How far it is."),
        "side": _word("The side that it waits for: lea or agency."),
        "level": _word("How high a risk is."),
        "willing": _word("Whether the LEA wants the work."),
        "able": _word("Whether the LEA can do the work."),
        "focus": _word("Whether a deliverable shows focus."),
        "progress": _word("Whether a deliverable shows progress."),
        "impact": _word("Whether a deliverable shows impact."),
        "prediction-held": _word("Whether the result was as predicted."),
        "better": _word("Which way a measure improves."),
        "vote": _word("A vote, as yes-no or yes-no-abstained."),
        "proceed": _word("To go on to the agreements.", "nothing"),
        "no-proceed": _word("Not to go on to the agreements.", "nothing"),
        "result": _word("What was measured, one result each."),
        "prevails": _word("The fact that prevails over the others."),
    },
    "Numbers": {
        "amount": _word("Dollars.", "number"),
        "charge": _word("Dollars charged to the LEA: only 0.", "number"),
        "hours": _word("Hours of the LEA's people.", "number"),
        "count": _word("How many.", "number"),
        "places": _word("How many of each role.", "NAME="),
        "values": _word("What was wrong, as options of the command that said it."),
        "number": _word("The number by which it is listed.", "number", "text"),
        "baseline": _word("A measure's value at the start.", "number"),
        "target": _word("A measure's value to reach.", "number"),
        "unit": _word("What a measure's numbers count."),
    },
    "Which one": {
        "engagement": _word("An engagement, by its id or by a name of its LEA."),
        "engagements": _word("Several of them."),
        "agreement": _word("An agreement, for example A2."),
        "board": _word("A board: lea or ccee."),
        "deliverable": _word("A deliverable, for example D1."),
        "deliverables": _word("Several of them."),
        "into": _word("The deliverable that goes on under its id."),
        "after": _word("What it comes after: a deliverable, a cycle or a step."),
        "item": _word("Anything that is owed, as `handrail due` names it, for example D1."),
        "keep": _word("An item that goes on all the same."),
        "plan": _word("A plan of the LEA that a deliverable also satisfies, for example lcap."),
        "problem": _word("A problem of practice, for example F2."),
        "cause": _word("A root cause, for example RC1."),
        "measure": _word("A measure, for example M2."),
        "cycle": _word("A short cycle, for example C1."),
        "checkin": _word("A check-in, for example CI-1."),
        "summit": _word("A summit, for example Y2-5."),
        "subject": _word("A subject of the work, for example deliverables."),
        "reminders": _word("With what became of every reminder.", "nothing"),
        "successor": _word("An LEA that another went on as.", "LEA"),
        "session": _word("A session of a summit, for example SE2."),
        "wave": _word("A wave of requests, for example W1."),
        "area": _word("An area of the review, by its id or number."),
        "action": _word("A recommended action, for example RA1."),
        "actions": _word("Several of them."),
        "correction": _word("A correction of the draft, for example FC1."),
        "entry": _word("An entry of the evidence, for example E3."),
        "fact": _word("A fact with its source, for example SF2."),
        "investment": _word("An investment, for example INV-7."),
        "appropriation": _word("An appropriation, for example dta-2026."),
        "step": _word("A step of the playbook."),
        "prong": _word("A part of the offer, for example coaching."),
        "phase": _word("A phase of an engagement."),
        "playbook": _word("A playbook version, for example dta-sir@3."),
        "framework": _word("A framework version, for example sir-12@2019."),
        "policy": _word("A reminder policy, for example gentle."),
        "instrument": _word("A survey's questionnaire."),
        "kind": _word("A kind, of those that there are of it."),
        "method": _word("How evidence was gathered."),
        "other": _word("The other one of two."),
        "shell": _word("A shell, for example bash."),
        "id": _word("A new id."),
        "command-id": _word("The id under which a command is repeated safely."),
    },
    "Yes or no": {
        "all": _word("Every engagement that it can mean.", "nothing"),
        "no-longer": _word("To take it back.", "nothing"),
        "replace": _word("In the place of what is there, such as a handover or a file.", "nothing"),
        "interim": _word("For a time only.", "nothing"),
        "narrower": _word("The same problem, said more narrowly.", "nothing"),
        "consent": _word("On the consent agenda.", "nothing"),
        "approx": _word("The amount is approximate.", "nothing"),
        "all-groups": _word("Every group that the LEA has met the criterion.", "nothing"),
        "already-done": _word("The work was done before.", "nothing"),
        "no-fallback": _word("Nobody is written to instead.", "nothing"),
        "conflicts": _word("Only what contradicts itself.", "nothing"),
        "overdue": _word("Only what is overdue.", "nothing"),
        "outside": _word("Only what draws from no appropriation.", "nothing"),
        "with-consequences": _word("Also what rests on it.", "nothing"),
        "against": _word("A document made earlier, against which the store is held.", "file"),
        "accept-schema": _word("What the schema is now is right.", "nothing"),
        "illustrative": _word("It is invented, and everything says so.", "nothing"),
        "original": _word("It takes the place of the store it was made from.", "nothing"),
        "practice": _word("It is a copy to practise with, which no mail leaves.", "nothing"),
        "sandbox": _word("With a clock that can be sent ahead.", "nothing"),
        "no-sandbox": _word("Without such a clock.", "nothing"),
        "detach": _word("To leave it running.", "nothing"),
        "trust-network": _word("Start although others on the network reach it.", "nothing"),
    },
    "How it is given and answered": {
        "json": _word("One JSON object, or one a line.", "nothing"),
        "dry-run": _word("Say what would come of it and write nothing.", "nothing"),
        "skip-refused": _word("Write the good rows although others are refused.", "nothing"),
        "strict": _word("Refuse columns that nobody needs.", "nothing"),
        "sheet": _word("Which sheet of a workbook."),
        "dates": _word("The order in which days are written in a file."),
        "results": _word("A file for the result of every row.", "file"),
        "xlsx": _word("A workbook to write.", "file"),
        "file": _word("A file to read.", "file"),
        "playbook-file": _word("A playbook to read.", "file"),
        "calendar-file": _word("A calendar to read.", "file"),
        "out": _word("A file to write.", "file"),
        "html": _word("A file to write a mail's HTML to.", "file"),
        "raw": _word("A mail as it was sent.", "nothing"),
    },
}

INSTEAD: Mapping[str, str] = {
    "as": "--role or --outcome",
    "adjust": "--change",
    "attended": "--with",
    "because": "--reason, --basis or --learned",
    "comment": "--note",
    "date": "--on, --due or --scheduled",
    "deadline": "--due",
    "effective": "--on",
    "end": "--last",
    "from": "--first",
    "fy": "--fiscal-year",
    "last-day": "--last",
    "meeting": "--on or --scheduled",
    "next-meeting": "--next",
    "notes": "--note",
    "output": "--out",
    "people": "--person or --with",
    "preview": "--dry-run",
    "row": "--result",
    "since": "--first or --on",
    "spend-until": "--last-payment",
    "start": "--first",
    "taken": "--on",
    "through": "--last",
    "type": "--kind",
    "what": "--kind, --plan or --item",
    "who": "--person or --for",
    "why": "--reason or --basis",
}
"""Words that somebody may reach for, and what is said instead."""

WORDS: Mapping[str, Word] = {
    name: word for section in SECTIONS.values() for name, word in section.items()
}


def page() -> str:
    """The words as tables, for `cli.md`."""
    parts = [
        "## Vocabulary\n",
        "One word for one thing, and one thing for one word: options and columns of an import say",
        "what these tables say, whatever the verb.",
        "In capitals a word stands in its place without an option: `ENGAGEMENT`, `--engagement`.\n",
    ]
    for title, words in SECTIONS.items():
        parts += [f"### {title}\n", "| Word | Takes | Means |", "|---|---|---|"]
        parts += [
            f"| `{name}` | {' or '.join(f'`{t}`' if t == 'NAME=' else t for t in w.takes)} "
            f"| {w.means} |"
            for name, w in words.items()
        ]
        parts.append("")
    return "\n".join(parts)
