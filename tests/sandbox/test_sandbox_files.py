"""getFlow gives back the very bytes, whatever they are; the official examples pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flow_client import FlowClient
from flow_contract import SPECIFICATIONS
from flow_samples import facturx, ubl

from sandbox.client import ControlClient
from tools.dev import specifications

UNKNOWN = "00000000-0000-4000-8000-000000000000"
EXAMPLES = sorted((SPECIFICATIONS / "examples").glob("*/*.xml"))
NASTY = bytes(range(256)) + b"\r\n--boundary\r\n\r\n--" + b"\n\r\x00"


def syntax_of(example: Path) -> str:
    if "CDV" in example.name:
        return "CDAR"
    return "UBL" if "UBL" in example.name else "CII"


@pytest.mark.skipif(not EXAMPLES, reason=specifications.missing("AFNOR examples"))
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_official_examples_are_accepted_and_kept_byte_for_byte(
    example: Path, flows: FlowClient, control: ControlClient
) -> None:
    content = example.read_bytes()
    flow_id = flows.created(content, flowSyntax=syntax_of(example), filename=example.name)
    assert flows.acknowledgement(flow_id) == {"status": "Ok"}
    assert flows.get(flow_id, "Original").content == content
    assert control.oracle_bytes("afnor", flow_id) == content


@pytest.mark.skipif(not EXAMPLES, reason=specifications.missing("AFNOR examples"))
def test_official_invoices_are_read_alike_in_both_syntaxes(
    flows: FlowClient, control: ControlClient
) -> None:
    for folder in ("UC1", "UC2", "UC3"):
        control.reset()
        flows.token = None
        for path in sorted((SPECIFICATIONS / "examples" / folder).glob("*INV*.xml")):
            flows.created(path.read_bytes(), flowSyntax=syntax_of(path))
        cii, ubl_one = control.oracle("afnor")
        for name in ("number", "seller", "buyer", "kind", "period"):
            assert cii[name] == ubl_one[name] is not None
        assert (cii["held"], ubl_one["held"]) == (True, False)


@pytest.mark.parametrize("content", [NASTY, b"", facturx(ubl()), b"x" * 300_000])
def test_any_bytes_come_back_unchanged(
    content: bytes, flows: FlowClient, control: ControlClient
) -> None:
    flow_id = flows.created(content, flowSyntax="Factur-X", file_type="application/pdf")
    assert flows.get(flow_id, "Original").content == content
    assert control.oracle_bytes("afnor", flow_id) == content
    assert control.oracle("afnor")[0]["size"] == len(content)


@pytest.mark.parametrize("doc_type", ["Converted", "ReadableView"])
def test_files_the_platform_did_not_make_are_not_found(doc_type: str, flows: FlowClient) -> None:
    assert flows.get(flows.created(), doc_type).status_code == 404


@pytest.mark.parametrize("doc_type", ["metadata", "Original,Converted", "PDF"])
def test_an_unknown_document_type_is_refused(doc_type: str, flows: FlowClient) -> None:
    assert flows.get(flows.created(), doc_type).status_code == 400


def test_metadata_is_what_is_given_without_a_document_type(flows: FlowClient) -> None:
    flow_id = flows.created()
    assert flows.get(flow_id).json() == flows.get(flow_id, "Metadata").json()


def test_unknown_flows_are_not_found_and_impossible_ones_refused(flows: FlowClient) -> None:
    for doc_type in ("Metadata", "Original", "Converted"):
        assert flows.get(UNKNOWN, doc_type).status_code == 404
    assert flows.get("x" * 37).status_code == 400


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("invoice.xml", 'attachment;filename="invoice.xml"'),
        (
            "Façture n°1.xml",
            "attachment;filename=\"Fa_ture n_1.xml\";filename*=UTF-8''Fa%C3%A7ture%20n%C2%B01.xml",
        ),
        (
            'a"b/c\\d\r\nSet-Cookie: x',
            'attachment;filename="a_b_c_d__Set-Cookie: x"'
            ";filename*=UTF-8''a%22b%2Fc%5Cd%0D%0ASet-Cookie%3A%20x",
        ),
    ],
)
def test_the_file_name_is_given_safely(name: str, header: str, flows: FlowClient) -> None:
    response = flows.get(flows.created(name=name), "Original")
    assert response.headers["Content-Disposition"] == header
    assert "Set-Cookie" not in response.headers


def test_without_a_name_the_name_of_the_file_part_is_used(flows: FlowClient) -> None:
    flow_id = flows.created(filename="from the part.xml")
    disposition = flows.get(flow_id, "Original").headers["Content-Disposition"]
    assert re.search('filename="from the part.xml"', disposition)
