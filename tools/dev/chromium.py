"""A Chromium for browser tests and screenshots: the machine's own, or Debian's unpacked into the cache.

The unpacked one runs through a small script that points it to the shared libraries and fonts unpacked with it.
"""

import os
import platform
import shutil
from pathlib import Path

from . import apt, build
from .errors import Problem
from .paths import cache

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGES = ("chromium", "fontconfig", "fonts-dejavu-core")
_NEEDED_MB = 1200
# Keep it from calling home, which tests must not wait for.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_HINT = "Install Chromium, or set CHROMIUM_PATH to its program; only browser tests need it."

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{prefix}/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
  <include ignore_missing="yes">/etc/fonts/conf.d</include>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
  <alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""

_SCRIPT = """#!/bin/sh
# Starts the Chromium unpacked beside this script with the libraries and fonts unpacked with it.
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="{libraries}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/usr/lib/chromium/chromium" "$@"
"""


def installed() -> Path | None:
    """Return the machine's own Chromium; CHROMIUM_PATH wins."""
    given = os.environ.get("CHROMIUM_PATH")
    if given:
        if not os.access(given, os.X_OK):
            raise Problem(f"CHROMIUM_PATH={given} is not a program.")
        return Path(given)
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


def library_folders(prefix: Path) -> list[Path]:
    """Folders below the prefix that hold shared libraries."""
    triplet = f"{platform.machine()}-linux-gnu"
    roots = [prefix / "usr/lib" / triplet, prefix / "lib" / triplet]
    nested = [path.parent for root in roots for path in root.glob("*/*.so*")]
    return [*roots, prefix / "usr/lib/chromium", *sorted(set(nested))]


def _make(target: Path) -> None:
    state = apt.State()
    state.update()
    archives = target / "archives"
    state.download_missing(_PACKAGES, archives)
    apt.unpack(archives, target)
    build.remove(archives)
    final = cache() / "chromium"
    fonts = _FONTS.format(prefix=final, cache=cache() / "fontconfig")
    (target / "fonts.conf").write_text(fonts)
    folders = [f"$here/{path.relative_to(target)}" for path in library_folders(target)]
    script = target / "chromium"
    script.write_text(_SCRIPT.format(libraries=":".join(folders)))
    script.chmod(0o755)


def ensure() -> Path:
    """Return the program to start, installed now when there is none."""
    found = installed()
    if found:
        return found
    if not apt.usable():
        raise Problem("No Chromium was found on this machine.", _HINT)
    try:
        what = "Chromium from Debian's packages (about 100 MB to download)"
        folder = build.once(cache() / "chromium", what, _NEEDED_MB, _make)
    except Problem as problem:
        raise Problem(str(problem), _HINT) from problem
    return folder / "chromium"
