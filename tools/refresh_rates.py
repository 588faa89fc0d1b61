"""Bring ``data/finance.tax.rule-eu.csv`` up to date with the package ``eu-vat-rates-data`` (MIT).

The package repeats the European Commission's TEDB for the 27 member states. A rate that changed
ends on the day before ``--as-of`` and a new row starts; nothing is overwritten, so past dates keep
their answers. The day a rate came into force is not in the package: correct ``valid_from`` by hand
if it was earlier or later.

python3 tools/refresh_rates.py --as-of 2027-01-01
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

DATA = Path(__file__).parents[1] / "addons/finance_tax_embedded/data/finance.tax.rule-eu.csv"
COLUMNS = (
    *("id", "name", "jurisdiction_id/id", "category_id/id", "treatment", "rate"),
    *("valid_from", "valid_to", "source"),
)
#: Reduced rates of the main territory where the package mixes in islands or special schemes.
MAINLAND: dict[str, dict[str, list[str]]] = {
    "AT": {"reduced": ["13", "10"], "super_reduced": ["4.9"]},
    "FR": {"reduced": ["10", "5.5"], "super_reduced": ["2.1"]},
    "GR": {"reduced": ["13", "6"], "super_reduced": [], "parking": []},
    "LU": {"reduced": ["8"], "super_reduced": ["3"], "parking": ["14"]},
    "PL": {"reduced": ["8", "5"], "super_reduced": []},
    "PT": {"reduced": ["13", "6"], "super_reduced": [], "parking": []},
}
#: Tax categories of this addon, by the package's word; a second reduced rate is the lower one.
CATEGORIES = {
    "standard": [""],
    "reduced": ["reduced", "reduced_low"],
    "super_reduced": ["super_reduced"],
    "parking": ["parking"],
}
#: Words of a category in the name of its rules, where they differ from its code.
LABELS = {"reduced_low": "lower reduced", "super_reduced": "super-reduced"}


def current_rates(rates: dict[str, dict], country: str) -> dict[str, str]:
    """Tax category code ('' for the general rule) → rate of one member state."""
    entry = rates[country]
    found = {}
    for word, codes in CATEGORIES.items():
        values = MAINLAND.get(country, {}).get(word)
        if values is None:
            raw = entry[word] if isinstance(entry[word], list) else [entry[word]]
            values = [plain(value) for value in sorted(filter(None, raw), reverse=True)]
        found.update(zip(codes, values, strict=False))
    return found


def plain(rate: object) -> str:
    """``20.0`` → ``20``, ``5.5`` → ``5.5``."""
    text = format(Decimal(str(rate)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def row(
    country: str, name: str, category: str, rate: str, since: dt.date, source: str
) -> dict[str, str]:
    """One general or reduced rate as a data row."""
    label = LABELS.get(category) or category or "standard"
    return {
        "id": f"rule_{country.lower()}_{category or 'standard'}_{since:%Y%m%d}",
        "name": f"{name}: {label} rate",
        "jurisdiction_id/id": f"jurisdiction_{country.lower()}",
        "category_id/id": f"category_{category}" if category else "",
        "treatment": "taxable",
        "rate": rate,
        "valid_from": since.isoformat(),
        "valid_to": "",
        "source": source,
    }


def refresh(
    rows: list[dict[str, str]], rates: dict[str, dict], as_of: dt.date, source: str
) -> list[str]:
    """Change ``rows`` in place; returns what changed, for people."""
    changes = []
    for country in sorted(code for code, entry in rates.items() if entry["eu_member"]):
        wanted = current_rates(rates, country)
        for category, rate in wanted.items():
            changes += _bring_to(
                rows, row(country, rates[country]["country"], category, rate, as_of, source), as_of
            )
    return changes


def _bring_to(rows: list[dict[str, str]], new: dict[str, str], as_of: dt.date) -> list[str]:
    """End the open row of the same jurisdiction and category if it differs, and add ``new``."""
    keys = ("jurisdiction_id/id", "category_id/id")
    current = [r for r in rows if not r["valid_to"] and all(r[k] == new[k] for k in keys)]
    if any(r["rate"] == new["rate"] for r in current):
        return []
    for old in current:
        old["valid_to"] = (as_of - dt.timedelta(days=1)).isoformat()
    rows.append(new)
    return [f"{new['name']}: {', '.join(r['rate'] for r in current) or 'none'} -> {new['rate']}"]


def main() -> None:
    """Read the package and the data file, write the data file, tell what changed."""
    from eu_vat_rates_data import data_version, dataset

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--as-of", type=dt.date.fromisoformat, default=dt.datetime.now(dt.timezone.utc).date()
    )
    as_of = parser.parse_args().as_of
    rows = list(csv.DictReader(DATA.open(encoding="utf-8"))) if DATA.exists() else []
    changes = refresh(rows, dataset["rates"], as_of, f"eu-vat-rates-data {data_version} (TEDB)")
    rows.sort(key=lambda item: item["id"])
    with DATA.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print("\n".join(changes) or "Nothing changed.")


if __name__ == "__main__":
    main()
