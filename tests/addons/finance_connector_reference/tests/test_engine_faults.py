"""Every fault of the sandbox: what is seen, which state, what happens next (the table of ``docs/faults.md``)."""

import re

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.tests import tagged

from .common import PROJECT
from .engine_case import EngineCase

PENDING, UNKNOWN, ACCEPTED = states.PENDING, states.UNKNOWN, states.ACCEPTED
REJECTED, FAILED = states.REJECTED, states.FAILED
REQUESTS = {"document": "putDocument", "filing_now": "fileFiling", "notice": "postNotice"}
FAULTS = {
    # kind and options: state after the fault by operation; notices that were lost wait for a person.
    ("drop_before",): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("drop_after",): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("cut_body",): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("malformed_body",): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("slow_body", ("seconds", 0.2)): {
        "document": ACCEPTED,
        "filing_now": ACCEPTED,
        "notice": ACCEPTED,
    },
    ("delay", ("seconds", 0.2)): {
        "document": ACCEPTED,
        "filing_now": ACCEPTED,
        "notice": ACCEPTED,
    },
    ("delay_before", ("seconds", 0.2)): {
        "document": ACCEPTED,
        "filing_now": ACCEPTED,
        "notice": ACCEPTED,
    },
    ("status", ("status", 401)): {"document": PENDING, "filing_now": PENDING, "notice": PENDING},
    ("status", ("status", 429)): {"document": PENDING, "filing_now": PENDING, "notice": PENDING},
    ("status", ("status", 503)): {"document": PENDING, "filing_now": PENDING, "notice": UNKNOWN},
    ("status", ("status", 500)): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("status", ("status", 502)): {"document": UNKNOWN, "filing_now": UNKNOWN, "notice": UNKNOWN},
    ("status_after", ("status", 500)): {
        "document": UNKNOWN,
        "filing_now": UNKNOWN,
        "notice": UNKNOWN,
    },
    ("status_after", ("status", 503)): {
        "document": PENDING,
        "filing_now": PENDING,
        "notice": UNKNOWN,
    },
}


@tagged("post_install", "-at_install")
class TestEngineFaults(EngineCase):
    def test_every_fault_leads_to_its_state_and_then_to_one_effect(self):
        for number, (fault, expected) in enumerate(FAULTS.items()):
            kind, *options = fault
            for operation, state in expected.items():
                with self.subTest(fault=fault, operation=operation):
                    self.control.clear_faults()
                    self.fault(kind, REQUESTS[operation], **dict(options))
                    document = self.document(operation, f"F{number}-{operation}")
                    self.dispatch()
                    self.assertEqual(document.exchange_id.state, state)
                    self.settle(document)

    def settle(self, document):
        """Let time pass; in the end the provider has it once, or a person is asked."""
        for _round in range(3):
            self.make_due(document.exchange_id, throttles=True)
            self.dispatch()
        exchange = document.exchange_id
        if exchange.state == UNKNOWN:
            self.assertEqual(document.operation, "notice")
            self.assertEqual(self.case_of(document).kind, "unresolved")
            self.assertEqual(exchange.send_count, 1)
            self.assertLessEqual(self.effects(document.name), 1)
        else:
            self.assertEqual(exchange.state, ACCEPTED)
            self.assertFalse(self.case_of(document))
            self.assertEqual(self.effects(document.name), 1)

    def test_an_answer_of_another_kind_is_read_or_asked_about(self):
        for operation in ("document", "filing_now"):
            with self.subTest(operation=operation):
                self.control.clear_faults()
                self.fault("wrong_content_type", REQUESTS[operation])
                document = self.document(operation, f"W-{operation}")
                self.dispatch()
                self.assertIn(document.exchange_id.state, (ACCEPTED, UNKNOWN))
                self.settle(document)

    def test_a_refusal_on_merits_is_final_and_goes_to_a_person(self):
        for status in (400, 422):
            with self.subTest(status=status):
                self.control.clear_faults()
                self.fault("status", "putDocument", status=status)
                document = self.document("document", f"R-{status}")
                self.dispatch()
                self.assertIn(document.exchange_id.state, (REJECTED, FAILED))
                self.make_due(document.exchange_id)
                self.dispatch()
                self.assertEqual(document.exchange_id.send_count, 1)
                self.assertTrue(self.case_of(document))

    def test_every_fault_of_the_sandbox_has_its_row_and_its_test(self):
        from sandbox.faults import AFTER_EFFECT, BEFORE_EFFECT

        kinds = {*BEFORE_EFFECT, *AFTER_EFFECT}
        table = (PROJECT / "docs/faults.md").read_text(encoding="utf-8")
        rows = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
        self.assertEqual(rows, kinds)
        self.assertEqual({fault[0] for fault in FAULTS} | {"wrong_content_type"}, kinds)
