"""`make chaos`: one run, its table, and an exit code that says whether every invariant holds."""

from typing import Any

from .checks import Finding, look
from .evidence import gather
from .harness import performed
from .plan import Plan
from .report import show

#: Seconds of fault injection: as long as the documents take, within this bound.
_BASE, _PER_EXCHANGE = 60.0, 0.2


def perform(
    plan: Plan, synchronous_commit: str = "on", fault_seconds: float | None = None
) -> list[Finding]:
    """One run to its end, with the table on the way; faults are injected for ``fault_seconds`` at most."""
    longest = _BASE + _PER_EXCHANGE * plan.exchanges
    with performed(plan, fault_seconds or longest, synchronous_commit) as performance:
        evidence = gather(performance)
        findings = look(evidence, plan.engine)
        show(performance, evidence, findings)
    return findings


def main(options: Any) -> int:
    """0 when every invariant holds, 1 when one is broken."""
    plan = Plan(options.seed, options.exchanges, options.engine)
    findings = perform(plan, options.synchronous_commit)
    return 0 if all(finding.holds for finding in findings) else 1
