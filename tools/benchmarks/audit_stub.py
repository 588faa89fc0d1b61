"""Makes the audit addon's plain Python importable without Odoo: its sealing needs PostgreSQL only."""

import sys
from pathlib import Path
from types import ModuleType

ADDON = Path(__file__).parents[2] / "addons" / "finance_audit"


def stub():
    """Put empty packages where Odoo would be, unless Odoo is there."""
    for name, path in (
        ("odoo", []),
        ("odoo.addons", []),
        ("odoo.addons.finance_audit", [str(ADDON)]),
        ("odoo.exceptions", []),
    ):
        if name not in sys.modules:
            module = sys.modules[name] = ModuleType(name)
            module.__path__ = path
