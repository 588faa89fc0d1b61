"""The VAT territory of the European Union and VAT identification numbers (syntax only).

Territory: articles 5 to 8 of directive 2006/112/EC and, for Northern Ireland, the protocol of the
withdrawal agreement (goods only, prefix XI). Number formats: the Commission's VIES "Frequently
asked questions", Q11. A plausible number is not a valid one: validity is a registry's answer and not
checked here.
"""

from __future__ import annotations

import re

from odoo.addons.finance_connector_base.core.contract import Address, Party

MEMBER_STATES = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
NORTHERN_IRELAND = "XI"
#: Treated as part of a member state (article 7).
PART_OF = {"MC": "FR"}
#: Postal codes of areas outside the VAT territory (article 6).
OUTSIDE_TERRITORY: dict[str, tuple[str, ...]] = {
    "DE": ("27498", "78266"),
    "ES": ("35", "38", "51", "52"),
    "FI": ("22",),
    "FR": ("971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"),
    "GR": ("63086",),
    "IT": ("23041",),
}
#: Prefix of the VAT number where it is not the country code.
VAT_PREFIX = {"GR": "EL"}
_VAT_FORMATS: dict[str, str] = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z0-9]\d{7}[A-Z0-9]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d[A-Z0-9+*]\d{5}[A-W][A-I]?",
    "IT": r"\d{11}",
    "LT": r"(\d{9}|\d{12})",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{10}\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{10}01",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"(\d{9}|\d{12}|GD\d{3}|HA\d{3})",
}


def state_of(address: Address, *, goods: bool) -> str | None:
    """Return the member state whose VAT territory ``address`` lies in, or None outside the territory."""
    country = PART_OF.get(address.country or "", address.country or "")
    postal_code = address.postal_code.replace(" ", "").upper()
    if country == "GB" and postal_code.startswith("BT"):
        country = NORTHERN_IRELAND
    if country == NORTHERN_IRELAND:
        return country if goods else None
    if country not in MEMBER_STATES or in_excluded_area(address):
        return None
    return country


def in_excluded_area(address: Address) -> bool:
    """Return whether ``address`` is in a part of a member state to which the directive does not apply."""
    prefixes = OUTSIDE_TERRITORY.get(address.country or "", ())
    return bool(prefixes) and address.postal_code.replace(" ", "").startswith(prefixes)


def vat_state(number: str | None) -> str | None:
    """Return the state that issued a syntactically plausible VAT number, or None."""
    compact = re.sub(r"[\s.\-/]", "", number or "").upper()
    prefix, rest = compact[:2], compact[2:]
    pattern = _VAT_FORMATS.get(prefix)
    if not pattern or not re.fullmatch(pattern, rest):
        return None
    return next((state for state, own in VAT_PREFIX.items() if own == prefix), prefix)


def buyer_vat_state(buyer: Party) -> str | None:
    """Return the state that issued the buyer's VAT number, if the number is plausible."""
    return vat_state(buyer.identifier("vat"))
