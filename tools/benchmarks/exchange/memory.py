"""What one dispatching process needs while 100,000 exchanges are pending."""

import dataclasses
import time

from tools.dev import console, odoo_run

from . import passes, watch
from .engines import OURS
from .setting import ready

PENDING = 100_000
SECONDS = 30
#: One worker for the web, one that dispatches.
ALONE = dataclasses.replace(OURS, options={"workers": "1", "max_cron_threads": "1"})


def main(runtime: odoo_run.Runtime) -> str:
    """One line of text."""
    with ready(runtime, ALONE) as setting, watch.Memory(setting.server.pid) as memory:
        passes.warm_up(setting)
        setting.stub.answer_after(0.05)
        with console.step(f"{PENDING} pending exchanges"):
            setting.fill("many", PENDING, "_fill_backlog")
        time.sleep(SECONDS)
        done = setting.finished("many")
    return (
        f"memory of the dispatching process with {PENDING} pending: {memory.largest_mb:.0f} MB resident, "
        f"{done / SECONDS:.0f} finished a second meanwhile"
    )
