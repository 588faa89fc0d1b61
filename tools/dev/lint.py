"""The linters, as continuous integration runs them: style, format, Odoo's own rules, types, translations."""

import json
import subprocess
from pathlib import Path
from typing import Any

from . import console, odoo_run, venv
from .errors import Problem
from .odoo_run import project_addons
from .paths import ADDONS, PROJECT, TEST_ADDONS, cache

# Messages that do not fit this project; said here, since a configuration file cannot switch off one message of a
# checker it switches on.
SWITCHED_OFF = (
    "missing-readme",  # the fragments in readme/ are the source; README.rst is made from them when published
    "missing-return",  # computes and the builder methods of Odoo's e-invoices return nothing, by their contract
    "prefer-env-translation",  # `_ = self.env._` keeps tables of sentences readable; it is the same function
)
PYLINT = ("pylint", "--rcfile=tools/dev/pylintrc", f"--disable={','.join(SWITCHED_OFF)}")
_SHOWN = 20


def _run(name: str, command: list[str]) -> bool:
    console.line(f"== {name}")
    return subprocess.run(command, cwd=PROJECT, check=False).returncode == 0


def _programs() -> Path:
    return venv.python().parent


def _ruff() -> bool:
    return _run("ruff check", [str(_programs() / "ruff"), "check", "."])


def _format() -> bool:
    return _run("ruff format", [str(_programs() / "ruff"), "format", "--check", "."])


def _odoo() -> bool:
    addons = [f"addons/{name}" for name in project_addons()]
    addons += [str(path.parent.relative_to(PROJECT)) for path in TEST_ADDONS.glob("*/__init__.py")]
    return _run("pylint-odoo", [str(_programs() / PYLINT[0]), *PYLINT[1:], *addons])


# -- types -------------------------------------------------------------------------------------


def _namespace() -> Path:
    """Return a folder in which `odoo.addons` is a package of the project's addons, for the checker alone."""
    folder = cache() / "types"
    addons = folder / "odoo" / "addons"
    addons.mkdir(parents=True, exist_ok=True)
    for link in addons.iterdir():
        link.unlink()
    for name in project_addons():
        (addons / name).symlink_to(ADDONS / name)
    return folder


def _reports() -> list[dict[str, Any]]:
    folder = _namespace()
    settings = {
        "include": sorted(str(path) for path in ADDONS.glob("*/core")),
        "extraPaths": [str(folder)],
        "pythonVersion": ".".join(map(str, venv.OLDEST)),
        "typeCheckingMode": "strict",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [str(_programs() / "basedpyright"), "--outputjson"]
    command += ["--project", str(folder), "--pythonpath", str(venv.python())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["generalDiagnostics"]
    except (json.JSONDecodeError, KeyError) as error:
        raise Problem(f"basedpyright failed:\n{done.stderr[-2000:]}") from error


def _types() -> bool:
    """Check the types of the cores in the strict mode; a file with a reason chooses another mode itself."""
    console.line("== types")
    reports = _reports()
    for report in reports[:_SHOWN]:
        path = Path(report["file"]).relative_to(PROJECT)
        line = report["range"]["start"]["line"] + 1
        message = report["message"].split("\n")[0]
        print(f"{path}:{line}: {message} ({report.get('rule')})")
    if reports:
        console.line(f"  {len(reports)} reports, {len(reports[:_SHOWN])} of them shown")
    return not reports


# -- translations ------------------------------------------------------------------------------


def _translations() -> bool:
    """Check templates and catalogues; skipped where no database server can be had."""
    try:
        with odoo_run.ready():
            command = [str(venv.python()), "-m", "tools.dev", "i18n-check"]
            return _run("translations", command)
    except Problem as problem:
        console.line(
            f"== translations: SKIPPED, there is no database to export them from: {problem}"
        )
        return True


CHECKS = {
    "ruff check": _ruff,
    "ruff format": _format,
    "pylint-odoo": _odoo,
    "types": _types,
    "translations": _translations,
}


QUICK = ("ruff check", "ruff format")


def run_linters(*, quick: bool = False) -> int:
    """Run all checks, or those that take a second, also after one has failed."""
    venv.ensure()
    chosen = QUICK if quick else CHECKS
    failed = [name for name in chosen if not CHECKS[name]()]
    console.line(f"lint: {'failed: ' + ', '.join(failed) if failed else 'clean'}")
    return 1 if failed else 0
