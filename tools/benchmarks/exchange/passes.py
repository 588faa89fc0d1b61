"""What is measured on a running engine: documents a second, and what a killed worker leaves behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.dev import console

from . import watch
from .setting import Setting

#: A run shorter than this part of what it should last is repeated with more documents.
SHORTEST = 0.6
LIMIT = 150
LOOK = 0.1
WARM_UP = 40
KILL_COUNT, KILL_LATENCY = 24, 3.0


@dataclass(frozen=True)
class Speed:
    """One run at one latency."""

    count: int
    seconds: float
    duplicates: int
    losses: int
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Documents a second, from the first that arrived to the last that was finished."""
        return (self.count - self.losses) / self.seconds


@dataclass(frozen=True)
class Kill:
    """What became of a worker's documents after SIGKILL."""

    held: int
    duplicates: int
    losses: int
    seconds: float


def wait(setting: Setting, batch: str, count: int, limit: float) -> float:
    """Return the elapsed time when the last of a batch was seen finished; give up at the limit."""
    deadline = time.monotonic() + limit
    while setting.finished(batch) < count and time.monotonic() < deadline:
        time.sleep(LOOK)
    return time.time()


def _fill_and_wait(setting: Setting, batch: str, count: int) -> float:
    """As ``wait``. An engine may be done before the process that handed over the documents has ended."""
    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(setting.fill, batch, count)
        while not filling.done() and not setting.finished(batch):
            time.sleep(LOOK)
        ended = wait(setting, batch, count, LIMIT)
        filling.result()
        return ended


def run(setting: Setting, batch: str, count: int) -> Speed:
    """Hand over documents and wait until the last has got its answer."""
    used = watch.cpu(setting.server.pid)
    ended = _fill_and_wait(setting, batch, count)
    oracle = setting.stub.oracle(batch)
    effects = oracle["effects"]
    finished = setting.finished(batch)
    return Speed(
        count,
        max(ended - (oracle["first"] or ended), LOOK),
        sum(effects.values()) - len(effects),
        count - min(finished, len(effects)),
        watch.cpu(setting.server.pid) - used,
    )


def speed(setting: Setting, latency: int, seconds: int) -> Speed:
    """A run that lasts long enough; warm-up is the caller's."""
    setting.stub.answer_after(latency / 1000)
    count = setting.engine.rates[latency] * seconds
    measured = run(setting, f"at{latency}", count)
    if measured.seconds < SHORTEST * seconds:
        console.line(f"  {count} took {measured.seconds:.1f} s: once more with more documents")
        count = int(measured.rate * seconds)
        measured = run(setting, f"again{latency}", count)
    console.line(
        f"  {setting.engine.title} at {latency} ms: {measured.count} in {measured.seconds:.1f} s, "
        f"{measured.rate:.0f}/s, {measured.duplicates} twice, {measured.losses} lost"
    )
    return measured


def warm_up(setting: Setting) -> None:
    """Let every worker load what it needs."""
    setting.stub.answer_after(0.2)
    run(setting, "warm", WARM_UP)


def kill(setting: Setting) -> Kill:
    """Kill one worker while the provider is answering it."""
    setting.stub.answer_after(KILL_LATENCY)
    setting.fill("kill", KILL_COUNT)
    victim, held = _in_flight(setting)
    victim.kill()
    started = time.monotonic()
    setting.stub.answer_after(0.05)
    _wait_for(setting, held)
    seconds = time.monotonic() - started
    wait(setting, "kill", KILL_COUNT, LIMIT)
    effects = setting.stub.oracle("kill")["effects"]
    return Kill(
        len(held),
        sum(effects.values()) - len(effects),
        KILL_COUNT - min(setting.finished("kill"), len(effects)),
        seconds,
    )


def _in_flight(setting: Setting):
    """A process with calls in flight, and the documents it is waiting for."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        flying = setting.stub.oracle("kill")["flying"]
        holders = {name: watch.holder(setting.server.pid, port) for name, port in flying.items()}
        victim = next(filter(None, holders.values()), None)
        if victim:
            return victim, [name for name, process in holders.items() if process == victim]
        time.sleep(LOOK)
    raise TimeoutError("no call was seen in flight")


def _wait_for(setting: Setting, names: list[str]) -> None:
    statement = (
        "SELECT count(*) FROM bench_document WHERE name = ANY(%s) AND answer IS NULL AND %s > 0"
    )
    deadline = time.monotonic() + LIMIT
    while setting.value(statement, names, len(names)) and time.monotonic() < deadline:
        time.sleep(LOOK)
