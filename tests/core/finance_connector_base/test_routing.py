"""Routes and mappings: most specific first, then the sequence; what cannot be decided is an error."""

from itertools import permutations

import pytest
from odoo.addons.finance_connector_base.core import routing
from odoo.addons.finance_connector_base.core.routing import Ambiguity, Candidate

FACTS = {"document_kind": "invoice", "customer_kind": "business", "country": "DE"}

ANY = Candidate(1, "Any")
GERMAN = Candidate(2, "Germany", criteria={"country": "DE"})
BUSINESS = Candidate(3, "Business", criteria={"customer_kind": "business"})
GERMAN_BUSINESS = Candidate(
    4, "German business", criteria={"country": "DE", "customer_kind": "business"}
)
FRENCH = Candidate(5, "France", criteria={"country": "FR"})


def test_a_route_without_criteria_takes_everything():
    assert routing.choose([ANY], FACTS) is ANY


def test_nothing_is_chosen_where_nothing_matches():
    assert routing.choose([FRENCH], FACTS) is None
    assert routing.choose([], FACTS) is None


def test_a_fact_that_is_unknown_matches_no_criterion():
    assert routing.choose([GERMAN], {**FACTS, "country": ""}) is None
    assert routing.choose([GERMAN], {}) is None


def test_the_most_specific_route_is_chosen_whatever_the_order():
    for listed in permutations([ANY, GERMAN, GERMAN_BUSINESS, FRENCH]):
        assert routing.choose(listed, FACTS) is GERMAN_BUSINESS


def test_specificity_goes_before_the_sequence():
    first = Candidate(9, "First", sequence=0)
    assert routing.choose([first, GERMAN], FACTS) is GERMAN


def test_the_sequence_decides_between_equally_specific_routes():
    later = Candidate(9, "Later", sequence=20, criteria={"country": "DE"})
    assert routing.choose([later, BUSINESS], FACTS) is BUSINESS


def test_equal_routes_are_ambiguous_and_named():
    with pytest.raises(Ambiguity) as caught:
        routing.choose([BUSINESS, GERMAN, ANY], FACTS)
    assert [one.id for one in caught.value.candidates] == [2, 3]


def test_an_ambiguity_below_the_best_match_does_not_matter():
    assert routing.choose([GERMAN, BUSINESS, GERMAN_BUSINESS], FACTS) is GERMAN_BUSINESS


@pytest.mark.parametrize(
    ("candidates", "chosen", "code", "severity"),
    [
        ([GERMAN], GERMAN, routing.TAKEN, "info"),
        ([FRENCH], None, routing.NO_MATCH, "error"),
        ([GERMAN, BUSINESS], None, routing.AMBIGUOUS, "error"),
    ],
)
def test_every_choice_is_explained(candidates, chosen, code, severity):
    choice = routing.route(candidates, FACTS, "finance.route")
    assert choice.candidate is chosen
    assert (choice.finding.code, choice.finding.severity) == (code, severity)
    assert choice.finding.args["country"] == "DE"


def test_the_explanation_names_the_criteria_and_the_place():
    finding = routing.route([GERMAN_BUSINESS], FACTS, "finance.route").finding
    assert finding.args["criteria"] == "country,customer_kind"
    assert (finding.model, finding.record_id) == ("finance.route", 4)


def test_overlaps_are_pairs_of_equal_rank_that_some_document_matches():
    later = Candidate(9, "Later", sequence=20, criteria={"country": "DE"})
    found = routing.overlapping([ANY, GERMAN, BUSINESS, FRENCH, later])
    assert [(one.id, two.id) for one, two in found] == [(2, 3), (3, 5)]


def test_a_mapping_is_taken_from_the_nearest_level():
    assert routing.map_code([(), (FRENCH,), (ANY, GERMAN), (BUSINESS,)], FACTS) is GERMAN
    assert routing.map_code([(FRENCH,), ()], FACTS) is None
    assert isinstance(routing.map_code([(GERMAN, BUSINESS), (ANY,)], FACTS), Ambiguity)
