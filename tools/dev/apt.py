"""Unpacks Debian packages into a private folder, without root and without touching the machine's own packages.

A private apt state (lists, cache, source list) is derived from the machine's configured mirror, so proxies,
keys and mirrors set up by its administrator are used; see apt.conf(5).
"""

import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from . import apt_sources, run
from .errors import Problem
from .paths import cache

_TOOLS = ("apt-get", "dpkg")
_DPKG_STATUS = Path("/var/lib/dpkg/status")


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def usable() -> bool:
    """True on a Debian machine with a configured mirror."""
    return _os_release().get("ID") == "debian" and all(shutil.which(tool) for tool in _TOOLS)


def _sources(suite: str) -> list[str]:
    """Source lines for one suite of the machine's mirror; "" is the machine's own release."""
    codename = _os_release().get("VERSION_CODENAME", "")
    sources = apt_sources.configured()
    mirror = apt_sources.debian_mirror(sources, codename)
    if mirror is None:
        raise Problem("No Debian mirror is configured on this machine (see /etc/apt).")
    if suite in ("", codename):
        return apt_sources.debian_lines(sources, codename)
    return [mirror.line(suite)]


class State:
    """A private apt state for one suite."""

    def __init__(self, suite: str = "") -> None:
        self.name = suite or "own"
        self.folder = cache() / "apt" / self.name
        self._lines = _sources(suite)

    def _options(self) -> list[str]:
        settings = {
            "Dir::State": self.folder / "state",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::SourceList": self.folder / "sources.list",
            "Dir::Etc::SourceParts": self.folder / "none",
            "Dir::Etc::PreferencesParts": self.folder / "none",
            "Debug::NoLocking": "1",
            # The cache is the person's own; apt's download user could not write there.
            "APT::Sandbox::User": "",
            "Acquire::Retries": "2",
        }
        return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]

    def _get(self, log: str, *arguments: str, cwd: Path | None = None) -> str:
        command = ["apt-get", *self._options(), "--yes", *arguments]
        return run.logged(f"apt-{self.name}-{log}", command, cwd=cwd, env={"LC_ALL": "C"})

    def update(self) -> None:
        """Fetch the package lists."""
        for folder in ("state/lists/partial", "cache/archives/partial", "none"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        (self.folder / "sources.list").write_text("\n".join(self._lines) + "\n")
        shutil.copyfile(_DPKG_STATUS, self.folder / "status")
        self._get("update", "update")

    def download(self, packages: Sequence[str], target: Path) -> None:
        """Download just these packages."""
        target.mkdir(parents=True, exist_ok=True)
        self._get("download", "download", *packages, cwd=target)

    def download_missing(self, packages: Sequence[str], target: Path) -> None:
        """Download packages with everything they depend on that the machine does not have."""
        target.mkdir(parents=True, exist_ok=True)
        arguments = ("-o", f"Dir::Cache::archives={target}", "--no-install-recommends")
        (target / "partial").mkdir(exist_ok=True)
        self._get("install", *arguments, "install", "--download-only", *packages)


def unpack(archives: Path, prefix: Path) -> None:
    """Unpack every package of a folder below the prefix."""
    prefix.mkdir(parents=True, exist_ok=True)
    for archive in sorted(archives.glob("*.deb")):
        run.logged("dpkg", ["dpkg", "-x", archive, prefix])
