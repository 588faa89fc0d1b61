"""The SQL statements of delivery, and the sets of states they take as parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odoo.addons.finance_audit.core.queries import load

from . import states

QUERIES = load(Path(__file__).parents[2] / "sql" / "queries.sql")

_STATES = {
    "claimable": list(states.CLAIMABLE),
    "chain_blocking": list(states.CHAIN_BLOCKING),
    "chain_claimable": list(states.CHAIN_CLAIMABLE),
    "chain_free": list(states.CHAIN_FREE),
    "open": list(states.OPEN),
    "unconfirmed": list(states.UNCONFIRMED),
    "withdrawn": list(states.WITHDRAWN),
    "resumed": list(states.RESUMED),
}


def parameters(**values: Any) -> dict[str, Any]:
    """Return the parameters of a statement, with the sets of states by name."""
    return {**_STATES, **values}
