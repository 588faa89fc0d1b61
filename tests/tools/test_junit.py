"""The sum that continuous integration reads must not hide a failure."""

from pathlib import Path

import pytest

from tools.dev import junit
from tools.dev.junit import Counts

REPORT = """<testsuites><testsuite tests="99">
<testcase name="a"/><testcase name="b"><system-out>text</system-out></testcase>
<testcase name="c"><failure/></testcase><testcase name="d"><error/></testcase>
<testcase name="e"><failure/><error/></testcase><testcase name="f" file="tests/f.py" time="1.5"><skipped/></testcase>
<testcase name="h" file="tests/f.py" time="1"><skipped message="specification not available: x"/></testcase>
</testsuite><testsuite><testcase name="g"/></testsuite></testsuites>"""


def test_errors_count_as_failures_and_each_case_counts_once(tmp_path: Path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert junit.read(report) == Counts(passed=3, failed=3, skipped=2, unspecified=1)
    assert junit.durations(report) == {"tests/f.py": 2.5}


def test_a_missing_report_counts_nothing(tmp_path: Path):
    assert junit.read(tmp_path / "none.xml") == Counts()


def test_the_sum_reads_as_one_plain_line():
    assert str(Counts(1, 2, 3) + Counts(10, 20, 30)) == "11 passed, 22 failed, 33 skipped"


@pytest.mark.parametrize("code", [1, 2, 3, 4, -9, 139])
def test_a_run_that_broke_off_has_failed(code: int):
    assert junit.judge(Counts(passed=5), code).failed == 1


@pytest.mark.parametrize("code", [0, 5])
def test_a_finished_run_is_taken_as_counted(code: int):
    assert junit.judge(Counts(passed=5), code) == Counts(passed=5)


def test_counted_failures_are_not_counted_twice():
    assert junit.judge(Counts(failed=2), 1) == Counts(failed=2)
