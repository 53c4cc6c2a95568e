"""Writes the read models of a stream, in the transaction of the events they come from."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from domain.engagement.state import Engagement, with_lea
from domain.kernel.messages import Recorded, State
from domain.kernel.naming import folded
from domain.mending import EntryMended
from domain.money.appropriations import Appropriation
from domain.money.investments import (
    InvestmentAdded,
    InvestmentCorrected,
    Investments,
    InvestmentWithdrawn,
)
from domain.outlook.whereabouts import whereabouts
from domain.owing.obligations import Obligation, next_due, owed_now
from domain.policy.calendar import CalendarPack, local_date
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.program.classification import LeaProfile
from domain.program.facts import facts_of
from domain.program.frameworks import Frameworks
from domain.program.leas import Lea
from domain.program.people import Person
from domain.program.program import Program
from domain.program.publishing import Published
from domain.reminders.claiming import next_wake
from domain.reminders.etiquette import snooze_of
from domain.reminders.notices import (
    Notices,
    NoticesClaimed,
    NoticesDelivered,
    NoticesPlanned,
    NoticesSuppressed,
    RecipientsAdded,
    RecipientsDropped,
)
from domain.rules.context import Context
from domain.summits.attendance import Attendance
from domain.summits.invitations import Invitations, became_of
from domain.summits.program import SummitProgram
from domain.summits.summits import Summit
from domain.team.handover import pending
from domain.team.risks import Risks
from domain.turnover.holds import Holds, told
from store.database import Connection, queries
from store.events import Conflict

_HOLD = {
    "engagement": queries.hold_engagement,
    "summit": queries.hold_summit,
    "appropriation": queries.hold_appropriation,
}


async def hold(connection: Connection, state: State) -> None:
    """Make sure that a stream's read models may be brought up to a state to which nothing is added.

    An append would fail where somebody wrote meanwhile; without one, their rows would be replaced
    by older ones.

    Raises:
        Conflict: Somebody wrote meanwhile.
    """
    version = await _HOLD[state.stream.partition(":")[0]](connection, id=state.id)
    if version is not None and version != state.version:
        raise Conflict(f"{state.stream} is at {version}, not at {state.version}")


async def project(
    connection: Connection,
    state: State,
    news: Sequence[Recorded],
    context: Context,
    owed: Sequence[Obligation] | None = None,
) -> None:
    """Bring the read models of one stream up to its state.

    Args:
        news: The events since the last time; all of them at a rebuild.
        owed: What is owed on it, where that is known already.

    Raises:
        Conflict: Another stream took a name first, while this command was decided.
    """
    aggregate = state.stream.partition(":")[0]
    if aggregate == "engagement":
        state = with_lea(state, context.leas.get(state.of(Engagement).lea))
    if owed is None:
        owed = owed_now(state, context) if aggregate in ("engagement", "appropriation") else ()
    match aggregate:
        case "engagement":
            await _engagement(connection, state, news, context, owed)
        case "summit":
            await _summit(connection, state, context)
        case "person":
            await _person(connection, state)
        case "lea":
            await _lea(connection, state)
        case "playbook" | "calendar":
            await _documents(connection, aggregate, state.of(Published).versions)
        case "framework":
            await _documents(connection, aggregate, state.of(Frameworks).versions)
        case "appropriation":
            await _appropriation(connection, state, news, context, owed)
        case "program":
            await _program(connection, state)
        case _:
            raise ValueError(f"no read model for stream {state.stream}")


async def _summit(connection: Connection, state: State, context: Context) -> None:
    summit, program = state.of(Summit), state.of(SummitProgram)
    await queries.put_summit(
        connection,
        id=state.id,
        version=state.version,
        title=summit.title,
        place=summit.place,
        first=summit.first,
        last=summit.last,
        registration_due=summit.registration_due,
        hours=summit.hours,
        playbook=summit.playbook,
        round=summit.round,
        status=summit.status,
        next_wake=summit.ends(context.zone),
        invited=json.dumps(dict(summit.invited)),
        sessions=json.dumps([asdict(session) for session in program.standing]),
        pairs=json.dumps(program.pairs),
        illustrative=summit.illustrative,
    )


def _invitations(state: State) -> list[dict[str, Any]]:
    """What an engagement has to do with summits, a row each."""
    attendance = state.of(Attendance)
    return [
        {
            "engagement": state.id,
            "summit": i.summit,
            "status": became_of(i, state),
            "first": i.first.isoformat() if i.first else None,
            "last": i.last.isoformat() if i.last else None,
            "registration_due": i.registration_due.isoformat() if i.registration_due else None,
            "seen": i.seen,
            "not_followed": i.not_followed,
            "over_cap": i.over_cap,
            "registered": i.registered,
            "attended": attendance.at(i.summit).people,
            "days": {
                day.isoformat(): dict(roles) for day, roles in attendance.at(i.summit).days.items()
            },
        }
        for i in state.of(Invitations).all.values()
    ]


async def _program(connection: Connection, state: State) -> None:
    made = state.of(Program).initialised
    assert made is not None
    await queries.put_program(
        connection,
        version=state.version,
        name=made.name,
        agency=made.agency,
        zone=made.zone,
        sender=made.sender,
        playbook=made.playbook,
        calendar=made.calendar,
        gathering_seconds=made.gathering_seconds,
    )


async def _appropriation(
    connection: Connection,
    state: State,
    news: Sequence[Recorded],
    context: Context,
    owed: Sequence[Obligation],
) -> None:
    known = state.of(Appropriation)
    if known.terms is None:
        return
    await queries.put_appropriation(
        connection,
        id=state.id,
        version=state.version,
        invested=known.invested,
        next_wake=next_wake(state, context),
        illustrative=known.illustrative,
        **known.terms.model_dump(exclude={"currency"}),
    )
    await _put_standing(connection, state, news, owed)


async def _investments(
    connection: Connection, state: State, news: Sequence[Recorded], context: Context
) -> None:
    about = InvestmentAdded | InvestmentCorrected | InvestmentWithdrawn
    changed = {r.event.investment for r in news if isinstance(r.event, about)}
    for one in state.of(Investments).all:
        if one.investment not in changed:
            continue
        await queries.put_investment(
            connection,
            engagement=state.id,
            investment=one.investment,
            amount=one.amount,
            reported=one.reported.amount,
            purpose=one.terms.purpose,
            fiscal_year=one.terms.fiscal_year,
            kind=one.terms.category,
            focus=one.reported.focus,
            appropriation=one.terms.appropriation,
            approximate=one.reported.approximate,
            source=one.reported.source,
            made_on=local_date(one.since, context.zone),
            corrections=len(one.corrected),
            withdrawn=one.withdrawn is not None,
            illustrative=one.reported.illustrative,
        )


async def _documents(
    connection: Connection, kind: str, versions: Sequence[Playbook | CalendarPack | Framework]
) -> None:
    for content in versions:
        await queries.put_document(
            connection,
            kind=kind,
            id=content.id,
            version=content.version,
            title=content.title,
            content=content.model_dump_json(),
        )


async def _person(connection: Connection, state: State) -> None:
    person = state.of(Person)
    await queries.put_person(
        connection,
        id=state.id,
        version=state.version,
        handle=person.handle.text if person.handle else None,
        name=str(person.name),
        email=person.email.text if person.email else None,
        organisation=person.organisation,
        staff_roles=list(person.staff_roles),
        left_on=person.left_on,
        capacity=person.capacity,
        fallback=person.fallback,
        digest=person.digest,
    )


async def _lea(connection: Connection, state: State) -> None:
    lea = state.of(Lea)
    await queries.put_lea(
        connection,
        id=state.id,
        version=state.version,
        name=lea.name,
        type=lea.lea_type,
        county=lea.county,
        parent=lea.parent,
        source=lea.source,
        facts=json.dumps([{**asdict(f), "said": f.said} for f in facts_of(state)], default=str),
        profile=json.dumps(asdict(state.of(LeaProfile)), default=str),
        cds=lea.cds,
        recess=json.dumps([c.model_dump(mode="json") for c in lea.recess]),
        works=sorted(lea.works),
        closed_on=lea.closed_on,
        successors=[*lea.successors],
    )
    await queries.pass_on_lea(
        connection, id=state.id, name=lea.name, type=lea.lea_type, county=lea.county
    )
    own = [state.id, *([lea.cds] if lea.cds else [])]
    names = [*own, lea.name, *lea.aliases]
    folds = [folded(n) for n in names]
    await queries.drop_lea_names(connection, lea=state.id, folded=folds)
    await queries.put_lea_names(connection, lea=state.id, folded=folds, names=names, own=len(own))


def _changed(news: Sequence[Recorded]) -> set[int]:
    return {
        notice.n
        for recorded in news
        if isinstance(
            recorded.event,
            NoticesPlanned
            | NoticesSuppressed
            | NoticesClaimed
            | NoticesDelivered
            | RecipientsAdded
            | RecipientsDropped,
        )
        for notice in recorded.event.notices
    }


_OWN = ("engagements", "roles", "deliverables", "invitations")


async def _put_standing(
    connection: Connection,
    state: State,
    news: Sequence[Recorded],
    owed: Sequence[Obligation],
    **own: list[dict[str, Any]],
) -> None:
    """What is owed on a stream and the notices that changed, with an engagement's own rows."""
    roles = state.of(Engagement).roles
    changed = _changed(news)
    notices = [n for n in state.of(Notices).all.values() if n.planned.n in changed]
    await queries.put_standing(
        connection,
        stream=state.stream,
        **{name: json.dumps(own.get(name, []), default=str) for name in _OWN},
        owed=json.dumps(
            [
                {
                    "stream": state.stream,
                    "item": o.item,
                    "title": o.title,
                    "round": o.round,
                    "due": o.due.isoformat() if o.due else None,
                    "owner": o.owner,
                    "person": roles.get(o.owner),
                    "side": o.side,
                    "ask": o.ask,
                    "command": o.command,
                    "held": told(o.held, state),
                    "snoozed_until": snooze.until.isoformat()
                    if (snooze := snooze_of(o, state)) and snooze.until
                    else None,
                    "due_at": o.due_at.isoformat() if o.due_at else None,
                }
                for o in owed
            ]
        ),
        notices=json.dumps(
            [
                {
                    "stream": state.stream,
                    "n": n.planned.n,
                    "item": n.planned.item,
                    "round": n.planned.round,
                    "step": n.planned.step,
                    "planned_for": n.planned.planned_for.isoformat(),
                    "due": n.planned.due.isoformat(),
                    "roles": list(n.planned.to),
                    "status": n.status,
                    "reason": told(n.reason, state),
                    "at": n.at.isoformat() if n.at else None,
                }
                for n in notices
            ]
        ),
        deliveries=json.dumps(
            [
                {
                    "stream": state.stream,
                    "n": n.planned.n,
                    "person": person,
                    "outcome": d.outcome,
                    "mail": str(d.mail) if d.mail else None,
                    "message_id": d.message_id,
                    "at": d.at.isoformat() if d.at else None,
                    "detail": told(d.detail, state),
                    "instead_of": d.instead_of,
                }
                for n in notices
                for person, d in n.deliveries.items()
            ]
        ),
    )


