"""The worker as it is, but for a clock that can be set."""

import asyncio
import os

import worker
from tests.chaos.clock import can_be_set

if __name__ == "__main__":
    can_be_set()
    asyncio.run(worker.main())
    # Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    os._exit(0)
