"""Finds or fetches Odoo 19: a given tree, an installed one, Debian's package, or a clone of the branch.

Odoo is not published as a Python package; Debian's unstable suite carries it as `odoo-19`.
"""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

from . import apt, build, run, venv
from .errors import Problem
from .paths import cache

SERIES = (19, 0)
REPOSITORY = "https://github.com/odoo/odoo"
BRANCH = "19.0"
_VERSION = re.compile(r"^version_info\s*=\s*\((\d+),\s*(\d+)", re.MULTILINE)
_FROM_SID = (
    "odoo-19",
    # The package's scripts and fonts are links to these.
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-montserrat",
    "fonts-roboto-unhinted",
    "fonts-inconsolata",
    "fonts-ocr-b",
)
# Odoo's style sheets name files of Font Awesome 4.7, which later releases of the package lack.
_FROM_BOOKWORM = ("fonts-font-awesome",)
_PACKAGE_MB, _CLONE_MB = 1600, 2500


@dataclasses.dataclass(frozen=True)
class Odoo:
    """An Odoo tree: the importable `odoo` package, its addons, its start script."""

    package: Path
    script: Path

    @property
    def import_path(self) -> Path:
        """What must be on Python's path."""
        return self.package.parent

    @property
    def addons(self) -> list[Path]:
        """Folders of Odoo's own addons; a checkout has a second one beside the package."""
        candidates = [self.package / "addons", self.package.parent / "addons"]
        return [path for path in candidates if (path / "base").is_dir() or (path / "web").is_dir()]

    def version(self) -> str:
        """Tells this tree from another one, for keys in the cache."""
        stamp = (self.package / "release.py").stat().st_mtime_ns
        return f"{self.package}@{stamp}"


def series(package: Path) -> tuple[int, int] | None:
    """Return the release series of an `odoo` package folder; None when it is not one."""
    release = package / "release.py"
    match = _VERSION.search(release.read_text()) if release.is_file() else None
    return (int(match[1]), int(match[2])) if match else None


def _script(package: Path) -> Path | None:
    near = [package.parent / "odoo-bin", package.parents[3] / "bin" / "odoo"]
    near.append(Path(sys.executable).with_name("odoo"))
    return next((path for path in near if path.is_file()), None)


def in_tree(folder: Path) -> Odoo | None:
    """Odoo 19 in a checkout, in the package folder itself, or below an installation prefix."""
    for package in (folder / "odoo", folder, folder / "usr/lib/python3/dist-packages/odoo"):
        if series(package) == SERIES:
            script = _script(package.absolute())
            if script:
                return Odoo(package.absolute(), script)
    return None


def _given() -> Odoo | None:
    path = os.environ.get("ODOO_PATH")
    if not path:
        return None
    found = in_tree(Path(path).expanduser())
    if not found:
        raise Problem(
            f"ODOO_PATH={path} is not a usable Odoo {BRANCH} tree.",
            "Expected a checkout with odoo-bin, or an installed tree with bin/odoo.",
        )
    return found


def _importable() -> Odoo | None:
    code = "import importlib.util as u; s = u.find_spec('odoo'); print(*(s and s.submodule_search_locations or []))"
    # Away from the checkout, whose folders must not be taken for packages.
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False
    )
    return next((odoo for p in result.stdout.split() if (odoo := in_tree(Path(p)))), None)


def _from_debian(target: Path) -> None:
    archives = target / "archives"
    for suite, packages in (("sid", _FROM_SID), ("bookworm", _FROM_BOOKWORM)):
        state = apt.State(suite)
        state.update()
        state.download(packages, archives)
    apt.unpack(archives, target)
    build.remove(archives)


def _clone(target: Path) -> None:
    arguments = ["git", "clone", "--depth=1", f"--branch={BRANCH}", REPOSITORY, target]
    run.logged("odoo-clone", arguments)


def _fetch() -> Odoo:
    errors = []
    ways = [
        ("odoo-git", "Odoo 19 from its repository (about 400 MB to download)", _CLONE_MB, _clone)
    ]
    if apt.usable():
        what = "Odoo 19 from Debian's package (about 130 MB to download)"
        ways.insert(0, ("odoo-debian", what, _PACKAGE_MB, _from_debian))
    for name, what, megabytes, make in ways:
        try:
            found = in_tree(build.once(cache() / name, what, megabytes, make))
        except Problem as problem:
            errors.append(str(problem))
            continue
        if found:
            return found
        errors.append(f"{what}: the tree is not Odoo {BRANCH}.")
    raise Problem(
        "Odoo 19 could not be fetched:\n" + "\n".join(errors),
        "Give a checkout of its branch 19.0 with ODOO_PATH=/path/to/odoo.",
    )


def _link_file() -> Path:
    return venv.site_packages() / "finance_connect_odoo.pth"


def _linked() -> Odoo | None:
    """Return the tree that the virtual environment is linked to, for a process that runs inside of it."""
    if not venv.inside() or not _link_file().exists():
        return None
    return in_tree(Path(_link_file().read_text().strip()))


def _link(odoo: Odoo) -> None:
    """Make `import odoo` work in the virtual environment, by a path file replaced in one step."""
    target = _link_file()
    text = f"{odoo.import_path}\n"
    if not target.exists() or target.read_text() != text:
        temporary = target.with_suffix(f".{os.getpid()}")
        temporary.write_text(text)
        temporary.replace(target)


def ensure() -> Odoo:
    """Find or fetch Odoo and link it into the virtual environment."""
    odoo = _given() or _linked() or _importable() or _fetch()
    _link(odoo)
    return odoo