async def _engagement(
    connection: Connection,
    state: State,
    news: Sequence[Recorded],
    context: Context,
    owed: Sequence[Obligation],
) -> None:
    engagement = state.of(Engagement)
    if engagement.opened_at is None:
        return
    if any(isinstance(recorded.event, EntryMended) for recorded in news):
        await queries.take_back_rows(connection, id=state.id)
    await _investments(connection, state, news, context)
    wake = next_wake(state, context)
    due = next_due(owed)
    handover = pending(state)
    row: dict[str, Any] = {
        "id": state.id,
        "version": state.version,
        "lea": engagement.lea,
        "lea_name": engagement.lea_name,
        "lea_type": engagement.lea_type,
        "county": engagement.county,
        "phase": engagement.phase,
        "playbook": engagement.playbook,
        "source": engagement.source,
        "opened_at": engagement.opened_at.isoformat(),
        "ended_at": engagement.ended_at.isoformat() if engagement.ended_at else None,
        "end_reason": engagement.end_reason,
        "next_due": due.isoformat() if due else None,
        "next_wake": wake.isoformat() if wake else None,
        "invested": str(state.of(Investments).total),
        "illustrative": engagement.illustrative,
        "held_since": whole.on.isoformat() if (whole := state.of(Holds).whole) else None,
        "risk": state.of(Risks).level,
    }
    await _put_standing(
        connection,
        state,
        news,
        owed,
        engagements=[row],
        roles=[
            {
                "engagement": state.id,
                "role": role,
                "person": person,
                "changes_on": handover.effective.isoformat()
                if handover and role in ("lead", "incoming_lead")
                else None,
            }
            for role, person in engagement.roles.items()
        ],
        deliverables=[{"engagement": state.id, **asdict(d)} for d in whereabouts(state)],
        invitations=_invitations(state),
    )
