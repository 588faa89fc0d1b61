"""Odoo's configuration and command lines, derived from the project's odoo.conf."""

import configparser
import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import keyring, odoo_source, postgres, venv
from .paths import ADDONS, PROJECT, TEST_ADDONS, cache

# Addons of the tests live beside the product's; Odoo refuses paths without any addon.
_MANIFEST = "__manifest__.py"
#: Variable with further folders of addons, separated by commas.
FURTHER = "FINANCE_ADDONS"


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What a command needs to run Odoo: the tree, the database server."""

    odoo: odoo_source.Odoo
    server: postgres.Server

    @property
    def data_dir(self) -> Path:
        """Attachments and sessions."""
        return cache() / f"odoo-data{self.server.suffix}"

    def filestore(self, database: str) -> Path:
        """Return the attachments of a database."""
        return self.data_dir / "filestore" / database

    @property
    def alone(self) -> str:
        """Name of the configuration file for commands that end."""
        return "alone"

    def environment(self) -> dict[str, str]:
        """Variables of every Odoo process."""
        return {
            **os.environ,
            keyring.VARIABLE: str(keyring.ensure()),
            "PYTHONUNBUFFERED": "1",
            # The sandbox is on this machine, whatever proxy leads out of it.
            "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
            # For pg_dump and other programs that Odoo starts.
            **self.server.environment(),
        }

    def command(self, *arguments: str | Path, config: Path) -> list[str]:
        """Odoo's own script: under `python -m odoo` the gevent child cannot start."""
        return [
            str(venv.python()),
            str(self.odoo.script),
            *map(str, arguments),
            f"--config={config}",
        ]

    def write_config(self, name: str, overrides: dict[str, str] | None = None) -> Path:
        """Return a configuration file in the cache: the project's, with this machine's database and paths."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(PROJECT / "odoo.conf")
        self.data_dir.mkdir(exist_ok=True)
        parser["options"].update(
            {
                "addons_path": addons_path(self.odoo),
                "data_dir": str(self.data_dir),
                # The providers of development, demonstration and tests are on this machine.
                "finance_connect_sandbox": "True",
                "finance_connect_allowed_hosts": "*.example",
                # Databases of development and tests hold no real evidence.
                "finance_connect_allow_uninstall": "True",
                **self.server.odoo_options(),
                **(overrides or {}),
            }
        )
        folder = cache() / "config"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.conf"
        # Readable by the owner alone, and of this call alone: threads write the same file at the same time.
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with os.fdopen(handle, "w") as out:
            parser.write(out)
        Path(temporary).replace(path)
        return path


class TestingRuntime(Runtime):
    """Odoo that also sees the addons of the tests."""

    __test__ = False  # no test case, whatever pytest thinks of the name

    @property
    def alone(self) -> str:
        return "alone-tests"

    def write_config(self, name: str, overrides: dict[str, str] | None = None) -> Path:
        folders = f"{addons_path(self.odoo)},{TEST_ADDONS}"
        return super().write_config(name, {"addons_path": folders, **(overrides or {})})


def testing(runtime: Runtime) -> Runtime:
    """The same installation with the addons of the tests."""
    return TestingRuntime(runtime.odoo, runtime.server)


def project_addons() -> list[str]:
    """Names of the project's addons, those that have a manifest."""
    return sorted(path.parent.name for path in ADDONS.glob(f"*/{_MANIFEST}"))


def addons_path(odoo: odoo_source.Odoo) -> str:
    """Odoo's folders of addons, the project's, and those of ``FINANCE_ADDONS``."""
    own = [ADDONS] if project_addons() else []
    further = [Path(name).absolute() for name in os.environ.get(FURTHER, "").split(",") if name]
    return ",".join(str(path) for path in [*odoo.addons, *own, *further])


@contextlib.contextmanager
def ready() -> Iterator[Runtime]:
    """Provision what is missing, and have PostgreSQL running while the block runs."""
    venv.ensure()
    odoo = odoo_source.ensure()
    with postgres.running() as server:
        yield Runtime(odoo, server)
