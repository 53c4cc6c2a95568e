"""The worker, whose attempts are given up after seconds: a short run need not wait for a minute
until what a killed worker had in hand is done again.
"""

import asyncio
import os
from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner

import worker
import workflows.digest
import workflows.host
from tests.chaos.clock import can_be_set

if __name__ == "__main__":
    can_be_set()
    worker.RUNNER = UnsandboxedWorkflowRunner()  # type: ignore[assignment]
    soon = RetryPolicy(
        initial_interval=timedelta(seconds=0.5), maximum_interval=timedelta(seconds=2)
    )
    workflows.host.RECORD_TIMEOUT = timedelta(seconds=3)
    workflows.host.KEEP_TRYING = soon
    workflows.digest.SEND_TIMEOUT = timedelta(seconds=8)
    workflows.digest.REPORT_TIMEOUT = timedelta(seconds=3)
    workflows.digest.PATIENT = soon
    asyncio.run(worker.main())
    # Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    os._exit(0)
