"""Several documents at once, scheduled posting, and no way past the pipeline."""

from contextlib import closing
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.addons.finance_connector_base.core.cases import NO_EVIDENCE, NOT_POSTED, OVERRIDDEN
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.exceptions import (
    PipelineRequired,
    PostingInvalid,
    PostingRefused,
    ReservedField,
)
from odoo.addons.finance_connector_base.models import finance_posting
from odoo.addons.finance_connector_base.models.finance_posting import PHASES, Step
from odoo.addons.finance_connector_base.models.finance_retention import OPTION, PayloadTooLarge
from odoo.addons.finance_einvoice.exceptions import EinvoiceBlocked
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import config

from .guard_case import HOSTILE, GuardCase


class PostingCase(GuardCase):
    def drafts(self, good=3, bad=1):
        """Complete drafts with incomplete ones in the middle."""
        half = good // 2
        partners = [self.buyer] * half + [self.incomplete] * bad + [self.buyer] * (good - half)
        return self.env["account.move"].concat(
            *(self.make_invoice(partner=partner) for partner in partners)
        )

    def split(self, moves):
        """Return the complete and the incomplete ones."""
        bad = moves.filtered(lambda move: move.partner_id == self.incomplete)
        return moves - bad, bad

    def entries(self, move, action):
        return self.env["finance.audit.entry"].search_count(
            [
                ("action", "=", action),
                ("document_model", "=", "account.move"),
                ("document_id", "=", move.id),
            ]
        )

    def entry(self, **values):
        """A plain journal entry."""
        account = self.chart.ref("pcg_6011_account", raise_if_not_found=False) or self.env[
            "account.account"
        ].search(
            [("account_type", "=", "expense"), ("company_ids", "in", self.company.ids)], limit=1
        )
        return self.env["account.move"].create(
            {
                "move_type": "entry",
                "company_id": self.company.id,
                "date": "2026-10-01",
                "line_ids": [
                    Command.create({"account_id": account.id, "debit": 5.0}),
                    Command.create({"account_id": account.id, "credit": 5.0}),
                ],
                **values,
            }
        )


