"""The test suites in three speeds, run as several pytest processes side by side, and their sum.

`test-fast` needs neither Odoo nor PostgreSQL, `test` adds Odoo and a browser, `test-all` adds what takes minutes:
tests marked `nightly` and more examples for the property-based ones. Which test belongs where is its folder's and that
marker's affair. The Odoo tests are spread over several databases by how long each file took the last time.
"""

import contextlib
import dataclasses
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import chromium, console, databases, junit, odoo_run, ports, run, venv
from .errors import Problem
from .paths import ADDONS, PROJECT, TEST_ADDONS, cache

FAST = ("core", "tools", "sandbox")
ORDER = (*FAST, "odoo", "integration", "browser")
FOLDERS = {name: f"tests/{name}" for name in ORDER if name != "odoo"}
# The databases of the Odoo suite, each with the folder whose addons are tested in it, and its number of processes.
ODOO_DATABASES = {
    "suite": (ADDONS, 4),
    "reference": (TEST_ADDONS, 1),
    "peppol": (ADDONS, 1),
}
# Tests that need Odoo's own electronic senders have a database of their own.
_PEPPOL = "_peppol"
# A process that hangs must not take the whole run's time.
LIMIT_SECONDS = 2400
# Estimates for a machine that has not run the tests before: what a suite takes, and a byte of an Odoo test.
_ESTIMATES = {"core": 15.0, "tools": 6.0, "sandbox": 22.0, "integration": 120.0, "browser": 150.0}
_SECONDS_PER_BYTE = 1 / 2500
_TAIL = 150
REQUIRE_SPECIFICATIONS = "FINANCE_REQUIRE_SPECS"
FUZZ = "FINANCE_FUZZ"


@dataclasses.dataclass(frozen=True)
class Job:
    """One pytest process: its row of the table, its name, how long it is expected to take, how it is run."""

    suite: str
    name: str
    seconds: float
    run: Callable[["Pytest"], int]


class Pytest:
    """Runs pytest with a report, either on the terminal or, beside others, into a log."""

    def __init__(
        self, name: str, extra: Sequence[str], *, quiet: bool, prefix: Sequence[str]
    ) -> None:
        self.report = cache() / "reports" / f"{name}.xml"
        self.log = run.log_file(f"tests-{name}") if quiet else None
        self._extra = extra
        self._prefix = prefix

    def __call__(self, arguments: Sequence[str], env: Mapping[str, str]) -> int:
        """Run to the end and return pytest's exit code."""
        self.report.unlink(missing_ok=True)
        options = [f"--junitxml={self.report}", "-o", "junit_family=xunit1"]
        command = [
            str(venv.python()),
            *self._prefix,
            "-m",
            "pytest",
            *options,
            *arguments,
            *self._extra,
        ]
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(self.log.open("w")) if self.log else None
            try:
                return subprocess.run(
                    run.die_with_parent(command) if self.log else command,
                    cwd=PROJECT,
                    env=dict(env),
                    stdin=subprocess.DEVNULL if self.log else None,
                    stdout=out,
                    stderr=subprocess.STDOUT if out else None,
                    check=False,
                    timeout=LIMIT_SECONDS,
                ).returncode
            except subprocess.TimeoutExpired as error:
                raise Problem(f"The tests did not end in {LIMIT_SECONDS} s.") from error


# -- what is run -------------------------------------------------------------------------------


def _tests(folder: Path) -> list[Path]:
    return sorted(folder.rglob("test_*.py"))


def odoo_tests(folder: Path = ADDONS, kind: str = "suite") -> list[str]:
    """Return the test files of a folder's addons for one kind of database, as pytest-odoo wants them."""
    return [
        str(path.relative_to(PROJECT))
        for path in sorted(folder.glob("*/tests/test_*.py"))
        if path.stem.endswith(_PEPPOL) == (kind == "peppol")
    ]


def balanced(weights: Mapping[str, float], parts: int) -> list[list[str]]:
    """Split files into parts of about the same weight: the heaviest first, each into the lightest part."""
    chosen: list[list[str]] = [[] for _ in range(max(1, min(parts, len(weights))))]
    sums = [0.0] * len(chosen)
    for name in sorted(weights, key=lambda name: (-weights[name], name)):
        lightest = sums.index(min(sums))
        chosen[lightest].append(name)
        sums[lightest] += weights[name]
    return [sorted(part) for part in chosen]


def _durations_file() -> Path:
    return cache() / "reports" / "durations.json"


def _recorded() -> dict[str, float]:
    path = _durations_file()
    return json.loads(path.read_text()) if path.exists() else {}


