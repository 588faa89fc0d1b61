"""The sandbox takes exactly what the provider's schemas take: random messages, both judges."""

from __future__ import annotations

from typing import Any

from flow_contract import Contract
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.checks import object_problems
from sandbox.providers.afnor import CRITERIA, FLOW_INFO, RULES, SEARCH, SYNTAXES, TYPES

JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=40), st.lists(st.text(max_size=3))
)
MOMENTS = st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.123456789+02:00",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-01-01 00:00:00Z",
        "yesterday",
    ]
)


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly a plausible value, now and then anything."""
    return st.one_of(strategy, strategy, strategy, JUNK)


def several(values: tuple[str, ...]) -> st.SearchStrategy[Any]:
    return sometimes(st.lists(sometimes(st.sampled_from(values)), max_size=3))


INFOS = st.fixed_dictionaries(
    {},
    optional={
        "trackingId": sometimes(st.text(max_size=40)),
        "name": sometimes(st.text(max_size=260)),
        "processingRule": sometimes(st.sampled_from(RULES)),
        "flowSyntax": sometimes(st.sampled_from(SYNTAXES)),
        "flowProfile": sometimes(st.sampled_from(("Basic", "CIUS", "Extended-CTC-FR", "basic"))),
        "sha256": sometimes(st.text("0123456789abcdefg", min_size=63, max_size=65)),
        "unheardOf": JUNK,
    },
)
SEARCHES = st.fixed_dictionaries(
    {},
    optional={
        "limit": sometimes(st.integers(1, 110)),
        "where": sometimes(
            st.fixed_dictionaries(
                {},
                optional={
                    "updatedAfter": sometimes(MOMENTS),
                    "updatedBefore": sometimes(MOMENTS),
                    "processingRule": several(RULES),
                    "flowType": several(TYPES),
                    "flowDirection": several(("In", "Out", "in")),
                    "trackingId": sometimes(st.text(max_size=40)),
                    "ackStatus": sometimes(st.sampled_from(("Pending", "Ok", "Error", "ok"))),
                },
            )
        ),
    },
)


def test_flow_info_is_judged_as_the_schema_judges_it(contract: Contract) -> None:
    @given(INFOS)
    @settings(max_examples=500, deadline=None)
    def agree(info: dict[str, Any]) -> None:
        assert bool(object_problems(info, FLOW_INFO)) == bool(contract.errors("FlowInfo", info))

    agree()


def test_search_is_judged_as_the_schema_judges_it(contract: Contract) -> None:
    @given(SEARCHES)
    @settings(max_examples=500, deadline=None)
    def agree(body: dict[str, Any]) -> None:
        ours, theirs = object_problems(body, SEARCH), contract.errors("SearchFlowParams", body)
        limit = body.get("limit", 1)
        if isinstance(limit, int) and limit < 1:
            return  # the schema has no minimum, but no search can return fewer than one
        assert bool(ours) == bool(theirs), (ours, theirs)

    agree()


def test_the_tables_know_every_field_of_the_schemas(contract: Contract) -> None:
    schemas = contract.document["components"]["schemas"]
    assert set(FLOW_INFO) == set(schemas["FlowInfo"]["properties"])
    assert set(CRITERIA) == set(schemas["SearchFlowFilters"]["properties"])
    assert set(TYPES) == set(schemas["FlowType"]["enum"])
