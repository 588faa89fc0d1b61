"""The test suites, from the fastest to the slowest, each in one pytest process, and their sum."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from . import databases, junit, odoo_run, say, venv
from .errors import Problem
from .paths import ADDONS, PROJECT, TEST_ADDONS, cache

CORE = ("core", "tools", "sandbox")
FOLDERS = {name: f"tests/{name}" for name in (*CORE, "integration", "browser")}
# A suite that hangs must not take the whole run's time.
LIMIT_SECONDS = 2400
ORDER = (*CORE, "odoo", "integration", "browser")


def _tests(folder: Path) -> list[Path]:
    return sorted(folder.rglob("test_*.py"))


# The databases of the Odoo suite, each with the folder whose addons are tested in it.
ODOO_DATABASES = {"suite": ADDONS, "reference": TEST_ADDONS, "peppol": ADDONS}
# Tests that need Odoo's own electronic senders have a database of their own.
_PEPPOL = "_peppol"


def odoo_tests(folder: Path = ADDONS, kind: str = "suite") -> list[str]:
    """Test files of a folder's addons for one kind of database, as pytest-odoo wants them."""
    return [
        str(path.relative_to(PROJECT))
        for path in sorted(folder.glob("*/tests/test_*.py"))
        if path.stem.endswith(_PEPPOL) == (kind == "peppol")
    ]


def _pytest(suite: str, words: Sequence[str], env: dict[str, str]) -> junit.Counts:
    """One pytest process; its output goes to the terminal."""
    report = cache() / "reports" / f"{suite}.xml"
    report.unlink(missing_ok=True)
    command = [str(venv.python()), "-m", "pytest", f"--junitxml={report}", *words]
    try:
        code = subprocess.run(
            command, cwd=PROJECT, env=env, check=False, timeout=LIMIT_SECONDS
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise Problem(f"The {suite} tests did not end in {LIMIT_SECONDS} s.") from error
    return junit.judge(junit.read(report), code)


def _folder_suite(suite: str, extra: Sequence[str]) -> junit.Counts:
    folder = PROJECT / FOLDERS[suite]
    if not _tests(folder):
        return junit.Counts()
    return _pytest(suite, [FOLDERS[suite], *extra], dict(os.environ))


@contextlib.contextmanager
def _odoo_database(kind: str) -> Iterator[tuple[odoo_run.Runtime, str]]:
    with odoo_run.ready() as runtime:
        databases.drop_abandoned(runtime)
        name = databases.test_database(f"odoo_{kind}")
        databases.copy_database(runtime, kind, name)
        try:
            yield databases.runtime_of(kind, runtime), name
        finally:
            databases.drop(runtime, name)


def _odoo_suite(_suite: str, extra: Sequence[str]) -> junit.Counts:
    """The addons' own tests, each kind of database in a process of its own."""
    counts = [_odoo_tests(kind, folder, extra) for kind, folder in ODOO_DATABASES.items()]
    return sum(counts, junit.Counts())


def _odoo_tests(kind: str, folder: Path, extra: Sequence[str]) -> junit.Counts:
    files = odoo_tests(folder, kind)
    if not files:
        return junit.Counts()
    with _odoo_database(kind) as (runtime, name):
        config = runtime.write_config(f"test-{kind}", {**databases.ALONE, "db_name": name})
        # Without it, the settings of the tests outside of Odoo would be found beside the test addons.
        options = ["-c", "pyproject.toml"]
        options += [f"--odoo-config={config}", f"--odoo-database={name}", "--odoo-http"]
        return _pytest(f"odoo-{kind}", [*options, *files, *extra], runtime.environment())


def _one(suite: str, extra: Sequence[str]) -> junit.Counts:
    run: Callable[[str, Sequence[str]], junit.Counts]
    run = _odoo_suite if suite == "odoo" else _folder_suite
    say.line(f"\n== {suite} tests")
    try:
        return run(suite, extra)
    except Problem as problem:
        say.line(f"error: {problem}")
        return junit.Counts(failed=1)


def run_suites(suites: Sequence[str], extra: Sequence[str] = ()) -> int:
    """Run suites in order, print a table and, last, the sum as one plain line."""
    venv.ensure()
    (cache() / "reports").mkdir(exist_ok=True)
    results = {suite: _one(suite, extra) for suite in ORDER if suite in suites}
    total = sum(results.values(), junit.Counts())
    say.line("")
    for suite, counts in results.items():
        say.line(f"  {suite:<12} {counts}")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0
