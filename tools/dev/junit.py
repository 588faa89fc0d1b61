"""Adds up the JUnit reports of several pytest runs."""

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Counts:
    """How many tests ended how; an error counts as a failure."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def _outcome(case: ET.Element) -> Counts:
    parts = {part.tag for part in case}
    if parts & {"failure", "error"}:
        return Counts(failed=1)
    return Counts(skipped=1) if "skipped" in parts else Counts(passed=1)


def read(report: Path) -> Counts:
    """Counts of one report; all zero when pytest wrote none.

    The cases are counted, since the totals that pytest writes include subtests.
    """
    if not report.exists():
        return Counts()
    return sum(map(_outcome, ET.parse(report).getroot().iter("testcase")), Counts())


def judge(counts: Counts, code: int) -> Counts:
    """A run that broke off (interrupted, crashed, bad usage) has failed, whatever it counted.

    pytest's codes: 0 passed, 1 some failed, 5 no tests found; anything else is a run that did not finish.
    """
    if code not in (0, 1, 5) and not counts.failed:
        return counts + Counts(failed=1)
    if code == 1 and not counts.failed:
        return counts + Counts(failed=1)
    return counts
