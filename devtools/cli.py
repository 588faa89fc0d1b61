"""The commands of `python3 -m devtools`, each of them also a target of the Makefile."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import databases, odoo_run, odoo_source, postgres, say, venv
from .errors import Problem
from .paths import cache


def provision(_options: argparse.Namespace) -> int:
    """install everything into the cache: Python packages, Odoo 19, PostgreSQL"""
    venv.ensure()
    odoo_source.ensure()
    with postgres.running():
        say.line(f"Ready. Everything is in {cache()} ({say.size(say.folder_size(cache()))}).")
    return 0


def run_postgres(_options: argparse.Namespace) -> int:
    """keep the embedded PostgreSQL running until Ctrl-C"""
    venv.ensure()
    with postgres.running() as server:
        print(server.dsn("postgres"), flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def copy(options: argparse.Namespace) -> int:
    """make a fresh database from a template (base, suite or sample) and print how to use it"""
    with odoo_run.ready() as runtime:
        databases.copy_database(runtime, options.kind, options.database)
        config = runtime.write_config(options.database, {"db_name": options.database})
        print(f"database: {runtime.server.dsn(options.database)}\nconfig: {config}")
        print("odoo:", *runtime.command(config=config))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "provision": provision,
    "postgres": run_postgres,
    "copy": copy,
}

ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "copy": {
        "kind": {"choices": sorted(databases.KINDS)},
        "database": {},
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m devtools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__)
        for flag, settings in ARGUMENTS.get(name, {}).items():
            command.add_argument(flag, **settings)
    options = parser.parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
