"""Commands that look after the cache, the databases and the addons' files."""

import signal
from pathlib import Path

from . import (
    build,
    chromium,
    console,
    databases,
    locks,
    odoo_run,
    odoo_source,
    paths,
    postgres,
    venv,
)
from .errors import Problem


def provision() -> int:
    """Install everything; a missing Chromium is only a warning, since only browser tests need it."""
    venv.ensure()
    odoo_source.ensure()
    with postgres.running():
        pass
    try:
        chromium.ensure()
    except Problem as problem:
        console.line(f"warning: {problem}")
    console.line(f"Ready: {paths.cache()} ({console.size(console.folder_size(paths.cache()))})")
    return 0


def keep_postgres() -> int:
    """Hold the embedded server until a signal ends the command."""
    venv.ensure()
    with postgres.running() as server:
        print(server.dsn("postgres"), flush=True)
        while True:
            signal.pause()


def copy(kind: str, database: str) -> int:
    """Make a database from a template, and print how to reach it."""
    with odoo_run.ready() as runtime:
        databases.copy_database(runtime, kind, database)
        chosen = databases.runtime_of(kind, runtime)
        config = chosen.write_config(database, {"db_name": database})
        print(f"database: {chosen.server.dsn(database)}\nconfig: {config}")
        print("odoo:", *chosen.command(config=config))
    return 0


def bench() -> int:
    """Run the benchmarks on a copy of the sample, which is dropped afterwards."""
    code = (
        f"import sys; sys.path.insert(0, {str(paths.PROJECT)!r})\n"
        "from tools.benchmarks.posting import main\nmain(env)\n"
    )
    with odoo_run.ready() as runtime:
        database = databases.test_database("bench")
        try:
            databases.copy_database(runtime, "sample", database)
            databases.shell(runtime, database, code, show=True)
        finally:
            databases.drop(runtime, database)
    return 0


def _require_unused(embedded: postgres.Embedded) -> None:
    users = locks.Users(embedded.home / "users.lock")
    users.enter()
    alone = users.leave()
    users.close()
    if not alone:
        raise Problem("Another command is using the cache.", "Stop it first.")


def clean_cache() -> int:
    """Remove the cache, the server's data included."""
    embedded = postgres.Embedded()
    folders: list[Path] = [paths.cache(), embedded.home, embedded.sockets]
    if embedded.home.exists():
        _require_unused(embedded)
    for folder in folders:
        if folder.exists():
            console.line(f"removing {folder} ({console.size(console.folder_size(folder))})")
            build.remove(folder)
    return 0
