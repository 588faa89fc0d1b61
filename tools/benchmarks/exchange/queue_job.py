"""Fetches OCA's `queue_job` for Odoo 19 into the cache; it is measured, and no part of the project."""

from pathlib import Path

from tools.dev import build, venv
from tools.dev.paths import cache

RELEASE = "odoo-addon-queue_job==19.0.*"
#: Its manifest asks for these; Odoo's own requirements bring the rest.
LIBRARIES = ("openupgradelib", "cssselect")


def ensure() -> Path:
    """The folder with `addons/queue_job` and the libraries it needs beside it."""
    return build.once(cache() / "queue-job", "queue_job of the OCA", 20, _fetch)


def addons(folder: Path) -> Path:
    """A folder for Odoo's addons path."""
    return folder / "odoo" / "addons"


def libraries(folder: Path) -> Path:
    """A folder for Python's path."""
    return folder / "libraries"


def _fetch(target: Path) -> None:
    venv.install_beside(target, RELEASE)
    venv.install_beside(libraries(target), *LIBRARIES)
