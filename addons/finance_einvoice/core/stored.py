"""Reads findings as they are stored, whichever release stored them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from odoo.addons.finance_connector_base.core.finding import ERROR, WARNING, Finding


def finding(values: Mapping[str, Any], source: str = "") -> Finding:
    """Return one stored finding.

    A provider's reason has ``message``, ``hint`` and ``level`` in the words of the provider. ``source`` names the
    catalogue in which its code is explained; what is explained there is shown in the reader's language.
    """
    if "message" not in values:
        return Finding.from_json(values)
    words = {"text": values["message"], "hint": values.get("hint"), "source": source}
    return Finding(
        code=values["code"],
        severity=WARNING if values.get("level") == "warning" else ERROR,
        args={key: text for key, text in words.items() if text},
        item=values.get("item") or "",
    )


def to_json(reasons: Iterable[Mapping[str, Any]] | None, source: str) -> list[dict[str, Any]]:
    """Return a provider's reasons as they are stored on an e-invoice and its version."""
    return [finding(values, source).to_json() for values in reasons or ()]
