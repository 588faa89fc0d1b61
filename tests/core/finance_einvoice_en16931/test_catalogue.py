"""E2: a rule that is not met is explained; the texts are complete and lead somewhere, in each language."""

import json
import re

import pytest
from lxml import etree
from odoo.addons.finance_einvoice_en16931.core.catalogue import entries_of
from odoo.addons.finance_einvoice_en16931.core.fields import FIELDS
from odoo.addons.finance_einvoice_en16931.core.rule_files import rule_file
from odoo.addons.finance_einvoice_en16931.core.rule_sets import EN16931_UBL, UBL_SCHEMA

RULE_SETS = (UBL_SCHEMA, EN16931_UBL)
LANGUAGES = ("en", "fr", "de", "es", "pl")
# Taxes of the Canary Islands, Ceuta and Melilla, and of Italy: no invoice of ours has them.
FOREIGN = re.compile(r"BR-(AF|AG|B|IG|IP)-\d+")


def folder(rule_set):
    return rule_set.catalogue / rule_set.code / rule_set.version


def published_rules(rule_set):
    """Yield the id of every assertion of an installed rule set."""
    tree = etree.parse(str(rule_file(rule_set.stylesheet)))
    for node in tree.iterfind(".//{http://www.w3.org/1999/XSL/Transform}attribute[@name='id']"):
        parent = etree.QName(node.getparent()).localname
        if parent == "failed-assert" and node.text:
            yield node.text


def check_texts(rule_set, language, fields):
    """Each entry has a known field, and sentences without terms of the standard."""
    entries = entries_of(folder(rule_set), language)
    assert entries
    for rule, entry in entries.items():
        assert entry.field in fields, rule
        assert entry.message.endswith("."), rule
        assert entry.hint.endswith("."), rule
        # Terms of the standard mean nothing to an accountant.
        assert not re.search(r"\bB[TG]-\d|XPath|cbc:|cac:|[{}]", entry.message + entry.hint), rule


def check_languages(rule_set):
    """Each language explains every rule itself: nothing falls back to English unnoticed."""
    raw = {
        language: json.loads((folder(rule_set) / f"{language}.json").read_text(encoding="utf-8"))
        for language in LANGUAGES
    }
    for language, content in raw.items():
        for section, entries in content.items():
            assert set(entries) == set(raw["en"][section]), (language, section)


def strict(pairs):
    """A JSON object silently keeps the last of two equal keys."""
    keys = [key for key, _value in pairs]
    assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
    return dict(pairs)


def test_e2_every_published_rule_is_explained():
    rules = set(published_rules(EN16931_UBL))
    assert len(rules) > 500
    missing = sorted(
        rule for rule in rules if not EN16931_UBL.explain(rule) and not FOREIGN.match(rule)
    )
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule_set", RULE_SETS, ids=lambda item: item.code)
def test_e2_texts_are_sentences_with_a_field_and_a_hint(rule_set, language):
    check_texts(rule_set, language, FIELDS)


@pytest.mark.parametrize("rule_set", RULE_SETS, ids=lambda item: item.code)
def test_each_language_explains_every_rule(rule_set):
    check_languages(rule_set)


def test_every_field_key_is_used():
    used = {entry.field for item in RULE_SETS for entry in entries_of(folder(item), "en").values()}
    assert FIELDS - used == set()


def test_the_nearest_entry_wins():
    assert EN16931_UBL.explain("UBL-SR-16").field == "buyer.identifier"
    assert EN16931_UBL.explain("UBL-SR-99").field == "document"
    assert EN16931_UBL.explain("BR-S-05").message != EN16931_UBL.explain("BR-Z-05").message


def test_a_rule_is_explained_in_the_readers_language_or_else_in_english():
    english, french, other = (EN16931_UBL.explain("BR-02", code) for code in ("en", "fr", "xx"))
    assert english.message != french.message
    assert english.field == french.field
    assert other == english


def test_e16_another_version_of_a_rule_set_is_not_explained_with_these_texts():
    assert EN16931_UBL.explain("BR-02", version="2.0.0") is None
    assert EN16931_UBL.explain("XX-99") is None


def test_no_rule_is_explained_twice():
    files = sorted(path for item in RULE_SETS for path in folder(item).glob("*.json"))
    assert len(files) == len(RULE_SETS) * len(LANGUAGES)
    for path in files:
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=strict)
