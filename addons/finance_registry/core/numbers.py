"""VAT numbers: their normal form and the registry that is asked about them."""

from __future__ import annotations

import re

#: Prefixes VIES is asked about: the member states (Greece is EL) and Northern Ireland. The sandbox has
#: a list of its own on purpose: a simulation that shared it could not show that it is wrong.
VIES_STATES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "EL",
        "ES",
        "FI",
        "FR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "XI",
    ]
)
_NOISE = re.compile(r"[\s.\-/]")
_PREFIX = re.compile(r"[A-Z]{2}")
_BODY = re.compile(r"[0-9A-Z+*.]{2,12}")


def normalised(vat: str | None, country: str = "") -> str:
    """Return a VAT number with its prefix, without spaces and signs; empty where it is none.

    ``country`` is the partner's ISO code, used where the number has no prefix.
    """
    text = _NOISE.sub("", vat or "").upper()
    if not text:
        return ""
    if not _PREFIX.match(text):
        text = f"{country.upper()}{text}"
    if text.startswith("GR"):
        text = f"EL{text[2:]}"
    return text if _PREFIX.match(text) and _BODY.fullmatch(text[2:]) else ""


def registry_of(number: str) -> str:
    """Return the registry to ask about a normalised number, empty where there is none."""
    if number[:2] in VIES_STATES:
        return "vies"
    return "hmrc" if number[:2] == "GB" else ""
