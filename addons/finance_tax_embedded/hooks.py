"""Loading the shipped rule book once, at installation."""

from pathlib import Path

from odoo.tools import convert_file

MODULE = "finance_tax_embedded"
#: In this order: what later files refer to comes first.
RULE_BOOK = (
    "finance.tax.category.csv",
    "finance.tax.jurisdiction.csv",
    "finance.tax.rule-eu.csv",
    "finance.tax.rule-eu-categories.csv",
    "finance.tax.rule-us.csv",
)


def load_rule_book(env):
    """Create the shipped jurisdictions, categories and rules, unless they were loaded before.

    Later upgrades load nothing but translations: rates an administrator changed, rules that were ended and rules that
    were deleted stay as they are. A new edition of the rule book comes with a migration script that
    creates what is new and ends what is superseded.
    """
    loaded = env["ir.model.data"].search_count(
        [("module", "=", MODULE), ("model", "=", "finance.tax.jurisdiction")], limit=1
    )
    if loaded:
        return
    for name in RULE_BOOK:
        path = Path("data", name).as_posix()
        convert_file(env, MODULE, path, {}, mode="init", noupdate=True)