@tagged("post_install", "-at_install")
class TestBatch(PostingCase):
    def steps(self, *steps):
        """Add steps to the pipeline by its extension point."""
        model = self.env.registry["finance.posting"]
        original = model._steps
        return patch.object(model, "_steps", lambda posting: [*original(posting), *steps])

    def test_phases_run_in_order_whatever_the_steps_are_called(self):
        ran = []
        steps = [
            Step(phase, f"{name}.{phase}", lambda _batch, key=(phase, name): ran.append(key))
            for name in ("zz", "aa")
            for phase in reversed(PHASES)
        ]
        with self.steps(*steps):
            self.make_invoice().action_post()
        self.assertEqual(ran, [(phase, name) for phase in PHASES for name in ("aa", "zz")])

    def test_odoo_posts_between_the_phases_and_numbers_first(self):
        seen = {}
        steps = [
            Step(
                phase,
                f"see.{phase}",
                lambda batch, key=phase: seen.update({key: batch.moves.state}),
            )
            for phase in PHASES
        ]
        with self.steps(*steps):
            self.make_invoice().action_post()
        self.assertEqual(
            list(seen.values()),
            ["draft"] * len(finance_posting.BEFORE) + ["posted"] * len(finance_posting.AFTER),
        )

    def test_a_step_is_called_once_for_the_whole_batch(self):
        sizes = []
        steps = [
            Step(phase, f"n.{phase}", lambda batch: sizes.append(len(batch.moves)))
            for phase in PHASES
        ]
        with self.steps(*steps):
            self.drafts(good=5, bad=0).action_post()
        self.assertEqual(sizes, [5] * len(PHASES))

    def test_one_document_is_refused_with_its_own_error_and_stays_a_draft(self):
        move = self.make_invoice(partner=self.incomplete)
        with self.assertRaises(EinvoiceBlocked) as caught:
            move.action_post()
        self.assertEqual(caught.exception.args[1]["res_id"], self.incomplete.id)
        self.assertEqual(move.state, "draft")

    def test_a_refusal_of_each_phase_stops_one_document(self):
        finding = Finding("test.refused", args={"text": "Because."})
        for phase in PHASES:
            with self.subTest(phase=phase):
                step = Step(
                    phase,
                    "refuse",
                    lambda batch: [batch.refuse(move, finding) for move in batch.moves],
                )
                move = self.make_invoice()
                with self.steps(step), self.assertRaises(PostingInvalid), self.env.cr.savepoint():
                    move.action_post()
                self.assertEqual((move.state, move.einvoice_ids.ids), ("draft", []))

    def test_a_refusal_with_an_action_has_its_button(self):
        action = self.buyer._get_records_action()
        step = Step(
            "check",
            "refuse",
            lambda batch: batch.refuse(batch.moves, Finding("x", args={"text": "No."}), action),
        )
        with self.steps(step), self.assertRaises(PostingRefused) as caught:
            self.make_invoice().action_post()
        self.assertEqual(caught.exception.args[1], action)

    def test_of_many_those_that_can_be_are_posted_and_the_others_are_listed(self):
        moves = self.drafts(good=4, bad=2)
        good, bad = self.split(moves)
        for name, act in {
            "action_post": lambda records: records.action_post(),
            "list view": lambda records: records.action_validate_moves_with_confirmation(),
            "wizard": lambda records: (
                records.env["validate.account.move"]
                .create({"move_ids": [Command.set(records.ids)]})
                .validate_move()
            ),
        }.items():
            with self.subTest(way=name), self.rolled_back():
                action = act(self.as_accountant(moves))
                self.assertEqual(set(good.mapped("state")), {"posted"})
                self.assertEqual(set(bad.mapped("state")), {"draft"})
                self.assertEqual(len(good.einvoice_ids), 4)
                result = self.env["finance.posting.result"].browse(action["res_id"])
                self.assertEqual(action["res_model"], result._name)
                self.assertEqual(result.line_ids.move_id, bad)
                self.assertEqual(result.line_ids.partner_id, self.incomplete)
                hint = self.env["finance.finding"]._messages()["FR-BUYER-SIREN"][1]
                self.assertTrue(all(hint in line.reason for line in result.line_ids))
                self.assertEqual(result.action_open_documents()["domain"], [("id", "in", bad.ids)])

    def rolled_back(self):
        """Undo what was done inside."""
        return closing(self.env.cr.savepoint())

    def test_numbers_have_no_gap_where_documents_were_refused(self):
        moves = self.drafts(good=6, bad=2)
        self.as_accountant(moves).action_post()
        good, _bad = self.split(moves)
        numbers = sorted(good.mapped("sequence_number"))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 6)))

    def test_an_error_of_odoo_for_one_document_stops_no_other(self):
        moves = self.drafts(good=4, bad=0)
        moves[2].invoice_line_ids.price_unit = -100.0
        action = self.as_accountant(moves).action_post()
        self.assertEqual(moves.mapped("state"), ["posted", "posted", "draft", "posted"])
        lines = self.env["finance.posting.result"].browse(action["res_id"]).line_ids
        self.assertEqual(lines.move_id, moves[2])

    def test_a_refusal_after_numbering_undoes_that_document_only(self):
        moves = self.drafts(good=4, bad=0)
        unwanted = moves[1]
        step = Step(
            "render",
            "refuse",
            lambda batch: [
                batch.refuse(move, Finding("x", args={"text": "No."}))
                for move in batch.posted & unwanted
            ],
        )
        with self.steps(step):
            self.as_accountant(moves).action_post()
        self.assertEqual(moves.mapped("state"), ["posted", "draft", "posted", "posted"])
        self.assertEqual(len(moves.einvoice_ids), 3)

    def test_a_step_that_raises_for_the_whole_batch_is_isolated(self):
        moves = self.drafts(good=5, bad=0)
        unwanted = moves[3]

        def step(batch):
            if unwanted in batch.moves:
                raise UserError(self.env._("This batch is refused."))

        with self.steps(Step("determine", "raise", step)):
            self.as_accountant(moves).action_post()
        self.assertEqual(moves.filtered(lambda move: move.state == "draft"), unwanted)

    def test_code_that_posts_several_gets_an_error(self):
        with self.assertRaises(EinvoiceBlocked), self.env.cr.savepoint():
            self.drafts(good=2, bad=1)._post(soft=False)
        with self.assertRaises(PostingRefused) as caught, self.env.cr.savepoint():
            self.drafts(good=1, bad=2)._post(soft=False)
        self.assertEqual(len(caught.exception.args[1]["domain"][0][2]), 2)

    def test_a_schedule_gets_an_error_that_it_catches(self):
        with self.assertRaises(PostingInvalid), self.env.cr.savepoint():
            self.drafts(good=2, bad=1)._post()

    def test_plain_entries_do_not_enter_the_pipeline(self):
        step = Step("check", "never", lambda batch: self.fail("no document needs the pipeline"))
        with self.steps(step):
            (self.entry() | self.entry()).action_post()


