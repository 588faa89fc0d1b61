"""Read the JUnit reports of several pytest runs: how many tests ended how, and how long each file took.

The commands run on the machine's own Python before any package is installed, hence the standard library's parser.
"""

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

# Reasons of skipped tests that name the folder of the providers' own specifications.
SPECIFICATION = "specification"


@dataclasses.dataclass(frozen=True)
class Counts:
    """How many tests ended how; an error counts as a failure.

    `unspecified` counts those of the skipped tests whose specification is not on this machine.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    unspecified: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.unspecified + other.unspecified,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def _outcome(case: ET.Element) -> Counts:
    parts = {part.tag: part for part in case}
    if "failure" in parts or "error" in parts:
        return Counts(failed=1)
    if "skipped" in parts:
        reason = parts["skipped"].get("message") or ""
        return Counts(skipped=1, unspecified=int(SPECIFICATION in reason))
    return Counts(passed=1)


def _cases(report: Path) -> list[ET.Element]:
    return list(ET.parse(report).getroot().iter("testcase")) if report.exists() else []


def read(report: Path) -> Counts:
    """Return the counts of one report; all zero when pytest wrote none.

    The cases are counted, since the totals that pytest writes include subtests.
    """
    return sum(map(_outcome, _cases(report)), Counts())


def durations(report: Path) -> dict[str, float]:
    """Return the seconds each test file took; reports of pytest's family `xunit1` name the file."""
    seconds: dict[str, float] = {}
    for case in _cases(report):
        if file := case.get("file"):
            seconds[file] = seconds.get(file, 0.0) + float(case.get("time") or 0)
    return seconds


def judge(counts: Counts, code: int) -> Counts:
    """Count a run that broke off (interrupted, crashed, bad usage) as failed, whatever it reported.

    pytest's codes: 0 passed, 1 some failed, 5 no tests found; anything else is a run that did not finish.
    """
    if code not in (0, 5) and not counts.failed:
        return counts + Counts(failed=1)
    return counts
