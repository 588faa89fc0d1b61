"""The sample invoices: what is sold to whom, and what is expected to become of it.

``tax`` is the tax in document currency, worked out by hand; ``state`` is where the e-invoice must end (None: the
company has no e-invoicing regime).
"""

from dataclasses import dataclass, field
from decimal import Decimal

from .companies import DE, FR, US


@dataclass(frozen=True)
class Sale:
    """One invoice. ``lines`` are (product code, quantity, unit price)."""

    key: str
    company: str
    customer: str
    lines: tuple[tuple[str, float, float], ...]
    tax: Decimal
    description: str
    state: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Credit:
    """A full credit note of the sale with this key."""

    key: str
    of: str
    tax: Decimal
    description: str
    state: str | None = None
    company: str = field(default=FR)


SALES = (
    Sale(
        "fr-mixed",
        FR,
        "librairie",
        (("SHELF", 2, 240.0), ("BOOK", 10, 39.0)),
        Decimal("117.45"),
        "Goods at 20 % and books at 5.5 %",
        "filed",
    ),
    Sale(
        "fr-services",
        FR,
        "hotel",
        (("SETUP", 8, 75.0), ("SHELF", 1, 240.0)),
        Decimal("168.00"),
        "Services and goods at 20 %",
        "filed",
    ),
    Sale(
        "fr-lost-answer",
        FR,
        "ateliers",
        (("SHELF", 3, 240.0),),
        Decimal("144.00"),
        "The platform's answer is lost on the way",
        "filed",
    ),
    Sale(
        "fr-rejected",
        FR,
        "ateliers",
        (("SHELF", 1, 240.0), ("SETUP", 2, 75.0)),
        Decimal("78.00"),
        "The platform rejects it with reasons",
        "rejected",
    ),
    Sale(
        "fr-intra-goods",
        FR,
        "buchhaus",
        (("BOOK", 40, 35.0),),
        Decimal("0.00"),
        "Goods to a business in Germany: intra-Community supply",
        "filed",
    ),
    Sale(
        "fr-reverse-charge",
        FR,
        "buchhaus",
        (("SETUP", 6, 80.0),),
        Decimal("0.00"),
        "Services to a business in Germany: reverse charge",
        "filed",
    ),
    Sale(
        "fr-export",
        FR,
        "lakeside",
        (("SHELF", 12, 300.0),),
        Decimal("0.00"),
        "Goods to the United States in US dollars: export",
        "filed",
        "USD",
    ),
    Sale(
        "de-domestic",
        DE,
        "buchhaus",
        (("SHELF", 4, 250.0), ("BOOK", 5, 39.0)),
        Decimal("203.65"),
        "Germany: 19 % and 7 %",
    ),
    Sale(
        "de-intra-goods",
        DE,
        "librairie",
        (("SHELF", 2, 250.0),),
        Decimal("0.00"),
        "Germany to a business in France: intra-Community supply",
    ),
    Sale(
        "us-nexus",
        US,
        "lakeside",
        (("SHELF", 4, 280.0), ("BOOK", 2, 42.0)),
        Decimal("75.25"),
        "Texas, where the company has nexus: 6.25 % state tax",
    ),
    Sale(
        "us-no-nexus",
        US,
        "cascade",
        (("SHELF", 4, 280.0),),
        Decimal("0.00"),
        "Oregon: no nexus, nothing due",
    ),
)

CREDITS = (
    Credit(
        "fr-credit",
        "fr-services",
        Decimal("168.00"),
        "Credit note of a filed invoice",
        "filed",
    ),
    Credit("de-credit", "de-domestic", Decimal("203.65"), "Credit note, Germany", None, DE),
)
