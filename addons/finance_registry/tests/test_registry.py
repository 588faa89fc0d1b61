"""Checks of VAT numbers against the sandbox: what each answer and each fault leads to."""

import time
from datetime import datetime, timedelta, timezone

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from ..core import hmrc, vies
from .registry_case import BRITISH, CUSTOMER, OWN, RegistryCase, table


@tagged("post_install", "-at_install")
class TestRegistry(RegistryCase):
    def setUp(self):
        super().setUp()
        self.answer_with({})
        self.control.settings("hmrc", answer_with={})

    # -- VIES --------------------------------------------------------------------------------------

    def test_a_confirmed_number_has_the_consultation_number_of_the_requester(self):
        check = self.check()
        self.assertEqual((check.state, check.number), ("valid", CUSTOMER))
        issued = {item["reference"] for item in self.control.issued("vies")}
        self.assertIn(check.proof, issued)
        self.assertEqual(check.result_id.request["requester"], OWN)
        self.assertEqual(check.result_id.attempt_id.step, "query")
        self.assertEqual(self.partner.finance_vat_state, "valid")

    def test_a_number_that_is_not_registered_is_invalid(self):
        self.partner.with_context(no_vat_validation=True).vat = "BE0000000097"
        self.assertEqual(self.check().state, "invalid")

    def test_each_published_fault_of_vies_leads_to_its_state(self):
        rows = table("VIES: fault → state", 2)
        self.assertEqual({fault for fault, _state in rows}, set(vies.FAULTS))
        for fault, state in rows:
            with self.subTest(fault):
                self.answer_with({"*": fault})
                check = self.check()
                self.assertEqual(check.last_result_id.state, state)
                self.assertEqual(check.state, "unavailable")
                self.assertTrue(check.is_requested)
                self.env["finance.throttle"]._reset(self.vies.ids)

    def test_a_number_confirmed_before_stays_usable_with_its_proof_while_the_service_is_down(self):
        proof = self.check().proof
        self.answer_with({"*": "SERVICE_UNAVAILABLE"})
        check = self.check()
        self.assertEqual((check.state, check.proof), ("valid", proof))
        self.assertEqual(check.last_result_id.state, "unknown")
        check.valid_until = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(check.state, "unavailable")

    def test_name_and_address_are_compared_with_what_the_registry_disclosed(self):
        martel = self.partner.with_context(no_vat_validation=True).create(
            {
                "name": "Martel SAS",
                "vat": OWN,
                "is_company": True,
                "street": "12, rue du Port",
                "zip": "44000",
                "city": "Nantes",
            }
        )
        self.assertFalse(martel.finance_vat_address_match)
        check = self.check(martel)
        self.assertIn("12 RUE DU PORT", str(check.result_id.answer))
        shown = (martel.finance_vat_name_match, martel.finance_vat_address_match)
        self.assertEqual(shown, ("match", "match"))
        self.assertIn("12 RUE DU PORT", martel.finance_vat_registered)
        martel.zip = "44100"
        self.assertEqual(martel.finance_vat_address_match, "differs")
        german = self.partner.with_context(no_vat_validation=True).create(
            {"name": "Kunde", "vat": "DE136695976", "is_company": True}
        )
        self.check(german)
        shown = (german.finance_vat_name_match, german.finance_vat_address_match)
        self.assertEqual(shown, ("not_disclosed", "not_disclosed"))
        self.assertFalse(german.finance_vat_registered)

    def test_a_changed_number_is_not_checked(self):
        self.check()
        self.partner.with_context(no_vat_validation=True).vat = "DE136695976"
        self.assertEqual(self.partner.finance_vat_state, "unchecked")
        self.assertFalse(self.partner.finance_vat_proof)

    def test_another_company_does_not_see_the_result(self):
        self.check()
        other = self.env["res.company"].create({"name": "Other"})
        self.assertEqual(self.partner.with_company(other).finance_vat_state, "unchecked")

    # -- HMRC --------------------------------------------------------------------------------------

    def test_hmrc_confirms_a_number(self):
        check = self.check(self.british)
        self.assertEqual((check.state, check.number), ("valid", BRITISH))

    def test_hmrc_gives_a_british_requester_a_consultation_number(self):
        self.company.partner_id.with_context(no_vat_validation=True).vat = "GB146295999727"
        check = self.check(self.british)
        self.assertIn(check.proof, {item["reference"] for item in self.control.issued("hmrc")})

    def test_each_published_error_of_hmrc_leads_to_its_state(self):
        rows = table("HMRC: error → state", 3)
        self.assertEqual({(int(row[0]), row[1]) for row in rows}, set(hmrc.ERRORS))
        for status, code, state in rows:
            with self.subTest(f"{status} {code}"):
                self.control.settings("hmrc", answer_with={"*": f"{status} {code}"})
                check = self.check(self.british)
                result = check.last_result_id
                self.assertEqual(result.state, state)
                self.assertEqual(result.attempt_id.http_status, int(status))
                self.assertEqual(check.state, "invalid" if state == "invalid" else "unavailable")
                self.env["finance.throttle"]._reset(self.hmrc.ids)
                self.env["finance.registry.check"].sudo().search([]).unlink()

    def test_hmrc_says_a_number_is_not_registered(self):
        self.british.with_context(no_vat_validation=True).vat = "GB999999973"
        self.assertEqual(self.check(self.british).state, "invalid")

    # -- the queue ---------------------------------------------------------------------------------

    def test_the_queue_asks_again_what_could_not_be_asked(self):
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        self.answer_with({"BE": "MS_UNAVAILABLE"})
        self.partner.action_request_vat_check()
        checks = self.env["finance.registry.check"]
        checks._cron_check()
        check = checks._of(self.partner, self.company)
        self.assertEqual(check.state, "unavailable")
        self.assertGreater(check.next_at, fields.Datetime.now())
        self.answer_with({})
        check.next_at = fields.Datetime.now()
        checks._cron_check()
        check.invalidate_recordset()
        self.assertEqual(check.state, "valid")
        self.assertFalse(check.is_requested)

    def queue(self):
        """Run the scheduled job as if what it waits for were due."""
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        checks = self.env["finance.registry.check"]
        checks._of(self.partner, self.company).next_at = fields.Datetime.now()
        checks._cron_check()
        self.env.invalidate_all()
        return checks._of(self.partner, self.company)

    def test_a_member_state_that_answers_only_by_day_is_asked_in_its_first_hour(self):
        now = datetime.now(timezone.utc)
        to_noon = ((12 - now.hour) * 3600 - now.minute * 60) % 86400
        self.control.advance(to_noon)
        self.addCleanup(self.control.reset)
        self.control.settings("vies", night={"BE": ["11:00", "14:00"]})
        self.partner.action_request_vat_check()
        pauses = []
        for _attempt in range(8):
            check = self.queue()
            self.assertEqual(check.last_result_id.state, "unknown")
            self.assertEqual(check.finding["args"]["fault"], "MS_UNAVAILABLE")
            pauses.append(check.next_at - check.last_result_id.asked_at)
        self.assertEqual(pauses, sorted(pauses))
        self.assertEqual(pauses[-1], timedelta(hours=1))
        self.control.advance(3 * 3600)
        check = self.queue()
        self.assertEqual(check.state, "valid")
        self.assertFalse(check.is_requested)

    def test_f1_days_that_no_clock_holds_are_refused(self):
        for days in (0, 3651, 2**31 - 1):
            with (
                self.subTest(days=days),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.company.finance_registry_days = days
                self.env.flush_all()

    def test_f1_what_one_row_meets_stops_no_other_check(self):
        checks = self.env["finance.registry.check"]
        rows = {}
        for partner in (self.british, self.partner):
            partner.action_request_vat_check()
            rows[partner] = checks._of(partner, self.company)
        rows[self.british].next_at -= timedelta(minutes=1)
        original = type(checks)._requester

        def broken(check, connection):
            if check.partner_id == self.british:
                # Also the transaction of the row.
                check.env.cr.execute("SELECT 1 / 0")
            return original(check, connection)

        self.patch(type(checks), "_requester", broken)
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        logger = "odoo.addons.finance_registry.models.finance_registry_check"
        with mute_logger("odoo.sql_db", logger):
            checks._cron_check()
        self.env.invalidate_all()
        self.assertEqual(rows[self.partner].state, "valid")
        self.assertEqual(rows[self.british].failed_checks, 1)
        self.assertGreater(rows[self.british].next_at, fields.Datetime.now())

    def test_an_answer_is_asked_for_again_before_it_ends_and_not_earlier(self):
        check = self.check()
        first, ends = check.result_id, check.valid_until
        self.assertLess(check.next_at, ends)
        self.assertGreater(check.next_at, fields.Datetime.now())
        before = self.attempts()
        self.env["finance.registry.check"]._cron_check()
        self.assertEqual(self.attempts(), before)
        check = self.queue()
        self.assertNotEqual(check.result_id, first)
        self.assertEqual(check.state, "valid")
        self.assertGreaterEqual(check.valid_until, ends)
        check.valid_until = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self.partner.finance_vat_state, "unchecked")

    def test_only_the_check_itself_sets_the_state(self):
        user = self.env["res.users"].create({"name": "User", "login": "registry-user"})
        row = self.check()
        with self.assertRaises(AccessError):
            row.with_user(user).write({"valid_until": fields.Datetime.now()})

    # -- P6 ----------------------------------------------------------------------------------------

    def attempts(self):
        return self.env["finance.exchange.attempt"].search([("connection_id", "=", self.vies.id)])

    def test_p6_a_query_costs_one_attempt(self):
        before = self.attempts()
        self.check()
        new = self.attempts() - before
        self.assertEqual(new.mapped("step"), ["query"])
        self.assertEqual(new.outcome, "accepted")

    def test_p6_a_paused_connection_is_not_called(self):
        self.vies.action_pause()
        before = self.attempts()
        reply = self.vies._query("check_number", {"number": CUSTOMER}, 5)
        self.assertEqual((reply.is_answered, reply.finding.code), (False, "query.not_active"))
        self.assertEqual(self.attempts(), before)

    def test_p6_an_open_breaker_is_not_called(self):
        self.vies.throttle_ids.sudo().breaker_state = "open"
        self.env.flush_all()
        before = self.attempts()
        reply = self.vies._query("check_number", {"number": CUSTOMER}, 5)
        self.assertEqual(reply.finding.code, "query.throttled")
        self.assertEqual(self.attempts(), before)

    def test_p6_a_query_never_outlives_its_deadline(self):
        before = self.attempts()
        self.control.fault("slow_body", provider="vies", operation="checkVat", seconds=8)
        started = time.monotonic()
        reply = self.vies._query("check_number", {"number": CUSTOMER}, 1.0)
        self.assertLess(time.monotonic() - started, 3.0)
        self.assertFalse(reply.is_answered)
        self.assertEqual(len(self.attempts() - before), 1)

    def test_p6_an_undeclared_query_is_refused(self):
        with self.assertRaises(ValueError):
            self.vies._query("file_return", {}, 1.0)
