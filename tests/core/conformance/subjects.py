"""The adapters that are examined, each with the sandbox of its provider."""

import base64
import itertools
import json
from pathlib import Path

from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.protocol import (
    Batch,
    Call,
    ClientCredentials,
    Operation,
)
from odoo.addons.finance_connector_base.tests.conformance import Subject
from odoo.addons.finance_connector_reference.core import reference_rest as rest
from odoo.addons.finance_einvoice_afnor.core.flow_feed import FEED
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService
from odoo.addons.finance_registry.core import hmrc, vies

API_KEY = "reference-key"
_numbers = itertools.count(1)

REFERENCE_OPERATIONS = (
    Operation(rest.DOCUMENT, "key", verdict="immediate"),
    Operation(rest.FILING, "lookup"),
    Operation(rest.NOTICE, "nothing", verdict="immediate"),
    Operation(rest.SECRET_FILING, "lookup", receipt=True),
    Operation(rest.CERTIFIED, "lookup", receipt=True),
    Operation(rest.BATCH_ITEM, "lookup", batch=Batch(1000)),
)
AFNOR_OPERATIONS = (Operation("submit_invoice", "lookup", verdict="poll"),)


def transport():
    return Transport("sandbox", NetworkPolicy(sandbox=True))


def reference_call(operation):
    number = f"C-{next(_numbers)}"
    content = json.dumps({"number": number}).encode()
    return Call(operation, number, content, {"number": number})


def reference_subject(control, protocol=None, operations=REFERENCE_OPERATIONS, **more):
    """Return the reference provider as an account that signs in by challenge."""
    url = f"{control.url}/reference"

    def documents(call):
        return control.oracle("reference", number=call.parameters["number"])

    def revoke():
        control.expire_tokens("reference")
        control.advance(7200)

    def fill(feed):
        if feed == rest.DOCUMENTS:
            for number in range(5):
                content = base64.b64encode(b"content %d" % number).decode()
                control.issue(
                    "reference", kind="invoice", number=f"IN-{next(_numbers)}", content=content
                )
            return {item["reference"] for item in control.issued("reference")}
        found = control.oracle("reference")
        return {
            f"{item['reference']}:{item['state']}" for item in found if item["state"] != "pending"
        }

    def restore():
        control.clear_faults()
        control.clear_verdicts()

    values = {
        "protocol": protocol or (lambda: rest.ReferenceRest(url, API_KEY, account="reference")),
        "transport": transport,
        "operations": operations,
        "call": reference_call,
        "effects": lambda call: sum(item["times_received"] for item in documents(call)),
        "reference": lambda call: next((item["reference"] for item in documents(call)), ""),
        "secrets": (API_KEY,),
        "other": lambda call: Call(
            call.operation, call.key, call.payload + b" ", call.parameters, call.reference, call.correlation_id,
            call.resources,
        ),
        "revoke": revoke,
        "omit": lambda keys: control.fault(
            "items_missing", provider="reference", operation="sendBatch", items=list(keys)
        ),
        "reject": lambda call: control.verdict("reject", number=call.key),
        "fill": {
            rest.STATUSES: lambda: fill(rest.STATUSES),
            rest.DOCUMENTS: lambda: fill(rest.DOCUMENTS),
        },
        "queries": {rest.PARTY: {"party": "GOOD"}},
        "restore": restore,
    }  # fmt: skip
    return Subject(**{**values, **more})


INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-25</cbc:IssueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity>
<cbc:CompanyID schemeID="0002">123456789</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty></Invoice>"""


def afnor_call(operation):
    number = next(_numbers)
    return Call(
        operation,
        f"7b0c0a8e-58b4-4d5c-9c5e-{number:012d}",
        INVOICE.format(number=f"F-{number}").encode(),
        {"name": "F.xml", "flowSyntax": "UBL", "flowProfile": "CIUS", "processingRule": "B2B"},
        correlation_id=f"0c1b8a52-8c1c-4d57-8f4c-{number:012d}",
    )


def afnor_subject(control):
    """Return the AFNOR flow service."""
    grant = ClientCredentials(
        f"{control.url}/afnor/oauth/token", "sandbox-client", "sandbox-secret"
    )

    def flows(call):
        return control.oracle("afnor", tracking_id=call.key)

    def fill():
        for _flow in range(3):
            content = INVOICE.format(number=f"S-{next(_numbers)}").encode()
            control.issue(
                "afnor", content=base64.b64encode(content).decode(), flowSyntax="UBL", name="F.xml"
            )
        return {item["reference"] for item in control.issued("afnor")}

    return Subject(
        protocol=lambda: FlowService(f"{control.url}/afnor/flow-service", grant),
        transport=transport,
        operations=AFNOR_OPERATIONS,
        call=afnor_call,
        effects=lambda call: sum(item["times_received"] for item in flows(call)),
        reference=lambda call: next((item["reference"] for item in flows(call)), ""),
        secrets=("sandbox-secret",),
        revoke=lambda: control.expire_tokens("afnor"),
        fill={FEED: fill},
        restore=control.clear_faults,
    )


WSDL = Path(__file__).parents[3] / "addons/finance_registry/data/checkVatTestService.wsdl"


def _registry_subject(protocol, payload, **more):
    """Return a registry: it answers questions and has no operation with an effect."""
    values = {
        "protocol": protocol,
        "transport": transport,
        "operations": (),
        "call": lambda operation: Call(operation, "", b""),
        "effects": lambda call: 0,
        "reference": lambda call: "",
        "queries": {"check_number": payload},
    }
    return Subject(**{**values, **more})


def vies_subject(control, protocol=vies.Vies):
    """Return VIES, asked in the name of a requester."""
    url, wsdl = f"{control.url}/vies/services/checkVatService", WSDL.read_bytes()
    payload = {"number": "BE0411905847", "requester": "FR83404833048"}
    return _registry_subject(lambda: protocol(url, wsdl), payload, restore=control.clear_faults)


def hmrc_subject(control, protocol=hmrc.Hmrc):
    """Return HMRC's check of VAT numbers."""
    return _registry_subject(
        lambda: protocol(f"{control.url}/hmrc", "hmrc-client", "hmrc-secret"),
        {"number": "GB553557881", "requester": "GB146295999727"},
        secrets=("hmrc-secret",),
        revoke=lambda: control.expire_tokens("hmrc"),
        restore=control.clear_faults,
    )
