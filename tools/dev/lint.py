"""The linters, as continuous integration runs them."""

import subprocess
from pathlib import Path

from . import console, venv
from .odoo_run import project_addons
from .paths import PROJECT, TEST_ADDONS

# Messages that do not fit this project; said here, since a configuration file cannot switch off one message of a
# checker it switches on.
SWITCHED_OFF = (
    "missing-readme",  # the fragments in readme/ are the source; README.rst is made from them when published
    "missing-return",  # computes and the builder methods of Odoo's e-invoices return nothing, by their contract
    "prefer-env-translation",  # `_ = self.env._` keeps tables of sentences readable; it is the same function
    "consider-merging-classes-inherited",  # a large model is split by concern over short files
)
PYLINT = ("pylint", "--rcfile=tools/dev/pylintrc", f"--disable={','.join(SWITCHED_OFF)}")


def _commands(programs: Path) -> list[list[str]]:
    ruff = str(programs / "ruff")
    commands = [[ruff, "check", "."], [ruff, "format", "--check", "."]]
    addons = [f"addons/{name}" for name in project_addons()]
    addons += [str(path.parent.relative_to(PROJECT)) for path in TEST_ADDONS.glob("*/__init__.py")]
    if addons:
        commands.append([str(programs / PYLINT[0]), *PYLINT[1:], *addons])
    return commands


def run_linters() -> int:
    """Run them all, also after one has complained."""
    programs = venv.ensure().parent
    failed = []
    for command in _commands(programs):
        name = " ".join([Path(command[0]).name, *command[1:3]])
        console.line(f"== {name}")
        if subprocess.run(command, cwd=PROJECT, check=False).returncode:
            failed.append(name)
    console.line(f"lint: {'failed: ' + ', '.join(failed) if failed else 'clean'}")
    return 1 if failed else 0
