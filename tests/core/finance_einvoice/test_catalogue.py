"""E2: a failure is told in words; the words are complete and lead somewhere."""

import json
import re
from pathlib import Path

import pytest
from lxml import etree
from odoo.addons.finance_einvoice.core import catalogue
from odoo.addons.finance_einvoice.core.catalogue import explain, is_explained
from odoo.addons.finance_einvoice.core.fields import FIELDS
from odoo.addons.finance_einvoice.core.rule_files import rule_file
from odoo.addons.finance_einvoice.core.validation import STYLESHEETS

ENTRIES = catalogue._entries()
# Taxes of the Canary Islands, Ceuta and Melilla, and of Italy: no invoice of ours has them.
FOREIGN = re.compile(r"BR-(AF|AG|B|IG|IP)-\d+")


def published_rules():
    """The ids of every assertion of the installed rule sets."""
    for name in STYLESHEETS.values():
        tree = etree.parse(str(rule_file(name)))
        for node in tree.iterfind(".//{http://www.w3.org/1999/XSL/Transform}attribute[@name='id']"):
            parent = etree.QName(node.getparent()).localname
            if parent == "failed-assert" and node.text:
                yield node.text


def test_e2_every_published_rule_has_words():
    rules = set(published_rules())
    assert len(rules) > 500
    missing = sorted(rule for rule in rules if not is_explained(rule) and not FOREIGN.match(rule))
    assert missing == []


@pytest.mark.parametrize("rule", sorted(ENTRIES))
def test_e2_words_are_sentences_with_a_field_and_a_hint(rule):
    entry = ENTRIES[rule]
    assert entry.field in FIELDS
    assert entry.message.endswith(".")
    assert entry.hint.endswith(".")
    # Terms of the standard mean nothing to the person who reads this.
    assert not re.search(r"\bB[TG]-\d|XPath|cbc:|cac:|[{}]", entry.message + entry.hint)


def test_every_field_key_is_used():
    used = {entry.field for entry in ENTRIES.values()}
    assert FIELDS - used == set()


def test_the_nearest_entry_wins():
    assert explain("BR-FR-05_BT-22-2", "").field == "invoice.notes.PMD"
    assert explain("BR-FR-09_BT-46", "").field == "buyer.siret"
    assert explain("BR-FR-09_EXT-FR-FE-06", "").field == "parties.identifier"
    assert explain("BR-S-05", "").message != explain("BR-Z-05", "").message


def test_an_unknown_rule_falls_back_to_the_official_text():
    entry = explain("XX-99", "The official words.")
    assert (entry.field, entry.message, entry.hint) == ("document", "The official words.", "")


def test_no_rule_is_explained_twice():
    """A JSON object silently keeps the last of two equal keys."""

    def strict(pairs):
        keys = [key for key, _value in pairs]
        assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    files = sorted(Path(catalogue.__file__).parent.glob("*.json"))
    assert len(files) == 5
    for path in files:
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=strict)
