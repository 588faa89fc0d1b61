"""The canonical contract: exact amounts, no unknown fields, a schema that its own messages satisfy."""

import json
from datetime import date
from decimal import Decimal

import jsonschema
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core import contract
from pydantic import ValidationError


def party(name="Buyer", **values):
    return contract.Party(
        **{"id": "1", "name": name, "is_business": True, "address": contract.Address(), **values}
    )


def document(**values):
    return contract.Document(
        **{
            "kind": "invoice",
            "id": "7",
            "tax_date": date(2026, 3, 1),
            "currency": "EUR",
            "company_currency": "EUR",
            "company_id": "1",
            "seller": party("Seller"),
            "buyer": party(),
            "lines": (contract.Line(id="1", quantity="2", unit_price="10.05", net_amount="20.10"),),
            **values,
        }
    )


def test_amounts_are_strings_in_json_and_decimals_in_python():
    value = document().to_json_value()
    assert value["lines"][0]["net_amount"] == "20.10"
    assert contract.Document.model_validate(value).lines[0].net_amount == Decimal("20.10")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_no_amount_changes_on_its_way_through_json(amount):
    line = contract.Line(id="1", quantity="1", unit_price=amount, net_amount=amount)
    back = contract.Line.model_validate_json(line.model_dump_json())
    assert back.unit_price == amount
    assert "E" not in line.to_json_value()["unit_price"]


texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)))


@given(texts, st.dictionaries(texts, texts))
def test_canonical_json_gives_the_bytes_of_the_standard(text, args):
    for message in (document(buyer=party(text)), contract.Statement(code=text, args=args)):
        assert contract.canonical_json(message) == rfc8785.dumps(message.to_json_value())


def test_no_message_has_a_number_whose_form_depends_on_the_encoder():
    # The fast way to canonical bytes is exact for everything but binary floats.
    assert '"type": "number"' not in json.dumps(contract.json_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "euro"},
        {"kind": "letter"},
        {"unknown": 1},
        {"contract_version": "2.0"},
        {"currency_rate": "NaN"},
    ],
)
def test_what_the_contract_does_not_name_is_refused(wrong):
    with pytest.raises(ValidationError):
        document(**wrong)


def test_messages_satisfy_the_published_schema():
    schema = contract.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(contract.canonical_json(document())))
    broken = {**document().to_json_value(), "lines": [{"id": "1"}]}
    assert not validator.is_valid(broken)


def test_t3_the_fingerprint_covers_what_decides_and_nothing_else():
    base = contract.fingerprint(document())
    assert contract.fingerprint(document(number="INV/1", issue_date=date(2026, 3, 2))) == base
    changed = [
        document(tax_date=date(2026, 3, 2)),
        document(currency="USD"),
        document(buyer=party(address=contract.Address(country="DE"))),
        document(buyer=party(identifiers=(contract.Identifier(scheme="vat", value="X1"),))),
        document(lines=()),
    ]
    prints = {contract.fingerprint(item) for item in changed}
    assert base not in prints
    assert len(prints) == len(changed)
