"""What is shown of an e-invoice: to whom, in which language, and how it is found."""

from contextlib import contextmanager

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .fake_case import FakeCase

FIELDS = (
    "einvoice_id",
    "einvoice_state",
    "einvoice_note",
    "einvoice_reference",
    "einvoice_reasons",
)


@tagged("post_install", "-at_install")
class TestShown(FakeCase):
    def new_user(self, groups):
        return new_test_user(
            self.env,
            login=groups.rpartition(".")[2],
            groups=groups,
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )

    @contextmanager
    def blocked(self):
        """The connection has something that keeps it from sending."""
        field = "last_block" if self.connection._fields["last_block"].store else "blocking_finding"
        reason = {"code": "text", "severity": "error", "args": {"text": "Token refused"}}
        self.connection.sudo()[field] = "Token refused" if field == "last_block" else reason
        yield
        self.connection.sudo()[field] = False

    def test_regimes_are_those_that_are_registered(self):
        selection = dict(
            self.company._fields["finance_einvoice_regime"]._description_selection(self.env)
        )
        self.assertEqual(set(selection), set(self.env["finance.einvoice.regime"]._registered()))
        self.assertIn("fake", selection)

    def test_the_settings_offer_the_registered_regimes(self):
        fields = self.env["res.config.settings"].fields_get(["finance_einvoice_regime"])
        codes = {code for code, _title in fields["finance_einvoice_regime"]["selection"]}
        self.assertEqual(codes, set(self.env["finance.einvoice.regime"]._registered()))

    def test_documents_are_found_by_state_also_those_without_an_e_invoice(self):
        with_one, without = self.posted(), self.draft()
        moves = self.env["account.move"]
        both = [("id", "in", (with_one + without).ids)]
        self.assertEqual(moves.search([*both, ("einvoice_state", "=", False)]), without)
        self.assertEqual(moves.search([*both, ("einvoice_state", "!=", False)]), with_one)
        self.assertEqual(moves.search([*both, ("einvoice_state", "=", "submitted")]), with_one)
        self.assertEqual(moves.search([*both, ("einvoice_state", "!=", "submitted")]), without)

    def test_documents_are_grouped_by_state(self):
        moves = self.posted() + self.posted() + self.draft()
        self.file(moves[0])
        groups = self.env["account.move"]._read_group(
            [("id", "in", moves.ids)], ["einvoice_state"], ["__count"]
        )
        self.assertEqual(dict(groups), {"filed": 1, "submitted": 1, False: 1})

    def test_an_invoicing_user_without_a_finance_role_sees_and_groups_the_state(self):
        move = self.posted()
        seen = move.with_user(self.new_user("account.group_account_invoice"))
        self.assertEqual(seen.einvoice_state, "submitted")
        self.assertTrue(seen.einvoice_note)
        groups = seen._read_group([("id", "=", move.id)], ["einvoice_state"], ["__count"])
        self.assertEqual(groups, [("submitted", 1)])

    def test_a_customer_at_the_portal_sees_none_of_it(self):
        move = self.posted()
        portal = self.new_user("base.group_portal")
        portal.partner_id.parent_id = self.partner_a
        seen = move.with_user(portal)
        self.assertTrue(seen.read(["name"]))
        self.assertFalse(set(FIELDS) & set(seen.fields_get()))
        for name in FIELDS:
            with self.subTest(field=name), self.assertRaises(AccessError):
                seen.read([name])

    def test_a_branch_uses_the_settings_of_its_company_unless_it_has_its_own(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.assertEqual(branch._finance_einvoice_company(), self.company)
        own = self.connection.copy({"company_id": branch.id})
        branch.write({"finance_einvoice_regime": "fake", "finance_einvoice_connection_id": own.id})
        self.assertEqual(branch._finance_einvoice_company(), branch)

    def test_a_document_of_a_branch_is_submitted_with_the_settings_of_its_company(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.env.user.company_ids |= branch
        move = self.draft()
        move.invoice_line_ids.tax_ids = False
        move.company_id = branch
        move.action_post()
        self.assertEqual(move.einvoice_state, "submitted")
        self.assertEqual(move.einvoice_id.exchange_id.connection_id, self.connection)

    def test_the_status_is_stored_as_code_and_arguments(self):
        move = self.posted()
        einvoice = move.einvoice_id
        self.assertEqual(einvoice.status_code, "einvoice.submitted")
        self.assertEqual(einvoice.status_args, {"version": "1", "connection": self.connection.name})

    def test_the_strip_tells_what_holds_it_up(self):
        move = self.posted()
        einvoice = move.einvoice_id.sudo()
        codes = []
        self.connection.sudo().state = "paused"
        codes.append(einvoice._current_status().code)
        self.connection.sudo().state = "active"
        with self.blocked():
            codes.append(einvoice._current_status().code)
        codes.append(einvoice._current_status().code)
        for state in ("sending", "waiting"):
            self.answer(move, state)
            codes.append(einvoice._current_status().code)
        self.assertEqual(
            codes,
            [
                "einvoice.paused",
                "einvoice.blocked",
                "einvoice.queued",
                "einvoice.sending",
                "einvoice.checking",
            ],
        )

    def test_every_status_has_a_sentence_without_technical_terms(self):
        messages = self.env["finance.finding"]._messages()
        args = {"connection": "C", "reference": "R", "since": "S", "at": "A", "version": "1"}
        args |= {"platform": "P", "route": "W"}
        for code, (sentence, _hint) in messages.items():
            if code.startswith("einvoice."):
                text = sentence % {**args, "rule_sets": "R"}
                self.assertNotRegex(
                    text, r"HTTP|\b[45]\d\d\b|[a-z]+\.[a-z]+|[A-Z][a-z]+[A-Z]", code
                )

    def test_every_action_of_an_e_invoice_has_a_label(self):
        labels = self.env["finance.audit.entry"]._action_labels()
        states = dict(self.env["finance.einvoice"]._fields["state"].selection)
        for state in states:
            self.assertIn(f"einvoice.{state}", labels)
