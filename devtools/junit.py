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


def read(report: Path) -> Counts:
    """Counts of one report; all zero when pytest wrote none."""
    if not report.exists():
        return Counts()
    total = Counts()
    for suite in ET.parse(report).getroot().iter("testsuite"):
        number = {
            name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
        }
        failed = number["failures"] + number["errors"]
        total += Counts(number["tests"] - failed - number["skipped"], failed, number["skipped"])
    return total


def judge(counts: Counts, code: int) -> Counts:
    """A run that broke off (interrupted, crashed, bad usage) has failed, whatever it counted.

    pytest's codes: 0 passed, 1 some failed, 5 no tests found; anything else is a run that did not finish.
    """
    if code not in (0, 1, 5) and not counts.failed:
        return counts + Counts(failed=1)
    if code == 1 and not counts.failed:
        return counts + Counts(failed=1)
    return counts
