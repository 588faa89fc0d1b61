"""Reads findings as they are stored, whichever release stored them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from odoo.addons.finance_connector_base.core.finding import Finding


def finding(values: Mapping[str, Any], source: str = "") -> Finding:
    """Return one stored finding.

    ``source`` names the catalogue in which the code of a provider's reason is explained; what is explained there is
    shown in the reader's language, anything else in the words of the provider.
    """
    found = Finding.from_json(values)
    return replace(found, args={**found.args, "source": source}) if source else found


def to_json(reasons: Iterable[Mapping[str, Any]] | None, source: str) -> list[dict[str, Any]]:
    """Return a provider's reasons as they are stored on an e-invoice and its version."""
    return [finding(values, source).to_json() for values in reasons or ()]
