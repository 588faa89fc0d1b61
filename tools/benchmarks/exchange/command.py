"""`make bench-exchange`: every engine, every latency, one kill each; prints a table of ratios."""

from dataclasses import dataclass

from tools.dev import odoo_run

from . import batches, memory, passes, posting, watch
from .engines import ENGINES, LATENCIES, NAIVE, OURS, QUEUE_JOB, Engine
from .setting import Setting, ready


@dataclass(frozen=True)
class Result:
    """All that was measured of one engine."""

    speeds: dict[int, passes.Speed]
    kill: passes.Kill
    memory: watch.Memory
    evidence: str = ""


def measure(runtime: odoo_run.Runtime, engine: Engine, seconds: int) -> Result:
    """One engine from an empty database to the end of all passes."""
    with ready(runtime, engine) as setting, watch.Memory(setting.server.pid) as memory:
        passes.warm_up(setting)
        speeds = {latency: passes.speed(setting, latency, seconds) for latency in LATENCIES}
        return Result(speeds, passes.kill(setting), memory, _evidence(setting))


def _evidence(setting: Setting) -> str:
    """What ours wrote besides the answers."""
    if setting.engine is not OURS:
        return ""
    tables = {
        "exchanges": "exchange",
        "attempts": "exchange_attempt",
        "audit entries": "audit_entry",
    }
    counted = [
        f"{setting.value(f'SELECT count(*) FROM finance_{name}')} {title}"
        for title, name in tables.items()
    ]
    return f"ours wrote {', '.join(counted)}"


def table(results: dict[str, Result]) -> str:
    """Rows for people; a column for each engine, then ours against the others."""
    ours = results[OURS.name]
    heads = [engine.title for engine in ENGINES if engine.name in results]
    shown = [results[engine.name] for engine in ENGINES if engine.name in results]
    others = [
        (other.title, results[other.name]) for other in (QUEUE_JOB, NAIVE) if other.name in results
    ]
    rows = [["", *heads, *(f"ours : {title}" for title, _result in others)]]
    for latency in LATENCIES:
        rates = [f"{result.speeds[latency].rate:.0f}/s" for result in shown]
        mine = ours.speeds[latency].rate
        ratios = [f"{mine / result.speeds[latency].rate:.1f} ×" for _title, result in others]
        rows.append([f"finished, provider at {latency} ms", *rates, *ratios])
    for text, read in FACTS.items():
        rows.append([text, *(read(result) for result in shown), *("" for _other in others)])
    return "\n".join(f"{row[0]:<36}" + "".join(f"{cell:>18}" for cell in row[1:]) for row in rows)


def _cpu_ms(measured: passes.Speed) -> float:
    return 1000 * measured.cpu_seconds / measured.count


FACTS = {
    "processor time of Odoo at 0 ms": lambda r: f"{_cpu_ms(r.speeds[0]):.1f} ms each",
    "sent twice": lambda r: str(sum(s.duplicates for s in r.speeds.values())),
    "lost": lambda r: str(sum(s.losses for s in r.speeds.values())),
    "memory of all processes": lambda r: f"{r.memory.total_mb:.0f} MB",
    "one worker killed: sent twice": lambda r: f"{r.kill.duplicates} of {r.kill.held} held",
    "one worker killed: lost": lambda r: str(r.kill.losses),
    "one worker killed: resolved after": lambda r: f"{r.kill.seconds:.0f} s",
}


#: Further questions, each answered with a text.
QUESTIONS = {"memory": memory.main, "posting": posting.main, "batch": batches.main}


def main(parts: list[str], seconds: int) -> int:
    """Measure the named parts, or all; each run of an engine should last about so many seconds."""
    names = parts or [*(engine.name for engine in ENGINES), *QUESTIONS]
    with odoo_run.ready() as runtime:
        results = {
            engine.name: measure(runtime, engine, seconds)
            for engine in ENGINES
            if engine.name in names
        }
        texts = [question(runtime) for name, question in QUESTIONS.items() if name in names]
    if OURS.name in results:
        texts[:0] = [table(results), results[OURS.name].evidence]
    print("\n\n".join(texts))
    return 0