def _weights(files: Iterable[str], recorded: Mapping[str, float]) -> dict[str, float]:
    return {
        name: recorded.get(name, (PROJECT / name).stat().st_size * _SECONDS_PER_BYTE)
        for name in files
    }


def _folder_job(
    suite: str, *, everything: bool, recorded: Mapping[str, float], fast: bool = False
) -> Job | None:
    files = [str(path.relative_to(PROJECT)) for path in _tests(PROJECT / FOLDERS[suite])]
    if not files:
        return None
    known = sum(recorded.get(name, 0.0) for name in files)
    left_out = "not nightly and not slow" if fast else "not nightly"
    arguments = [FOLDERS[suite], *([] if everything else ["-m", left_out])]
    env = dict(os.environ) | ({FUZZ: "1"} if everything else {})
    return Job(suite, suite, known or _ESTIMATES[suite], lambda pytest: pytest(arguments, env))


def _odoo_jobs(*, everything: bool, parallel: bool, recorded: Mapping[str, float]) -> Iterator[Job]:
    extra = {FUZZ: "1"} if everything else {}
    for kind, (folder, processes) in ODOO_DATABASES.items():
        weights = _weights(odoo_tests(folder, kind), recorded)
        if not weights:
            continue
        parts = balanced(weights, processes if parallel else 1)
        for number, files in enumerate(parts, 1):
            name = f"odoo-{kind}" + (f"-{number}" if len(parts) > 1 else "")
            yield _odoo_job(kind, name, files, sum(weights[file] for file in files), extra)


def _odoo_job(
    kind: str, name: str, files: Sequence[str], seconds: float, env: Mapping[str, str]
) -> Job:
    def perform(pytest: Pytest) -> int:
        with odoo_run.ready() as runtime:
            database = databases.test_database(name.replace("-", "_"))
            try:
                databases.copy_database(runtime, kind, database)
                chosen = databases.runtime_of(kind, runtime)
                return _run_odoo(chosen, name, database, files, pytest, env)
            finally:
                databases.drop(runtime, database)

    return Job("odoo", name, seconds, perform)


def _run_odoo(
    runtime: odoo_run.Runtime,
    name: str,
    database: str,
    files: Sequence[str],
    pytest: Pytest,
    env: Mapping[str, str],
) -> int:
    http, gevent = ports.free(2)
    settings = {
        **databases.ALONE,
        "db_name": database,
        "http_interface": ports.HOST,
        "http_port": str(http),
        "gevent_port": str(gevent),
    }
    config = runtime.write_config(f"test-{name}", settings)
    # The settings of the tests outside of Odoo, beside the test addons, are not for these.
    options = ["-c", "pyproject.toml", "--rootdir", str(PROJECT), "-p", "no:cacheprovider"]
    options += [f"--odoo-config={config}", f"--odoo-database={database}", "--odoo-http"]
    return pytest([*options, *files], {**runtime.environment(), **env})


# -- running -----------------------------------------------------------------------------------


def _prepare(suites: Iterable[str]) -> None:
    """Build once what several processes need, while none of them waits for another."""
    venv.ensure()
    (cache() / "reports").mkdir(exist_ok=True)
    if set(suites) <= set(FAST):
        return
    with odoo_run.ready() as runtime:
        databases.drop_abandoned(runtime)
        kinds = set(ODOO_DATABASES) if "odoo" in suites else set()
        if {"integration", "browser"} & set(suites):
            kinds |= {"sample", "reference"}
            with contextlib.suppress(Problem):  # the browser tests skip with this reason
                chromium.ensure()
        for kind in sorted(kinds):
            databases.ensure_template(runtime, kind)


def _perform(job: Job, pytest: Pytest) -> junit.Counts:
    started = time.monotonic()
    try:
        code = job.run(pytest)
        counts = junit.judge(junit.read(pytest.report), code)
        note = "" if code in (0, 1, 5) else f" (pytest ended with {code})"
    except Problem as problem:
        counts, note = junit.Counts(failed=1), f": {problem}"
    took = time.monotonic() - started
    sign = "✗" if counts.failed else "✓"
    with _PRINTING:
        if counts.failed and pytest.log and pytest.log.exists():
            lines = pytest.log.read_text(errors="replace").splitlines()
            console.line("\n".join([f"… {pytest.log}", *lines[-_TAIL:]]))
        console.line(f"{sign} {job.name:<20} {counts} in {took:.0f} s{note}")
    return counts


_PRINTING = threading.Lock()


def processes() -> int:
    """Return how many pytest processes run side by side: one for each processor, at least two."""
    return max(2, len(os.sched_getaffinity(0)))