@tagged("post_install", "-at_install")
class TestScheduled(PostingCase):
    def setUp(self):
        super().setUp()
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)

    def autopost(self, batch_size=100):
        self.env.flush_all()
        self.env["account.move"]._autopost_draft_entries(batch_size)

    def test_one_bad_draft_stops_no_other_and_gets_one_case(self):
        moves = self.drafts(good=3, bad=1)
        entry, empty = self.entry(), self.entry(line_ids=[])
        (moves | entry | empty).auto_post = "at_date"
        good, bad = self.split(moves)
        self.autopost(batch_size=2)
        self.assertEqual(set((good | entry).mapped("state")), {"posted"})
        self.assertEqual(set((bad | empty).mapped("state")), {"draft"})
        for move in bad | empty:
            self.assertEqual(len(self.cases(move, NOT_POSTED)), 1)
        self.autopost()
        for move in bad | empty:
            self.assertEqual(len(self.cases(move, NOT_POSTED)), 1)
            self.assertEqual(self.entries(move, "posting.refused"), 1)

    def test_the_case_is_closed_when_the_draft_is_posted(self):
        move = self.make_invoice(partner=self.incomplete, auto_post="at_date")
        self.autopost()
        self.assertTrue(self.cases(move, NOT_POSTED))
        move.partner_id = self.buyer
        case = self.cases(move, NOT_POSTED)
        self.assertEqual(case.company_id, self.company)
        self.assertTrue(case.deadline)
        self.autopost()
        self.assertEqual(move.state, "posted")
        self.assertEqual((case.state, case.resolution), ("resolved", "ended"))

    def test_the_finding_of_a_case_follows_what_is_wrong(self):
        move = self.make_invoice(partner=self.incomplete, auto_post="at_date")
        self.autopost()
        case = self.cases(move, NOT_POSTED)
        first = case.finding
        move.invoice_line_ids = [Command.clear()]
        self.autopost()
        self.assertEqual(self.cases(move, NOT_POSTED), case)
        self.assertNotEqual(case.finding, first)

    def test_an_accepted_refusal_is_raised_again_only_for_another_reason(self):
        move = self.make_invoice(partner=self.incomplete, auto_post="at_date")
        self.autopost()
        self.env["finance.case"]._close_for(
            move, "Agreed", kinds=[NOT_POSTED], resolution=OVERRIDDEN
        )
        self.autopost()
        self.assertFalse(self.cases(move, NOT_POSTED))
        move.invoice_line_ids = [Command.clear()]
        self.autopost()
        self.assertEqual(len(self.cases(move, NOT_POSTED)), 1)

    def test_the_case_of_a_deleted_or_hand_posted_draft_is_closed(self):
        drafts = self.drafts(good=0, bad=2)
        drafts.auto_post = "at_date"
        self.autopost()
        cases = self.cases(drafts, NOT_POSTED)
        self.assertEqual(len(cases), 2)
        drafts[0].unlink()
        drafts[1].partner_id = self.buyer
        drafts[1].action_post()
        self.env["finance.posting.watch"]._cron_watch()
        self.assertEqual(cases.mapped("state"), ["resolved"] * 2)

    def test_the_owner_is_who_works_on_the_document_where_that_person_may_decide(self):
        operator = new_test_user(
            self.env,
            login="guard_operator",
            groups="account.group_account_invoice,finance_connector_base.group_operator",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        own = self.make_invoice(partner=self.incomplete, auto_post="at_date")
        own.invoice_user_id = operator
        other = self.make_invoice(partner=self.incomplete, auto_post="at_date")
        other.invoice_user_id = self.accountant
        self.autopost()
        self.assertEqual(self.cases(own, NOT_POSTED).user_id, operator)
        self.assertNotEqual(self.cases(other, NOT_POSTED).user_id, self.accountant)

    def test_more_bad_drafts_than_one_batch_do_not_hold_back_the_others(self):
        bad = self.drafts(good=0, bad=4)
        good = self.make_invoice(invoice_date="2026-10-02")
        (bad | good).auto_post = "at_date"
        self.autopost(batch_size=2)
        self.assertEqual(good.state, "posted")

    def test_an_unexpected_error_of_one_document_stops_no_other(self):
        moves = self.drafts(good=3, bad=0)
        moves.auto_post = "at_date"
        model = self.env.registry["finance.posting"]
        original = model._steps

        def broken(batch):
            if moves[1] in batch.moves:
                raise KeyError("a programming error")

        with (
            patch.object(
                model, "_steps", lambda posting: [*original(posting), Step("check", "b", broken)]
            ),
            self.assertLogs(finance_posting._logger, "ERROR"),
        ):
            self.autopost()
        self.assertEqual(moves.mapped("state"), ["posted", "draft", "posted"])
        self.assertTrue(self.cases(moves[1], NOT_POSTED))

    def test_an_incomplete_future_draft_is_scheduled_and_checked_when_due(self):
        tomorrow = fields.Date.context_today(self.env.user) + timedelta(days=1)
        move = self.make_invoice(partner=self.incomplete, invoice_date=tomorrow)
        move._post(soft=True)
        self.assertEqual((move.state, move.auto_post), ("draft", "at_date"))
        self.assertFalse(self.cases(move, NOT_POSTED))
        move.invoice_date = tomorrow - timedelta(days=1)
        self.autopost()
        self.assertEqual(move.state, "draft")
        self.assertTrue(self.cases(move, NOT_POSTED))


@tagged("post_install", "-at_install")
class TestNoWayPast(PostingCase):
    def refused(self, error, act):
        with self.assertRaises(error), self.env.cr.savepoint():
            act()

    def test_f4_no_write_posts_a_document(self):
        move = self.make_invoice()
        posted = {"state": "posted"}
        journal = move.journal_id
        ways = {
            "user": lambda: self.as_accountant(move).write(posted),
            "attribute": lambda: setattr(self.as_accountant(move), "state", "posted"),
            "sudo": lambda: move.sudo().write(posted),
            "rpc": lambda: self.rpc(move, "write", posted, context=HOSTILE),
            "web_save": lambda: self.rpc(
                move, "web_save", posted, specification={}, context=HOSTILE
            ),
            "server action": lambda: self.run_code("record.write({'state': 'posted'})", move),
            "nested": lambda: journal.company_id.partner_id.write(
                {"invoice_ids": [Command.link(move.id), Command.update(move.id, posted)]}
            ),
            "with type": lambda: move.write({"state": "posted", "move_type": "entry"}),
        }
        for name, act in ways.items():
            with self.subTest(way=name):
                self.refused(PipelineRequired, act)
                self.assertEqual(move.state, "draft")

    def test_f4_no_import_posts_a_document(self):
        move = self.make_invoice()
        result = self.as_accountant(move.browse()).load(
            [".id", "state"], [[str(move.id), "posted"]]
        )
        self.assertFalse(result["ids"])
        self.assertEqual(move.state, "draft")

    def test_f4_no_document_is_created_posted(self):
        values = {
            "move_type": "out_invoice",
            "partner_id": self.buyer.id,
            "invoice_date": "2026-10-01",
            "invoice_line_ids": [self.line(self.goods)],
        }
        model = self.env["account.move"]
        ways = {
            "value": lambda: self.rpc(model, "create", [{**values, "state": "posted"}]),
            "default": lambda: self.rpc(
                model, "create", [values], context={"default_state": "posted"}
            ),
            "default with sudo": lambda: (
                model.sudo().with_context(default_state="posted").create(values)
            ),
            "copy": lambda: self.make_invoice().copy({"state": "posted"}),
        }
        for name, act in ways.items():
            with self.subTest(way=name):
                self.refused(UserError, act)

    def test_f4_no_change_of_type_leads_past_the_pipeline(self):
        draft = self.make_invoice()
        for kind in ("entry", "out_receipt"):
            with self.subTest(draft_becomes=kind):
                self.refused(PipelineRequired, lambda kind=kind: draft.write({"move_type": kind}))
        receipt = self.make_invoice(move_type="out_receipt")
        receipt.action_post()
        with self.subTest(posted="receipt"):
            self.refused(PipelineRequired, lambda: receipt.write({"move_type": "out_invoice"}))

    def test_f4_a_posted_document_does_not_change_its_customer_to_escape(self):
        """Posted for a consumer it is not submitted; afterwards it must not become a business's."""
        move = self.make_invoice(partner=self.consumer)
        move.action_post()
        for name, act in {
            "rpc": lambda: self.rpc(move, "write", {"partner_id": self.buyer.id}, context=HOSTILE),
            "sudo": lambda: (
                move.sudo().with_context(**HOSTILE).write({"partner_id": self.buyer.id})
            ),
        }.items():
            with self.subTest(way=name):
                self.refused(UserError, act)

    def test_the_result_of_posting_is_written_by_the_suite_alone(self):
        result = self.env["finance.posting.result"]
        self.refused(AccessError, lambda: self.rpc(result, "create", [{"following": {}}]))

    def test_a_draft_may_become_a_credit_note_and_back(self):
        move = self.make_invoice()
        move.action_switch_move_type()
        self.assertEqual(move.move_type, "out_refund")

    def test_a_company_without_regime_and_engine_is_left_alone(self):
        self.company.finance_einvoice_regime = False
        move = self.make_invoice()
        move.write({"move_type": "entry"})
        move.write({"state": "posted"})
        self.assertEqual(move.state, "posted")

    def test_fields_of_the_suite_are_written_by_the_suite_alone(self):
        move = self.make_invoice()
        model = self.env["account.move"]
        values = {"finance_tax_state": "determined"}
        ways = {
            "write": lambda: self.rpc(move, "write", values, context=HOSTILE),
            "sudo": lambda: move.sudo().write(values),
            "server action": lambda: self.run_code(f"record.write({values})", move),
            "create": lambda: model.create({"move_type": "out_invoice", **values}),
            "default": lambda: model.with_context(default_finance_tax_state="determined").create(
                {"move_type": "out_invoice"}
            ),
            "one2many": lambda: move.write({"einvoice_ids": [Command.clear()]}),
        }
        for name, act in ways.items():
            with self.subTest(way=name):
                self.refused(ReservedField, act)
        self.assertEqual(move.finance_tax_state, "none")

    def test_a_default_of_a_user_is_no_way_to_write_fields_of_the_suite(self):
        defaults = self.env["ir.default"].with_user(self.accountant)
        defaults.set("account.move", "finance_tax_state", "determined", user_id=True)
        defaults.set("account.move", "finance_tax_remediation", "resolved", user_id=True)
        move = self.as_accountant(self.env["account.move"]).create(
            {"move_type": "out_invoice", "partner_id": self.buyer.id}
        )
        self.assertEqual(move.finance_tax_state, "none")
        self.assertFalse(move.finance_tax_remediation)

    def test_a_bank_statement_line_is_made_with_the_defaults_of_a_document(self):
        """A statement line hands what ``default_get`` of its entry returns to ``create``."""
        bank = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        line = self.env["account.bank.statement.line"].create(
            {"journal_id": bank.id, "payment_ref": "Receipt", "amount": 12.0}
        )
        self.assertEqual(line.move_id.finance_tax_state, "none")

    def test_a_determination_stores_nothing_but_its_result(self):
        with self.assertRaises(ValueError):
            self.run_code("record._finance_store_tax({'ref': 'X'})", self.make_invoice())

    def test_a_default_of_a_user_posts_nothing(self):
        self.env["ir.default"].with_user(self.accountant).set(
            "account.move", "state", "posted", user_id=True
        )
        values = {"move_type": "out_invoice", "partner_id": self.buyer.id}
        self.refused(UserError, lambda: self.rpc(self.env["account.move"], "create", [values]))

    def test_the_marker_of_the_suite_covers_the_named_fields_of_the_named_records_only(self):
        move, other = self.make_invoice(), self.make_invoice()

        def nested(records, vals):
            other.write({"finance_tax_state": "determined"})

        with patch.object(type(move), "_finance_check_reserved", autospec=True) as check:
            finance_posting.suite_write(move, {"finance_tax_remediation": "pending"})
            check.assert_not_called()
        with finance_posting._set(
            finance_posting._writing,
            ("account.move", frozenset(move.ids), frozenset({"finance_tax_remediation"})),
        ):
            self.refused(ReservedField, lambda: nested(None, None))
            self.refused(ReservedField, lambda: move.write({"finance_tax_state": "determined"}))


@tagged("post_install", "-at_install")
class TestOdoosWaysToPost(PostingCase):
    """Each way in which Odoo itself posts or makes documents ends in the pipeline, or is refused."""

    def setUp(self):
        super().setUp()
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        self.seen = set()
        model = self.env.registry["finance.posting"]
        original = model._steps
        spy = Step("check", "zz.spy", lambda batch: self.seen.update(batch.moves.ids))
        self.patch(model, "_steps", lambda posting: [*original(posting), spy])

    def wizard(self, model, move, context=None, **values):
        return (
            self.as_accountant(self.env[model])
            .with_context(
                active_model="account.move", active_ids=move.ids, **HOSTILE, **(context or {})
            )
            .create(values)
        )

    def reversal(self, move, **context):
        return self.wizard("account.move.reversal", move, context, journal_id=move.journal_id.id)

    def posted_by_odoo(self):
        move = self.make_invoice()
        move.action_post()
        return move

    def made(self, act):
        """Return the documents of a customer that exist only since the act."""
        domain = [
            ("company_id", "=", self.company.id),
            ("move_type", "in", ("out_invoice", "out_refund")),
        ]
        before = self.env["account.move"].search(domain)
        act()
        self.env.flush_all()
        return self.env["account.move"].search(domain) - before

    def test_f4_what_odoo_posts_has_passed_the_pipeline(self):
        draft, first = self.make_invoice(), self.posted_by_odoo()
        second, recurring = self.posted_by_odoo(), self.make_invoice(invoice_date="2026-09-01")
        recurring.auto_post = "monthly"
        due = self.make_invoice()
        due.auto_post = "at_date"
        ways = {
            "button": (draft, draft.action_post),
            "validate wizard": (
                other := self.make_invoice(),
                self.wizard(
                    "validate.account.move", other, move_ids=[Command.set(other.ids)]
                ).validate_move,
            ),
            "reversal": (None, lambda: first._reverse_moves(cancel=True)),
            "reversal and new document": (None, lambda: self.reversal(second).modify_moves()),
            "scheduled and recurring": (
                due | recurring,
                lambda: self.env["account.move"]._autopost_draft_entries(100),
            ),
            "recurring again": (
                None,
                lambda: self.env["account.move"]._autopost_draft_entries(100),
            ),
        }
        for name, (moves, act) in ways.items():
            with self.subTest(way=name):
                self.seen.clear()
                before = (moves or draft.browse()).filtered(lambda move: move.state == "draft")
                made = self.made(act)
                posted = (before | made).filtered(lambda move: move.state == "posted")
                # A recurring document has been copied by the run before.
                if name == "recurring again":
                    posted = self.env["account.move"].search(
                        [("auto_post_origin_id", "=", recurring.id), ("state", "=", "posted")]
                    )
                    posted -= recurring
                self.assertTrue(posted)
                self.assertLessEqual(set(posted.ids), self.seen)
                self.assertEqual(posted.filtered("einvoice_id"), posted)

    def test_f4_what_odoo_makes_is_a_draft_or_refused(self):
        posted = {"default_state": "posted"}
        move, source = self.posted_by_odoo(), self.make_invoice()
        model = self.env["account.move"]
        journal = move.journal_id
        bank = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        statement = {
            "journal_id": bank.id,
            "payment_ref": "Receipt",
            "amount": 120.0,
            "partner_id": self.buyer.id,
            "date": "2026-10-02",
        }
        lines = self.env["account.bank.statement.line"].with_context(**HOSTILE)
        line = lines.create(statement)
        ways = {
            "copy": move.copy,
            "copy as posted": lambda: move.copy({"state": "posted"}),
            "copy with a default": lambda: move.with_context(**posted).copy(),
            "reversal": lambda: self.reversal(move).refund_moves(),
            "reversal with a default": lambda: self.reversal(move, **posted).refund_moves(),
            "e-mail": lambda: model.message_new(
                {"from": self.buyer.email or "a@roux.example", "to": "", "subject": "Order"},
                {"move_type": "out_invoice", "journal_id": journal.id, "state": "posted"},
            ),
            "import of a new document": lambda: self.as_accountant(model).load(
                ["move_type", "partner_id/.id", "state"],
                [["out_invoice", str(self.buyer.id), "posted"]],
            ),
            "bank statement line": lambda: lines.create({**statement, "move_type": "out_invoice"}),
            "document of a bank statement line": lambda: line.move_id.with_context(**HOSTILE).write(
                {"move_type": "out_invoice"}
            ),
            "bank statement line itself": lambda: line.write({"move_type": "out_invoice"}),
            "sending of a draft": lambda: self.wizard("account.move.send.wizard", source),
            "sending of a draft by a job": lambda: self.env[
                "account.move.send"
            ]._generate_and_send_invoices(source, sending_methods=["manual"]),
            "resequencing of a draft": lambda: self.wizard(
                "account.resequence.wizard", source, first_name="NEW/2026/00001"
            ).resequence(),
            "state of a line": lambda: (
                source.line_ids.sudo().with_context(**HOSTILE).write({"parent_state": "posted"})
            ),
        }
        outcomes = {}
        for name, act in ways.items():
            with self.subTest(way=name), closing(self.env.cr.savepoint()):
                try:
                    with self.env.cr.savepoint():
                        made = self.made(act)
                    outcomes[name] = made.mapped("state")
                except UserError as error:
                    outcomes[name] = type(error).__name__
                self.env.invalidate_all()
                self.assertEqual(source.state, "draft")
                self.assertEqual(line.move_id.move_type, "entry")
        self.assertEqual(
            outcomes,
            {
                "copy": ["draft"],
                "copy as posted": "UserError",
                "copy with a default": "PipelineRequired",
                "reversal": ["draft"],
                "reversal with a default": "PipelineRequired",
                "e-mail": ["draft"],
                "import of a new document": [],
                "bank statement line": [],
                "document of a bank statement line": "PipelineRequired",
                "bank statement line itself": "PipelineRequired",
                "sending of a draft": "UserError",
                "sending of a draft by a job": "UserError",
                "resequencing of a draft": [],
                "state of a line": [],
            },
        )


@tagged("post_install", "-at_install")
class TestWatch(PostingCase):
    def watch(self):
        self.env["finance.posting.watch"]._cron_watch()

    def test_a_document_posted_past_everything_is_found_once_and_closed_when_resolved(self):
        move = self.make_invoice()
        move.flush_recordset()
        self.env.cr.execute("UPDATE account_move SET state = 'posted' WHERE id = %s", [move.id])
        move.invalidate_recordset()
        self.watch()
        self.assertEqual(len(self.cases(move, NO_EVIDENCE)), 1)
        self.watch()
        self.assertEqual(len(self.cases(move, NO_EVIDENCE)), 1)
        self.assertEqual(self.entries(move, "posting.evidence_missing"), 1)
        move.button_draft()
        move.action_post()
        self.watch()
        self.assertFalse(self.cases(move, NO_EVIDENCE))

    def test_documents_from_before_the_regime_and_documents_of_consumers_need_no_evidence(self):
        self.company.finance_einvoice_regime = False
        before = self.make_invoice()
        before.action_post()
        before.flush_recordset()
        self.env.cr.execute(
            "UPDATE account_move SET create_date = create_date - interval '90 days' WHERE id = %s",
            [before.id],
        )
        self.company.finance_einvoice_regime = "fr"
        consumer = self.make_invoice(partner=self.consumer)
        consumer.action_post()
        self.watch()
        self.assertFalse(self.cases(before | consumer, NO_EVIDENCE))


@tagged("post_install", "-at_install")
class TestLarge(PostingCase):
    """F19: what is large is posted within bounds or refused with a sentence, and nothing half."""

    def large(self, megabytes):
        move = self.make_invoice()
        move.narration = "<p>%s</p>" % ("lorem ipsum " * (megabytes * 1024 * 1024 // 12))
        return move

    def test_f19_a_narration_of_five_megabytes_is_queued_once(self):
        move = self.large(5)
        move.action_post()
        self.assertEqual((move.state, move.einvoice_state), ("posted", "submitted"))
        exchange = move.einvoice_id.exchange_id
        self.assertEqual(len(exchange), 1)
        self.assertLess(exchange.payload_size, 20 * 1024 * 1024)

    def test_f19_a_document_beyond_the_limit_is_refused_and_stays_a_draft(self):
        move, good = self.large(2), self.make_invoice()
        before = self.env["finance.exchange"].search_count([])
        with (
            patch.dict(config.options, {OPTION: "1"}),
            self.assertRaises(PayloadTooLarge) as refused,
        ):
            move.action_post()
        self.assertEqual(refused.exception.finding.code, "storage.payload_too_large")
        self.env.invalidate_all()
        self.assertEqual(move.state, "draft")
        self.assertFalse(move.einvoice_id.exchange_id)
        self.assertEqual(self.env["finance.exchange"].search_count([]), before)
        with patch.dict(config.options, {OPTION: "1"}):
            good.action_post()
        self.assertEqual(good.einvoice_state, "submitted")

    def test_f19_four_hundred_lines_are_queued(self):
        move = self.make_invoice()
        line = move.invoice_line_ids[0]
        move.invoice_line_ids = [
            Command.create(
                {
                    "name": f"Line {number}",
                    "quantity": 1,
                    "price_unit": 10.0,
                    "tax_ids": [Command.set(line.tax_ids.ids)],
                }
            )
            for number in range(399)
        ]
        move.action_post()
        self.assertEqual((move.state, move.einvoice_state), ("posted", "submitted"))
        self.assertEqual(len(move.invoice_line_ids), 400)
