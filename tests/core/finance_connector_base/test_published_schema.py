"""The schema in `docs/` is the one the code has."""

import json
from pathlib import Path

from odoo.addons.finance_connector_base.core import contract

PUBLISHED = Path(__file__).parents[3] / "docs/contract/finance-contract-1.0.json"


def test_the_published_schema_is_current():
    assert json.loads(PUBLISHED.read_text()) == contract.json_schema(), (
        f"publish it again: write contract.json_schema() to {PUBLISHED.name}"
    )


def test_the_version_is_in_the_name():
    assert contract.CONTRACT_VERSION in PUBLISHED.name
