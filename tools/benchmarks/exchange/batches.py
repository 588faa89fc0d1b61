"""Batches of 1,000 documents against single calls, at a provider that answers at once."""

from tools.dev import console, odoo_run

from . import passes
from .engines import OURS
from .setting import Setting, ready

COUNT = 10_000
WAYS = {"single calls": "_fill_backlog", "batches of 1,000": "_fill_batches"}


def main(runtime: odoo_run.Runtime) -> str:
    """Two rates and their ratio, as text."""
    with ready(runtime, OURS) as setting:
        passes.warm_up(setting)
        setting.stub.answer_after(0)
        rates = {way: _rate(setting, method) for way, method in WAYS.items()}
    single, batched = rates.values()
    shown = ", ".join(f"{way} {rate:.0f}/s" for way, rate in rates.items())
    return f"at 0 ms: {shown}: {batched / single:.1f} ×"


def _rate(setting: Setting, method: str) -> float:
    """Return documents finished a second, from the first that arrived to the last answer stored."""
    batch = method.strip("_")
    with console.step(f"{COUNT} documents, {batch}"):
        setting.fill(batch, COUNT, method)
        ended = passes.wait(setting, batch, COUNT, passes.LIMIT)
    oracle = setting.stub.oracle(batch)
    finished, effects = setting.finished(batch), oracle["effects"]
    twice = sum(effects.values()) - len(effects)
    rate = finished / max(ended - (oracle["first"] or ended), passes.LOOK)
    console.line(f"  {batch}: {finished} of {COUNT} at {rate:.0f}/s, {twice} twice")
    return rate
