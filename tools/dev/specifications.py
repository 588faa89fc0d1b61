"""The providers' own specifications and official test vectors, which are not part of the project.

They are expected beside the checkout, in `../shared/specs`, or where FINANCE_SPECS points. A test that needs one skips
when it is absent; the reason is always `missing(…)`, so that the summary of a run counts these skips.
"""

import os
from pathlib import Path

from .junit import SPECIFICATION
from .paths import PROJECT

FOLDER = Path(os.environ.get("FINANCE_SPECS") or PROJECT.parent / "shared" / "specs")


def missing(what: str) -> str:
    """Return the reason for skipping a test that needs a specification."""
    return f"{SPECIFICATION} not available: {what} (expected in {FOLDER})"
