"""The virtual environment with the project's requirements, one per content of the requirements files."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import build, locks, run, say
from .errors import Offline, Problem
from .paths import PROJECT, cache, digest

FILES = ("requirements-addons.txt", "requirements.txt", "requirements-dev.txt")
OLDEST, NEWEST = (3, 10), (3, 13)
NEEDED_MB = 1200
# Written last: a folder without it is the rest of an interrupted installation.
MARKER = ".complete"


def key() -> str:
    """Changes with the requirements and the Python version."""
    texts = [(PROJECT / name).read_text() for name in FILES]
    return digest(sys.version_info[:3], *texts)


def folder() -> Path:
    """Where the environment is, or will be. It cannot be moved, since scripts name its path."""
    return cache() / "venv" / key()


def python() -> Path:
    """Its interpreter."""
    return folder() / "bin" / "python"


def site_packages() -> Path:
    """Its library folder."""
    return folder() / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"


def inside() -> bool:
    """True when this very process runs in the environment."""
    return Path(sys.prefix) == folder()


def ensure() -> Path:
    """Build the environment unless complete; returns its interpreter."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise Problem(
            f"Odoo 19 needs Python 3.10 to 3.13; this is {sys.version.split()[0]}.",
            "Run the command with another interpreter, e.g. python3.12 -m tools.dev …",
        )
    marker = folder() / MARKER
    if marker.exists():
        return python()
    with locks.exclusive(folder().parent / f".{key()}.lock", "Python packages"):
        if not marker.exists():
            say.need_space(cache(), NEEDED_MB, "The virtual environment")
            build.remove(folder())
            with say.step("Python packages", folder()):
                _install()
            marker.touch()
    return python()


def _install() -> None:
    uv = _uv()
    requirements = PROJECT / FILES[-1]
    if uv:
        env = _uv_environment()
        run.logged("venv", [uv, "venv", "--python", sys.executable, folder()], env=env)
        command = [uv, "pip", "install", "--python", python(), "-r", requirements]
        run.logged("pip", command, env=env)
    else:
        run.logged("venv", [sys.executable, "-m", "venv", folder()])
        run.logged("pip", [python(), "-m", "pip", "install", "-r", requirements])


def install_beside(target: Path, *requirements: str) -> None:
    """Put packages without their dependencies into a folder, so that the environment stays as it is."""
    uv = _uv()
    words = ["--no-deps", "--target", target, *requirements]
    if uv:
        command = [uv, "pip", "install", "--python", python(), *words]
        run.logged("pip-beside", command, env=_uv_environment())
    else:
        run.logged("pip-beside", [python(), "-m", "pip", "install", *words])


def _uv() -> Path | None:
    """The uv installer: on PATH, or fetched by pip into the cache; None means plain pip."""
    found = shutil.which("uv")
    if found:
        return Path(found)
    target = cache() / "uv"
    program = target / "bin" / "uv"
    if not program.exists():
        try:
            build.once(target, "Package installer uv", 100, _fetch_uv)
        except Offline:
            raise
        except Problem:
            say.line("  uv is not to be had; using pip, which is slower")
            return None
    return program


def _fetch_uv(target: Path) -> None:
    run.logged("uv", [sys.executable, "-m", "pip", "install", "--target", target, "uv"])


def _pip_setting(name: str) -> str:
    """A value of the machine's pip configuration, which uv does not read by itself."""
    command = [sys.executable, "-m", "pip", "config", "get", name]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def _uv_environment() -> dict[str, str]:
    """Hand the machine's package index and certificates on to uv."""
    settings = {
        "UV_DEFAULT_INDEX": os.environ.get("PIP_INDEX_URL") or _pip_setting("global.index-url"),
        "SSL_CERT_FILE": os.environ.get("PIP_CERT") or _pip_setting("global.cert"),
        "UV_LINK_MODE": "copy",
    }
    cleared = {"VIRTUAL_ENV": ""}
    return cleared | {
        name: value for name, value in settings.items() if value and not os.environ.get(name)
    }
