"""What an engagement costs Temporal and the worker while nothing happens, and in a year."""

import asyncio
import gc
from collections import Counter
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from benchmarks.mailing import start
from benchmarks.setting import resident_mb
from bootstrap.wiring import Services
from domain.streams import host_workflow_id

WARM, CACHED = 100, 500
LIMIT_KB = 150
_ACTIONS = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
)
"""What Temporal counts, and bills where it is bought."""


async def cached(at: Services) -> list[str]:
    """Memory of the worker with so many sleeping engagements in its cache, less before, by one."""
    await _asleep(at, 0, WARM)
    gc.collect()
    before = resident_mb()
    await _asleep(at, WARM, WARM + CACHED)
    gc.collect()
    each = (resident_mb() - before) * 1000 / CACHED
    said = f"Memory of a cached engagement workflow, from {CACHED} of them: {each:.0f} kB"
    return [f"{said} (wanted: under {LIMIT_KB} kB)"]


async def _asleep(at: Services, first: int, last: int) -> None:
    wake = datetime.now(UTC) + timedelta(days=300)
    names = [f"asleep-{number}" for number in range(first, last)]
    for name in names:
        await start(at, name, wake)
    for name in names:
        handle = at.client.get_workflow_handle(host_workflow_id(f"engagement:{name}"))
        # Started, its first task done, its timer set.
        while (await handle.describe()).history_length < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def counted(client: Client, workflow_ids: list[str]) -> tuple[int, int]:
    """Actions and history events of workflows, with every run of theirs."""
    actions = events = 0
    for workflow_id in workflow_ids:
        run_id: str | None = None
        while run_id != "":
            history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
            kinds = Counter(event.event_type for event in history.events)
            events += len(history.events)
            actions += sum(kinds[kind] for kind in _ACTIONS)
            begun = history.events[0].workflow_execution_started_event_attributes
            run_id = begun.continued_execution_run_id
    return actions, events
