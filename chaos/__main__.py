"""``python -m chaos --exchanges 10000 --seed 1``; 0 when every invariant holds."""

import argparse
import sys

from .checks import look
from .evidence import gather
from .harness import performed
from .plan import Plan
from .report import show

EXCHANGES = 400
#: Seconds of storm: as long as the documents take, within this bound.
_STORM_FLOOR, _STORM_PER_EXCHANGE = 45.0, 0.15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--exchanges", type=int, default=EXCHANGES, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument(
        "--engine",
        choices=("ours", "naive"),
        default="ours",
        help="naive: one record, one call, one commit; for comparison",
    )
    parser.add_argument(
        "--synchronous-commit",
        choices=("on", "off"),
        default="on",
        help="of the database whose crashes are played",
    )


def run(chosen: argparse.Namespace) -> int:
    """One run; 0 when every invariant holds, 1 when one is broken."""
    plan = Plan(chosen.seed, chosen.exchanges, chosen.engine)
    longest = _STORM_FLOOR + _STORM_PER_EXCHANGE * chosen.exchanges
    with performed(plan, longest, chosen.synchronous_commit) as performance:
        evidence = gather(performance)
        findings = look(evidence, plan.engine)
        show(performance, evidence, findings)
    return 0 if all(finding.holds for finding in findings) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
