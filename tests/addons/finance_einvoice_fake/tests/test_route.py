"""Routes of e-invoices: chosen by facts, explained on the document, kept with it, and changed by few."""

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from .fake_case import FakeCase


@tagged("post_install", "-at_install")
class TestRoute(FakeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.routes = cls.env["finance.route"]
        cls.route = cls.routes.search([("company_id", "=", cls.company.id)])
        cls.second = cls.connection.copy({"name": "Second authority"})
        cls.second.sudo().state = "active"
        cls.germany = cls.env.ref("base.de")

    def new_route(self, name="Germany", **values):
        return self.routes.create(
            {
                "name": name,
                "company_id": self.company.id,
                "purpose": "einvoice",
                "regime": "fake",
                "connection_id": self.second.id,
                "country_id": self.germany.id,
                **values,
            }
        )

    def codes(self, move):
        finding = move._finance_route_finding()
        return finding and finding.code

    def test_the_simple_entry_is_one_route_without_conditions(self):
        self.assertEqual(len(self.route), 1)
        self.assertEqual((self.route.regime, self.route.connection_id), ("fake", self.connection))
        self.company.finance_einvoice_regime = False
        self.assertFalse(self.route.active)
        self.assertFalse(self.posted().einvoice_ids)
        self.company.finance_einvoice_regime = "fake"
        self.assertTrue(self.route.active)
        self.assertEqual(self.company.finance_einvoice_connection_id, self.connection)

    def test_settings_write_the_route_whatever_the_order_of_the_fields(self):
        for names in (("connection", "regime"), ("regime", "connection")):
            company = self.env["res.company"].create({"name": f"New {names}"})
            self.env.user.company_ids |= company
            connection = self.connection.copy({"company_id": company.id})
            values = {"connection": ("finance_einvoice_connection_id", connection.id)}
            values["regime"] = ("finance_einvoice_regime", "fake")
            for name in names:
                company.write(dict([values[name]]))
            route = self.routes.search([("company_id", "=", company.id)])
            self.assertEqual((route.regime, route.connection_id), ("fake", connection), names)

    def test_routes_with_conditions_are_not_overwritten_by_the_simple_entry(self):
        self.new_route()
        self.assertTrue(self.company.finance_einvoice_custom_routes)
        with self.assertRaises(UserError):
            self.company.finance_einvoice_regime = False

    def test_e13_the_most_specific_route_takes_the_document_and_is_kept_with_it(self):
        german = self.new_route()
        here = self.posted()
        self.partner_b.write({"is_company": True, "street": "1", "country_id": self.germany.id})
        there = self.posted(partner_id=self.partner_b.id)
        self.assertEqual(here.einvoice_id.exchange_id.connection_id, self.connection)
        self.assertEqual(there.einvoice_id.exchange_id.connection_id, self.second)
        self.assertEqual(there.einvoice_id.route_id, german)
        kept = there.einvoice_id.version_ids.route
        self.assertEqual(
            (kept["id"], kept["regime"], kept["format"], kept["connection_id"]),
            (german.id, "fake", "fake_text", self.second.id),
        )
        self.assertEqual(kept["finding"]["code"], "route.taken")
        self.assertEqual(self.codes(there), "route.taken")
        self.assertTrue(there.einvoice_route_note)

    def test_changing_a_route_changes_no_document_on_its_way(self):
        move = self.posted()
        kept = move.einvoice_id.version_ids.route
        self.route.write({"name": "Other", "connection_id": self.second.id})
        self.assertEqual(move.einvoice_id.exchange_id.connection_id, self.connection)
        self.assertEqual(move.einvoice_id.version_ids.route, kept)
        self.file(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_a_route_that_was_used_is_archived_and_not_deleted(self):
        self.posted()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.route.unlink()
        self.route.active = False
        self.new_route().unlink()

    def test_ambiguity_is_refused_before_posting(self):
        self.new_route(country_id=False)
        move = self.draft()
        self.assertEqual(self.codes(move), "route.ambiguous")
        self.assertTrue(self.route.problem)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            move.action_post()
        self.assertEqual(move.state, "draft")

    def test_the_sequence_resolves_an_ambiguity(self):
        self.new_route(country_id=False, sequence=5)
        self.assertEqual(self.posted().einvoice_id.exchange_id.connection_id, self.second)

    def test_without_a_matching_route_nothing_is_posted(self):
        self.route.country_id = self.germany
        move = self.draft()
        self.assertEqual(self.codes(move), "route.no_match")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            move.action_post()
        self.assertEqual(move.state, "draft")

    def test_a_document_that_is_not_submitted_says_why_for_ever(self):
        skipping = self.new_route(
            "None", country_id=False, sequence=1, result="skip", regime=False, connection_id=False
        )
        move = self.posted()
        self.assertFalse(move.einvoice_ids)
        self.assertEqual(self.codes(move), "route.skipped")
        skipping.active = False
        self.assertEqual(self.codes(move), "route.skipped")
        self.assertNotIn(
            move, self.env["account.move"]._finance_missing_evidence()["evidence.einvoice"]
        )

    def test_a_format_that_the_regime_does_not_accept_is_refused(self):
        self.route.format = "fake_text"
        others = set(self.env["finance.einvoice.format"]._registered()) - {"fake_text"}
        for code in others:
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.route.format = code

    def test_a_branch_with_routes_of_its_own_does_not_use_those_above(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.env.user.company_ids |= branch
        move = self.draft()
        move.invoice_line_ids.tax_ids = False
        move.company_id = branch
        self.assertEqual(move._finance_route_finding().record_id, self.route.id)
        own = self.new_route("Germany only", company_id=branch.id)
        self.assertEqual(own.connection_id.company_id, self.company)
        self.assertEqual(self.codes(move), "route.no_match")
        everywhere = self.new_route("Everywhere", company_id=branch.id, country_id=False)
        self.assertEqual(move._finance_route_finding().record_id, everywhere.id)
        move.action_post()
        self.assertEqual(move.einvoice_id.route_id, everywhere)
        (own | everywhere).active = False
        self.assertEqual(self.routes._owner_of("einvoice", branch), self.company)

    def test_a_route_of_a_company_cannot_use_the_connection_of_another_one(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        self.env.user.company_ids |= elsewhere | branch
        for company in (elsewhere, branch):
            theirs = self.connection.copy({"company_id": company.id})
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self.route.connection_id = theirs

    def test_the_explanation_names_the_conditions_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.germany.with_context(lang="fr_FR").name = "Allemagne"
        self.new_route(customer_kind="business")
        self.partner_a.country_id = self.germany
        move = self.posted()
        kept = move.einvoice_id.version_ids.route["finding"]["args"]
        self.assertEqual(kept["criteria"], "country,customer_kind")
        for language, country in (("en_US", "Germany"), ("fr_FR", "Allemagne")):
            reader = move.with_context(lang=language)
            fields = self.routes.with_context(lang=language).fields_get(["customer_kind"])
            label = dict(fields["customer_kind"]["selection"])["business"]
            for text in (
                reader.einvoice_route_note,
                reader.einvoice_id.version_ids.route_text,
            ):
                self.assertIn(country, text)
                self.assertIn(label, text)

    def test_a_route_without_conditions_says_so(self):
        texts = self.env["finance.finding"]
        finding = self.posted()._finance_route_finding()
        self.assertEqual(finding.args["criteria"], "")
        self.assertNotIn("…", texts._render(finding)[0])

    def test_changes_are_recorded(self):
        self.route.sequence = 3
        entry = (
            self.env["finance.audit.entry"]
            .sudo()
            .search(
                [("record_model", "=", "finance.route"), ("record_id", "=", self.route.id)],
                order="id desc",
                limit=1,
            )
        )
        self.assertEqual(entry.action, "configuration.changed")

    def test_another_companys_admin_neither_reads_nor_writes(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        shared = self.routes.sudo().create(
            {"name": "Shared", "company_id": False, "purpose": "einvoice", "result": "skip"}
        )
        hostile = new_test_user(
            self.env,
            "hostile_admin",
            groups="finance_connector_base.group_admin",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        env = self.env(user=hostile, su=False)
        context = {"allowed_company_ids": [elsewhere.id], "su": True, "install_mode": True}

        def rpc(method, *args):
            return call_kw(env["finance.route"], method, list(args), {"context": context})

        self.assertFalse(rpc("search", [("id", "=", self.route.id)]))
        self.assertTrue(rpc("read", shared.ids, ["name"]))
        new = {"name": "x", "purpose": "einvoice", "result": "skip"}
        own = rpc("create", [{**new, "company_id": elsewhere.id}])
        for method, args in (
            ("read", (self.route.ids, ["name"])),
            ("write", (self.route.ids, {"name": "x"})),
            ("unlink", (self.route.ids,)),
            ("write", (shared.ids, {"name": "x"})),
            ("write", (shared.ids, {"company_id": elsewhere.id})),
            ("unlink", (shared.ids,)),
            ("write", (own, {"company_id": False})),
            ("create", ([{**new, "company_id": False}],)),
            ("create", ([{**new, "company_id": self.company.id}],)),
        ):
            with (
                self.subTest(method=method, args=args),
                self.assertRaises(AccessError),
                self.env.cr.savepoint(),
            ):
                rpc(method, *args)

    def test_a_customer_at_the_portal_reads_no_route(self):
        portal = new_test_user(self.env, "portal_route", groups="base.group_portal")
        for model in ("finance.route", "finance.mapping"):
            with self.assertRaises(AccessError):
                self.env[model].with_user(portal).search([])
