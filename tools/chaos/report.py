"""The table at the end of a run."""

from collections import Counter

from .boundaries import OF_ROLE
from .checks import Finding
from .evidence import Evidence
from .harness import Run
from .plan import SKEW_SECONDS

_WIDTH = 54
_SHOWN = 5


def show(run: Run, evidence: Evidence, findings: list[Finding]) -> None:
    """Print what was done, what was done to it, and what holds."""
    plan = run.plan
    print(
        f"\nseed {plan.seed}, engine {plan.engine}: {len(evidence.documents)} documents, "
        f"{run.seconds:.0f} s ({run.fault_seconds:.0f} s of fault injection)"
    )
    _section("done", _done(run, evidence))
    _section("killed", _killed(run))
    _section("broken", _broken(run))
    _section("spoiled by the provider", _spoiled(run, evidence))
    print("\ninvariants")
    for finding in findings:
        verdict = "holds" if finding.holds else f"BROKEN {len(finding.faults)} times"
        print(f"  {finding.check.name:<{_WIDTH}}{verdict}")
        for fault in finding.faults[:_SHOWN]:
            print(f"      {fault}")
    if not findings[0].holds:
        _print_timelines(evidence)


def _print_timelines(evidence: Evidence) -> None:
    """How the first documents came to be held twice: attempts as the database knows them, arrivals by the oracle."""
    twice = [key for key, held in evidence.held.items() if len(held) > 1]
    for key in twice[:_SHOWN]:
        print(f"\n{key[1]} of {key[0]} (UTC)")
        exchange = evidence.documents[key]["id"]
        moments = [
            (str(attempt["started_at"]), f"attempt to {attempt['step']} begun")
            for attempt in evidence.attempts.get(exchange, [])
        ]
        moments += [
            (str(attempt["ended_at"]), f"  it ended as {_ending(attempt)}")
            for attempt in evidence.attempts.get(exchange, [])
        ]
        moments += [
            (item["received_at"].replace("T", " "), "  arrived at the provider")
            for item in evidence.arrived[key]
        ]
        for moment, what in sorted(moments):
            print(f"  {moment[11:23]}  {what}")


def _ending(attempt: dict) -> str:
    return f"{attempt['outcome']}{', too late' if attempt['is_late'] else ''}"


def _section(title: str, counts: dict[str, object]) -> None:
    print(f"\n{title}")
    for name, value in counts.items():
        print(f"  {name:<{_WIDTH}}{value}")


def _done(run: Run, evidence: Evidence) -> dict[str, object]:
    events = Counter(line["event"] for line in evidence.ledger)
    held = sum(len(items) for items in evidence.held.values())
    attempts = Counter(
        attempt["step"] for attempts in evidence.attempts.values() for attempt in attempts
    )
    decided = Counter(line["what"] for line in run.journal.read() if line["event"] == "decided")
    return {
        "business transactions committed": events["committed"],
        "business transactions rolled back": events["rolled back"],
        "documents held by the provider": held,
        **{f"attempts to {step}": count for step, count in sorted(attempts.items())},
        **{f"decided by the operator: {what}": count for what, count in sorted(decided.items())},
    }


def _killed(run: Run) -> dict[str, object]:
    """Every boundary a process of this run could die at, also those where none did."""
    lines = [line for line in run.journal.read() if line["event"] == "killed"]
    counts = Counter(line["where"] for line in lines)
    roles = dict.fromkeys(line.role for line in run.plan.lines())
    names = [name for role in roles for name in OF_ROLE[role]]
    return {name: counts[name] for name in (*names, "at random")}


def _broken(run: Run) -> dict[str, object]:
    lines = run.journal.read()
    events = Counter(line["event"] for line in lines)
    stalls = Counter(line["where"] for line in lines if line["event"] == "stalled")
    return {
        "database crashed and recovered": run.schedule.counts["database"],
        "provider out of reach": run.schedule.counts["outage"],
        "Odoo's cron workers killed": run.schedule.counts["cron worker"],
        "Odoo servers killed as a whole": run.schedule.counts["server"],
        **{f"dispatchers stalled: {where}": count for where, count in sorted(stalls.items())},
        "processes that saw the database go": events["lost the database"],
        "processes that broke": events["broke"],
        "hours by which a worker's clock was wrong": f"{SKEW_SECONDS / 3600:.0f}",
    }


def _spoiled(run: Run, evidence: Evidence) -> dict[str, object]:
    outcomes = Counter(
        attempt["outcome"]
        for attempts in evidence.attempts.values()
        for attempt in attempts
        # A page of a feed may be on its way at the end.
        if attempt["outcome"]
    )
    late = sum(
        bool(attempt["is_late"]) for attempts in evidence.attempts.values() for attempt in attempts
    )
    counts = {f"attempts that ended as {name}": count for name, count in sorted(outcomes.items())}
    return {**counts, "answers that came too late and changed nothing": late}
