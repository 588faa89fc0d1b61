"""The overview: each role sees its own cards, of its own companies, and every figure opens its
list.
"""

import json

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..core import cases
from ..core.delivery import states
from .common_case import CaseCase

CARDS = {
    "accountant": {"documents", "cases"},
    "operator": {"documents", "cases", "connections", "inbound", "webhooks"},
    "admin": {"documents", "cases", "connections"},
    "auditor": {"documents", "cases", "connections", "inbound", "webhooks", "audit"},
}


@tagged("post_install", "-at_install")
class TestOverview(CaseCase):
    def cards(self, role):
        overview = self.env["finance.overview"].with_user(self.users[role])
        return {card.code: card for card in overview.search([])}

    def figures(self, role, code):
        """Values of one card, in order."""
        self.env.invalidate_all()
        content = json.loads(self.cards(role)[code].content)
        return [figure["value"] for figure in content["figures"]]

    def test_each_role_sees_its_cards_and_may_compute_them(self):
        for role, wanted in CARDS.items():
            with self.subTest(role=role):
                cards = self.cards(role)
                self.assertLessEqual(wanted, set(cards))
                self.assertFalse(
                    ({"connections", "inbound", "webhooks", "audit"} - wanted) & set(cards)
                )
                for card in cards.values():
                    self.assertTrue(json.loads(card.content)["figures"], card.code)

    def test_a_user_without_a_role_sees_none(self):
        self.assertFalse(self.cards("employee"))

    def test_figures_count_what_is_there(self):
        before = self.figures("operator", "documents")
        self.stuck(states.FAILED)
        self.stuck(states.REJECTED, "key-2", cases.REJECTED)
        self.enqueue(key="key-3")
        after = self.figures("operator", "documents")
        self.assertEqual(
            [new - old for old, new in zip(before, after, strict=True)], [1, 0, 0, 0, 1, 1, 0]
        )
        self.assertEqual(self.figures("operator", "cases")[0], 2)

    def test_another_company_s_figures_are_not_counted(self):
        self.stuck(states.FAILED)
        operator = self.users["operator"]
        operator.write(
            {
                "company_ids": [(6, 0, self.other_company.ids)],
                "company_id": self.other_company.id,
            }
        )
        self.assertEqual(sum(self.figures("operator", "documents")), 0)

    def test_every_figure_opens_the_list_it_counts(self):
        self.stuck(states.FAILED)
        self.enqueue(key="key-3")
        for role in CARDS:
            for code, card in self.cards(role).items():
                content = json.loads(card.content)
                for position, figure in enumerate(content["figures"]):
                    action = card.with_context(figure=position).action_open()
                    self.assertEqual(bool(action), figure["opens"])
                    if action and isinstance(figure["value"], int) and code in CARDS["admin"]:
                        model = self.env[action["res_model"]].with_user(self.users[role])
                        with self.subTest(role=role, card=code, figure=figure["label"]):
                            self.assertEqual(
                                model.with_company(self.company).search_count(action["domain"]),
                                figure["value"],
                            )

    def test_no_role_edits_cards(self):
        for role in CARDS:
            card = next(iter(self.cards(role).values()))
            with self.subTest(role=role), self.assertRaises(AccessError):
                card.write({"name": "x"})
