"""Code mappings: inheritance, companies, conditions, rights, and what was sold without a code."""

from odoo.exceptions import AccessError, ValidationError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from .fake_case import FakeCase

KIND = "fake_product"
FACTS = {"document_kind": "invoice", "customer_kind": "business", "country": "DE"}


@tagged("post_install", "-at_install")
class TestMapping(FakeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mappings = cls.env["finance.mapping"]
        cls.branch = cls.env["res.company"].create({"name": "Branch", "parent_id": cls.company.id})
        cls.env.user.company_ids |= cls.branch
        categories = cls.env["product.category"]
        cls.outer = categories.create({"name": "Outer"})
        cls.inner = categories.create({"name": "Inner", "parent_id": cls.outer.id})
        cls.product_a.categ_id = cls.inner

    def map(self, source, code, **values):
        # Shared ones are for finance admins of every company, which this user is not.
        return self.mappings.sudo().create(
            {
                "kind": KIND,
                "source": f"{source._name},{source.id}" if source else False,
                "code": code,
                "company_id": self.company.id,
                **values,
            }
        )

    def mapped(self, company=None, product=None, **facts):
        product = product or self.product_a
        found = self.mappings._map(KIND, product, company or self.company, {**FACTS, **facts})
        return found[product.id]

    def test_without_a_code_there_is_a_finding_and_no_default(self):
        mapped = self.mapped()
        self.assertEqual((mapped.code, mapped.finding.code), ("", "mapping.missing"))
        self.assertEqual(
            (mapped.finding.model, mapped.finding.record_id), ("product.product", self.product_a.id)
        )
        self.assertIn("Fake product code", self.env["finance.finding"]._render(mapped.finding)[0])

    def test_a_record_inherits_from_the_nearest(self):
        shared = {"company_id": False}
        for source, code, values in (
            (None, "shared default", shared),
            (None, "default", {}),
            (self.outer, "outer", {}),
            (self.inner, "inner", {}),
            (self.product_a.product_tmpl_id, "template", {}),
            (self.product_a, "shared product", shared),
            (self.product_a, "product", {}),
        ):
            self.map(source, code, **values)
            self.assertEqual(self.mapped().code, code)

    def test_a_standard_code_comes_before_a_default_and_after_a_mapping(self):
        self.product_a.default_code = "standard"
        self.map(None, "default")
        self.assertEqual(self.mapped().code, "STANDARD")
        self.map(self.outer, "outer")
        self.assertEqual(self.mapped().code, "outer")

    def test_a_branch_inherits_from_the_company_above_it(self):
        self.map(self.product_a, "above")
        self.assertEqual(self.mapped(self.branch).code, "above")
        self.map(self.product_a, "branch", company_id=self.branch.id)
        self.assertEqual(self.mapped(self.branch).code, "branch")
        self.assertEqual(self.mapped().code, "above")

    def test_conditions_decide_and_two_equal_ones_are_a_finding(self):
        germany, france = self.env.ref("base.de").id, self.env.ref("base.fr").id
        self.map(self.product_a, "everywhere")
        self.map(self.product_a, "german", country_id=germany)
        self.map(self.product_a, "french", country_id=france)
        self.assertEqual(self.mapped().code, "german")
        self.assertEqual(self.mapped(country="US").code, "everywhere")
        self.map(self.product_a, "german too", country_id=germany)
        mapped = self.mapped()
        self.assertEqual((mapped.code, mapped.finding.code), ("", "mapping.ambiguous"))

    def test_an_archived_mapping_does_not_apply(self):
        self.map(self.product_a, "old").active = False
        mapped = self.mappings.with_context(active_test=False)._map(
            KIND, self.product_a, self.company, FACTS
        )
        self.assertEqual(mapped[self.product_a.id].code, "")

    def test_a_kind_maps_its_own_models_only(self):
        kinds = self.mappings._kinds()
        others = {name for kind in kinds.values() for name in kind.models} - set(kinds[KIND].models)
        for name in others:
            record = self.env[name].search([], limit=1)
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.map(record, "x")

    def test_changes_are_recorded(self):
        mapping = self.map(self.product_a, "a")
        mapping.code = "b"
        entries = (
            self.env["finance.audit.entry"]
            .sudo()
            .search([("record_model", "=", "finance.mapping"), ("record_id", "=", mapping.id)])
        )
        self.assertEqual(len(entries), 2)

    def test_shared_mappings_and_those_of_others_are_not_changed_by_one_companys_admin(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        own, shared = self.map(self.product_a, "own"), self.map(None, "shared", company_id=False)
        admin = new_test_user(
            self.env,
            "hostile_mapper",
            groups="finance_connector_base.group_admin",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        env = self.env(user=admin, su=False)
        context = {"allowed_company_ids": [elsewhere.id]}
        for method, args in (
            ("read", (own.ids, ["code"])),
            ("write", (own.ids, {"code": "x"})),
            ("unlink", (own.ids,)),
            ("write", (shared.ids, {"code": "x"})),
            ("unlink", (shared.ids,)),
            ("create", ([{"kind": KIND, "code": "x", "company_id": False}],)),
            ("create", ([{"kind": KIND, "code": "x", "company_id": self.company.id}],)),
        ):
            with (
                self.subTest(method=method),
                self.assertRaises(AccessError),
                self.env.cr.savepoint(),
            ):
                call_kw(env["finance.mapping"], method, list(args), {"context": context})

    # -- sold without a code -------------------------------------------------------------------------------------

    def report(self, **values):
        report = self.env["finance.mapping.gap"].create(
            {
                "kind": KIND,
                "company_id": self.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                **values,
            }
        )
        report.action_find()
        return {line.source: (line.line_count, line.amount) for line in report.line_ids}

    def test_the_report_lists_what_was_sold_in_the_period_and_has_no_code(self):
        first = self.posted()
        self.posted()
        self.draft()
        self.assertEqual(self.report(), {self.product_a: (2, 200.0)})
        self.assertEqual(self.report(date_from="2026-10-02"), {})
        self.assertEqual(self.report(company_id=self.branch.id), {})
        self.file(first)
        self.map(self.product_a, "code")
        self.assertEqual(self.report(), {})

    def test_the_report_counts_what_has_no_code_for_some_customers(self):
        self.posted()
        self.partner_b.write(
            {"is_company": True, "street": "1", "country_id": self.env.ref("base.de").id}
        )
        self.posted(partner_id=self.partner_b.id)
        self.map(self.product_a, "german", country_id=self.env.ref("base.de").id)
        self.assertEqual(self.report(), {self.product_a: (1, 100.0)})

    def test_the_report_is_for_finance_admins_of_the_company(self):
        for groups in ("finance_connector_base.group_accountant", "base.group_user"):
            user = new_test_user(
                self.env,
                f"reader_{groups.rpartition('.')[2]}",
                groups=groups,
                company_id=self.company.id,
                company_ids=[(6, 0, self.company.ids)],
            )
            report = self.env["finance.mapping.gap"].create({"kind": KIND})
            with self.assertRaises(AccessError):
                report.with_user(user).action_find()