def _jobs(suites: Sequence[str], *, everything: bool, parallel: bool) -> list[Job]:
    recorded = _recorded()
    jobs: list[Job] = []
    for suite in ORDER:
        if suite in suites and suite == "odoo":
            jobs += _odoo_jobs(everything=everything, parallel=parallel, recorded=recorded)
        elif suite in suites:
            fast = set(suites) == set(FAST)
            job = _folder_job(suite, everything=everything, recorded=recorded, fast=fast)
            jobs += [job] if job else []
    return jobs


def _record_durations(reports: Iterable[Path]) -> None:
    known = _recorded()
    for report in reports:
        known |= {name: round(spent, 2) for name, spent in junit.durations(report).items()}
    _durations_file().write_text(json.dumps(known, indent=0, sort_keys=True))


def perform(
    suites: Sequence[str],
    extra: Sequence[str] = (),
    *,
    everything: bool = False,
    prefix: Sequence[str] = (),
) -> dict[str, junit.Counts]:
    """Run suites and return the counts of each.

    With arguments for pytest the suites run one after the other on the terminal: that is for looking into a failure.
    """
    parallel = not extra
    _prepare(suites)
    jobs = _jobs(suites, everything=everything, parallel=parallel)
    jobs = sorted(jobs, key=lambda job: -job.seconds) if parallel else jobs
    runs = [(job, Pytest(job.name, extra, quiet=parallel, prefix=prefix)) for job in jobs]
    with contextlib.ExitStack() as stack:
        if not set(suites) <= set(FAST):
            # Held for the whole run, so that PostgreSQL is not stopped and started between two processes.
            stack.enter_context(odoo_run.ready())
        pool = stack.enter_context(ThreadPoolExecutor(processes() if parallel else 1))
        counted = list(pool.map(lambda pair: _perform(*pair), runs))
    if parallel:
        _record_durations(pytest.report for _job, pytest in runs)
    results: dict[str, junit.Counts] = {}
    for suite in ORDER:
        parts = [
            counts for (job, _), counts in zip(runs, counted, strict=True) if job.suite == suite
        ]
        if parts:
            results[suite] = sum(parts, junit.Counts())
    return results


def _missing_specifications(total: junit.Counts) -> int:
    """Announce skipped specification tests; return how many of them count as failures here."""
    if not total.unspecified:
        return 0
    required = os.environ.get(REQUIRE_SPECIFICATIONS) == "1"
    verdict = "a failure" if required else f"set {REQUIRE_SPECIFICATIONS}=1 to make this a failure"
    console.line(
        f"\n  {total.unspecified} specification tests were skipped: the providers' specifications are not in"
        f" ../shared/specs ({verdict})."
    )
    return total.unspecified if required else 0


def report(results: Mapping[str, junit.Counts]) -> int:
    """Print a table and, last, the sum as one plain line; return the exit code."""
    total = sum(results.values(), junit.Counts())
    console.line("")
    for suite, counts in results.items():
        console.line(f"  {suite:<12} {counts}")
    if missing := _missing_specifications(total):
        total += junit.Counts(failed=missing, skipped=-missing)
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


def run_suites(
    suites: Sequence[str], extra: Sequence[str] = (), *, everything: bool = False
) -> int:
    """Run suites, print what came of them, return the exit code."""
    return report(perform(suites, extra, everything=everything))


# -- coverage ----------------------------------------------------------------------------------


def coverage(extra: Sequence[str]) -> int:
    """Measure which lines of each addon the fast and the Odoo tests run."""
    folder = cache() / "coverage"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("data*"):
        old.unlink()
    data = ["--rcfile=pyproject.toml", f"--data-file={folder / 'data'}"]
    results = perform(
        (*FAST, "odoo"), extra, prefix=["-m", "coverage", "run", "--parallel-mode", *data]
    )
    program = [str(venv.python()), "-m", "coverage"]
    run.logged("coverage", [*program, "combine", *data, folder], cwd=PROJECT)
    report_file = folder / "coverage.json"
    run.logged("coverage", [*program, "json", *data, "-o", report_file], cwd=PROJECT)
    _print_coverage(json.loads(report_file.read_text())["files"])
    return report(results)


def _print_coverage(files: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
    sums: dict[str, list[int]] = {}
    for name, measured in files.items():
        addon = Path(name).parts[1]
        numbers = sums.setdefault(addon, [0, 0])
        numbers[0] += measured["summary"]["covered_lines"]
        numbers[1] += measured["summary"]["num_statements"]
    for addon, (covered, statements) in sorted(sums.items()):
        print(
            f"  {addon:<28} {100 * covered / max(statements, 1):5.1f} % of {statements} statements"
        )
