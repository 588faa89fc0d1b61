"""Commands that show the product: the demo, the unattended journey, pictures, a shell."""

import importlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import console, databases, odoo_run, paths
from .errors import Problem
from .stack import Ports, Stack, logins, running

DATABASE = "fc_demo"
PORT = 8069
_WATCH_SECONDS = 1.0


def _hook(module: str, function: str = "main") -> Callable[..., Any]:
    """Return a function of the sample company; the checkout is on the path when run with -m."""
    name = f"demo.{module}"
    try:
        return getattr(importlib.import_module(name), function)
    except ModuleNotFoundError as error:
        if error.name not in ("demo", name):
            raise
        raise Problem(f"This checkout has no demo/{module}.py yet.") from error


def _welcome(stack: Stack) -> str:
    rows = [f"  {p['login']:<28} {p['password']:<16} {p.get('role', '')}" for p in logins()]
    return "\n".join(
        [
            "",
            f"Odoo      {stack.url}/odoo",
            f"Sandbox   {stack.sandbox_url}",
            f"Database  {stack.db}    logs: {stack.odoo.log.parent}",
            "",
            f"  {'login':<28} {'password':<16} role",
            *rows,
            "",
            "Ctrl-C stops everything.",
        ]
    )


def _watch(stack: Stack) -> int:
    while stack.odoo.alive() and stack.sandbox.alive():
        time.sleep(_WATCH_SECONDS)
    ended = stack.odoo if stack.sandbox.alive() else stack.sandbox
    raise Problem(f"{ended.name} has ended by itself.", f"See {ended.log}")


def demo(port: int) -> int:
    """Stay until interrupted."""
    where = Ports.fixed(port)
    post_samples = _hook("sample_run", "run")
    with odoo_run.ready() as runtime, running(runtime, DATABASE, where) as stack:
        with console.step("Sample invoices"):
            post_samples(stack)
        print(_welcome(stack), flush=True)
        try:
            return _watch(stack)
        except KeyboardInterrupt:
            console.line("\nstopping")
            return 0


def _with_fresh_stack(purpose: str, use: Callable[[Stack], int]) -> int:
    database = databases.test_database(purpose)
    with odoo_run.ready() as runtime:
        databases.drop_abandoned(runtime)
        try:
            with running(runtime, database, Ports.free()) as stack:
                return use(stack)
        finally:
            databases.drop(runtime, database)


def journey() -> int:
    """Walk through the sample unattended; return the exit code."""
    return _with_fresh_stack("journey", _hook("journey"))


def screenshots(folder: str, **only: Iterable[str]) -> int:
    """Take pictures of the screens that the sample chooses.

    :param only: limits, as the fields of ``demo.screen.Choice``
    """
    target = Path(folder).absolute()
    target.mkdir(parents=True, exist_ok=True)
    take = _hook("screenshots")
    choice = _hook("screen", "Choice")(**{name: tuple(values) for name, values in only.items()})
    return _with_fresh_stack("screenshots", lambda stack: take(stack, target, choice))


def shell(database: str) -> int:
    """Run an interactive Odoo shell."""
    return _run_odoo("alone", databases.ALONE, ["shell", "--no-http"], database)


def odoo(database: str, arguments: Iterable[str]) -> int:
    """Run Odoo on a database until it ends, with further arguments of its own."""
    return _run_odoo(database, {"db_name": database}, arguments, database)


def _run_odoo(config: str, options: dict[str, str], arguments: Iterable[str], database: str) -> int:
    with odoo_run.ready() as runtime:
        if not databases.exists(runtime, database):
            raise Problem(f"There is no database {database}.", "`demo` or `copy` makes one.")
        path = runtime.write_config(config, options)
        command = runtime.command(*arguments, "--database", database, config=path)
        environment = runtime.environment()
        sys.stdout.flush()
        return subprocess.run(command, cwd=paths.PROJECT, env=environment, check=False).returncode
