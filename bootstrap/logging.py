"""One stream of log lines on stderr: structlog's own and the standard library's.

Readable on a terminal, one JSON object a line anywhere else.
"""

import logging
import os
import sys
from dataclasses import replace
from typing import Any

import structlog
from structlog.types import EventDict, Processor

from bootstrap.settings import ENVIRONMENT, Settings

NOISY = {
    # Repeats at INFO what the supervisor's table says once.
    "mail.log": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
}


def configure_logging(settings: Settings) -> None:
    """Send every log line of this process to stderr. Calling it again replaces the setup."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _add_temporal_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if sys.stderr.isatty():
        final.append(structlog.dev.ConsoleRenderer())
    else:
        final += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name, level in NOISY.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Tests reconfigure; a cached logger would keep the first setup.
        cache_logger_on_first_use=False,
    )


def quiet(settings: Settings) -> None:
    """Log no more than warnings to somebody at a keyboard, unless they asked for more."""
    loud = ENVIRONMENT["log_level"] in os.environ
    configure_logging(settings if loud else replace(settings, log_level="WARNING"))


def quiet_temporal_messages() -> None:
    """Keep Temporal's details out of the message text; they arrive as fields instead.

    For processes that run workflows or activities: it imports the SDK.
    """
    from temporalio import activity, workflow

    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False


TEMPORAL_FIELDS = (
    "workflow_id",
    "workflow_type",
    "run_id",
    "update_id",
    "update_name",
    "activity_id",
    "activity_type",
    "attempt",
)


def _add_temporal_context(_: Any, __: str, event: EventDict) -> EventDict:
    """Lift the ids that `workflow.logger` and `activity.logger` attach to their records."""
    record = event.get("_record")
    for carrier in ("temporal_workflow", "temporal_activity"):
        details = getattr(record, carrier, None)
        if isinstance(details, dict):
            for name in TEMPORAL_FIELDS:
                if details.get(name) is not None:
                    event.setdefault(name, details[name])
    return event
