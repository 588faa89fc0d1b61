"""The commands of `python3 -m tools.dev`, each of them also a target of the Makefile."""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import databases, demo_commands, lint, maintenance, odoo_source, suites, venv
from .errors import Problem

Options = argparse.Namespace


def _argument(*flags: str, **settings: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return flags, settings


DATABASE = _argument(
    "database", nargs="?", default=demo_commands.DATABASE, help="default: %(default)s"
)
PORT = _argument(
    "--port", type=int, default=demo_commands.PORT, help="of Odoo; the sandbox gets the next"
)
FOLDER = _argument("folder", nargs="?", default="screenshots", help="default: %(default)s")
ONLY = _argument(
    "--only", nargs="+", default=(), metavar="name", help="names of screens; * for any text"
)
LANGUAGES = _argument("--language", nargs="+", default=(), choices=["en", "fr"])
SIZES = _argument("--size", nargs="+", default=(), choices=["wide", "narrow"])
KIND = _argument("kind", choices=sorted(databases.KINDS))
_SUITES = f"of {', '.join(suites.ORDER)}; default: all"
SUITES = _argument("suites", nargs="*", choices=[*suites.ORDER, []], metavar="suite", help=_SUITES)

_PARTS = ("queue_job", "naive", "ours", "memory", "posting", "batch")
PARTS = _argument(
    "parts",
    nargs="*",
    choices=[*_PARTS, []],
    metavar="part",
    help=f"of {', '.join(_PARTS)}; default: all",
)
ENTRIES = _argument("--entries", type=int, default=1_000_000, help="default: %(default)s")
SECONDS = _argument("--seconds", type=int, default=20, help="of each run; default: %(default)s")

EXCHANGES = _argument("--exchanges", type=int, default=1000, help="default: %(default)s")
SEED = _argument("--seed", type=int, default=1, help="default: %(default)s")
ENGINE = _argument(
    "--engine",
    choices=("ours", "naive"),
    default="ours",
    help="naive: one record, one call, one commit; for comparison",
)
SYNCHRONOUS = _argument(
    "--synchronous-commit",
    choices=("on", "off"),
    default="on",
    help="PostgreSQL's setting while its crashes are played; default: %(default)s",
)

QUICK = _argument("--quick", action="store_true", help="only those that take a second")
UPGRADE = _argument("--upgrade", action="store_true", help="also to newer releases")

VARIABLES = """\
variables:
  XDG_CACHE_HOME    where the cache is (default ~/.cache); the project uses finance-connect/ in it
  ODOO_PATH         a checkout of Odoo 19.0, or an installed tree, to use instead of a download
  FINANCE_USE_PG=1  use the PostgreSQL server of PGHOST, PGPORT, PGUSER, PGPASSWORD (a role that may
                    create databases) instead of the embedded one
  CHROMIUM_PATH     a Chromium for browser tests and pictures
  FINANCE_ADDONS    further folders of addons, separated by commas
"""


def _main_of(name: str) -> Callable[..., int]:
    """Return the function of a module whose packages are those of the virtual environment."""
    return importlib.import_module(name).main


Command = Callable[[Options], int]
# Name: what it does, its arguments, the function.
COMMANDS: dict[str, tuple[str, list[tuple[tuple[str, ...], dict[str, Any]]], Command]] = {
    "provision": (
        "install everything into the cache: Python packages, Odoo 19, PostgreSQL, Chromium",
        [],
        lambda _: maintenance.provision(),
    ),
    "demo": (
        "run the sample companies with a sandbox of providers until Ctrl-C",
        [PORT],
        lambda options: demo_commands.demo(options.port),
    ),
    "journey": (
        "walk through the product on a fresh sample, and end",
        [],
        lambda _: demo_commands.journey(),
    ),
    "screenshots": (
        "take the pictures of every screen, or of some",
        [FOLDER, ONLY, LANGUAGES, SIZES],
        lambda options: demo_commands.screenshots(
            options.folder,
            only=options.only,
            languages=options.language,
            sizes=options.size,
        ),
    ),
    "shell": (
        "an Odoo shell on a database",
        [DATABASE],
        lambda options: demo_commands.shell(options.database),
    ),
    "odoo": (
        "run Odoo on a database until it ends (arguments after -- go to Odoo)",
        [DATABASE],
        lambda options: demo_commands.odoo(options.database, options.extra),
    ),
    "test": (
        "run the test suites (arguments after -- go to pytest)",
        [SUITES],
        lambda options: suites.run_suites(options.suites or suites.ORDER, options.extra),
    ),
    "test-fast": (
        "run the tests that need neither Odoo nor PostgreSQL",
        [],
        lambda options: suites.run_suites(suites.FAST, options.extra),
    ),
    "test-all": (
        "run all tests, also those that take minutes",
        [SUITES],
        lambda options: suites.run_suites(
            options.suites or suites.ORDER, options.extra, everything=True
        ),
    ),
    "coverage": (
        "measure what the fast and the Odoo tests run of each addon",
        [],
        lambda options: suites.coverage(options.extra),
    ),
    "lint": (
        "run the linters",
        [QUICK],
        lambda options: lint.run_linters(quick=options.quick),
    ),
    "i18n": (
        "write the translation templates and bring the catalogues up to them",
        [],
        lambda _: importlib.import_module("tools.dev.i18n").update(),
    ),
    "i18n-check": (
        "check that templates are current and catalogues complete",
        [],
        lambda _: importlib.import_module("tools.dev.i18n").check(),
    ),
    "bench": (
        "measure ratios side by side on a fresh sample",
        [],
        lambda _: maintenance.bench(),
    ),
    "bench-audit": (
        "measure sealing and verifying the audit log beside a bare hashing loop",
        [ENTRIES],
        lambda options: _main_of("tools.benchmarks.audit")(options.entries),
    ),
    "bench-exchange": (
        "measure the dispatcher beside OCA queue_job and a plain scheduled action",
        [PARTS, SECONDS],
        lambda options: _main_of("tools.benchmarks.exchange.command")(
            options.parts, options.seconds
        ),
    ),
    "chaos": (
        "kill, cut and crash by a seed while exchanges are delivered; then ask the provider what it holds",
        [EXCHANGES, SEED, ENGINE, SYNCHRONOUS],
        lambda options: _main_of("tools.chaos.command")(options=options),
    ),
    "copy": (
        "make a fresh database from a template and print how to use it",
        [KIND, _argument("database")],
        lambda options: maintenance.copy(options.kind, options.database),
    ),
    "postgres": (
        "keep the embedded PostgreSQL running until Ctrl-C",
        [],
        lambda _: maintenance.keep_postgres(),
    ),
    "lock": (
        "resolve the requirements again and write the lock files with hashes",
        [UPGRADE],
        lambda options: venv.renew_lock(upgrade=options.upgrade),
    ),
    "clean-cache": (
        "remove everything that was installed or made outside the checkout",
        [],
        lambda _: maintenance.clean_cache(),
    ),
}
# These import code of the project that needs its Python packages.
INSIDE = frozenset(
    {
        "bench-audit",
        "bench-exchange",
        "chaos",
        "demo",
        "i18n",
        "i18n-check",
        "journey",
        "screenshots",
    }
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.dev",
        description=__doc__,
        epilog=VARIABLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (text, arguments, _function) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        for flags, settings in arguments:
            command.add_argument(*flags, **settings)
    return parser


def parse(arguments: Sequence[str]) -> Options:
    """Arguments of a command; `extra` holds what follows a double dash."""
    arguments = list(arguments)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options = _parser().parse_args(arguments[:cut])
    options.extra = arguments[cut + 1 :]
    return options


def _enter_environment(arguments: Sequence[str]) -> None:
    """Go on as the virtual environment's interpreter."""
    if not venv.inside():
        venv.ensure()
        odoo_source.ensure()
        os.execv(  # noqa: S606 - the same command under another interpreter
            venv.python(), [str(venv.python()), "-m", "tools.dev", *arguments]
        )


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parse(arguments)
    # SIGTERM, as a container or CI sends it, stops the servers just like Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.command in INSIDE:
            _enter_environment(arguments)
        return COMMANDS[options.command][2](options)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
