"""The virtual environment with the project's requirements, one per content of the lock file."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from . import build, console, locks, run
from .errors import Offline, Problem
from .paths import PROJECT, cache, digest

LOCK = PROJECT / "requirements.lock"
# What the lock is made from; the last one includes the others.
INPUTS = (
    "requirements-addons.txt",
    "requirements.txt",
    "requirements-sandbox.txt",
    "requirements-dev.txt",
)
OLDEST, NEWEST = (3, 10), (3, 13)
NEEDED_MB = 1200
# Written last: a folder without it is the rest of an interrupted installation.
MARKER = ".complete"


def key() -> str:
    """Return a key that changes with the locked packages and the Python version."""
    return digest(sys.version_info[:3], LOCK.read_text())


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
    """Return whether this very process runs in the environment."""
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
            console.need_space(cache(), NEEDED_MB, "The virtual environment")
            build.remove(folder())
            with console.step("Python packages", folder()):
                _install()
            marker.touch()
    return python()


def _install() -> None:
    """Install exactly the locked files: a package whose hash is not in the lock is refused."""
    uv = _uv()
    arguments = ["--require-hashes", "-r", LOCK]
    if uv:
        env = _uv_environment()
        run.logged("venv", [uv, "venv", "--python", sys.executable, folder()], env=env)
        run.logged("pip", [uv, "pip", "install", "--python", python(), *arguments], env=env)
    else:
        run.logged("venv", [sys.executable, "-m", "venv", folder()])
        run.logged("pip", [python(), "-m", "pip", "install", *arguments])


def install_beside(target: Path, *requirements: str) -> None:
    """Put packages without their dependencies into a folder, so that the environment stays as it is."""
    uv = _uv()
    arguments = ["--no-deps", "--target", target, *requirements]
    if uv:
        command = [uv, "pip", "install", "--python", python(), *arguments]
        run.logged("pip-beside", command, env=_uv_environment())
    else:
        run.logged("pip-beside", [python(), "-m", "pip", "install", *arguments])


def _locked(name: str) -> str:
    """Return one package of the lock, with its hashes, as a requirements file of its own."""
    match = re.search(rf"^{name}==.*(?:\n    --hash=.*)+\n", LOCK.read_text(), re.MULTILINE)
    if not match:
        raise Problem(f"{name} is not in {LOCK.name}.", "`make lock` renews it.")
    return match[0]


def _uv() -> Path | None:
    """Return the locked version of uv, fetched by pip into the cache; None means plain pip."""
    requirement = _locked("uv")
    target = cache() / f"uv-{digest(requirement)}"
    program = target / "bin" / "uv"
    if not program.exists():
        try:
            build.once(target, "Package installer uv", 100, _fetch_uv)
        except Offline:
            raise
        except Problem:
            console.line("  uv is not available; using pip, which is slower")
            return None
    return program


def _fetch_uv(target: Path) -> None:
    requirements = target / "requirements.txt"
    requirements.write_text(_locked("uv"))
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps"]
    run.logged("uv", [*command, "--target", target, "-r", requirements])


# -- the lock ----------------------------------------------------------------------------------

_COMPILE = (
    "--universal",
    f"--python-version={OLDEST[0]}.{OLDEST[1]}",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    # Where a machine gets its packages from is its own affair, and no line of the project.
    "--no-emit-index-url",
    "--no-emit-find-links",
)
# Locks of the container image: the same versions, but only what the image lacks.
IMAGE_LOCKS = {
    "requirements-addons.lock": ("requirements-addons.txt",),
    "requirements-sandbox.lock": ("requirements-addons.txt", "requirements-sandbox.txt"),
}


def inputs_digest() -> str:
    """Return the digest of the files the lock is made from, which its first line records."""
    return digest(*((PROJECT / name).read_text() for name in INPUTS))


def renew_lock(*, upgrade: bool) -> int:
    """Resolve the requirements again; without `upgrade` only what the inputs force changes."""
    uv = _uv()
    if uv is None:
        raise Problem("The lock is made by uv, which could not be installed.")
    _compile(uv, LOCK, (INPUTS[-1],), ["--upgrade"] if upgrade else [])
    for name, inputs in IMAGE_LOCKS.items():
        _compile(uv, PROJECT / name, inputs, ["--constraints", LOCK])
    return 0


def _compile(
    uv: Path, target: Path, inputs: Sequence[str], arguments: Sequence[str | Path]
) -> None:
    body = target.read_text().split("\n", 1)[1] if target.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        # The present lock as the output file keeps the versions it names.
        output = Path(folder, target.name)
        output.write_text(body)
        command = [uv, "pip", "compile", *_COMPILE, "--output-file", output, *arguments, *inputs]
        run.logged(f"lock-{target.stem}", command, cwd=PROJECT, env=_uv_environment())
        first = f"# Made by `make lock`; do not edit. Inputs: {inputs_digest()}\n"
        target.write_text(first + output.read_text())
    console.line(f"✓ {target.name} written")


def _pip_setting(name: str) -> str:
    """Return a value of the machine's pip configuration, which uv does not read by itself."""
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
