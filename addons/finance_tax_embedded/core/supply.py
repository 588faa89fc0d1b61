"""Where a supply takes place, as values: the jurisdictions that may tax it, or why none does."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from odoo.addons.finance_connector_base.core import contract

from .facts import Jurisdiction, RuleBook


@dataclass(frozen=True, slots=True)
class Situation:
    """One kind of supply on a document: what the place of supply depends on."""

    book: RuleBook
    supply: Literal["goods", "services", "digital"]
    date: dt.date
    seller: contract.Party
    buyer: contract.Party
    ship_from: contract.Address
    ship_to: contract.Address

    @property
    def customer(self) -> Literal["business", "consumer"]:
        """Return the kind of customer, as rules name it."""
        return "business" if self.buyer.is_business else "consumer"

    @property
    def is_goods(self) -> bool:
        """Return whether the supply follows the transport; everything else follows the parties."""
        return self.supply == "goods"


@dataclass(frozen=True, slots=True)
class Verdict:
    """No taxation here, decided by the place of supply itself and not by a rate rule; with the
    reason (T7). ``rule`` is a code whose name and reason are rendered in the reader's language.
    """

    category: Literal["AE", "K", "G", "O"]
    reason: str
    reason_code: str
    legal_reference: str
    rule: str


@dataclass(frozen=True, slots=True)
class PlaceOfSupply:
    """``path``: the jurisdictions concerned, country first. ``verdict``: set if the place alone
    decides.
    """

    path: tuple[Jurisdiction, ...]
    why: tuple[contract.Statement, ...]
    verdict: Verdict | None = None


def because(code: str, **arguments: object) -> contract.Statement:
    """Return one reason for a place of supply, as a code and arguments."""
    args = {name: str(value) for name, value in arguments.items()}
    return contract.Statement(code=f"place.{code}", args=args)
