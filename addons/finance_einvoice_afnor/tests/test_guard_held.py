"""What is held or on its way does not change, by any way of writing (E12); what people still need to do works."""

import hashlib
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.core.cases import DIFFERENCE, OVERRIDDEN
from odoo.addons.finance_connector_base.exceptions import ReservedField
from odoo.addons.finance_einvoice.core import guard, lifecycle
from odoo.addons.finance_einvoice.models.finance_einvoice_guard import EinvoiceHeld
from odoo.addons.finance_einvoice.models.finance_einvoice_route import OtherRoute
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from .guard_case import HOSTILE, GuardCase

PAGE = Path(__file__).parents[3] / "docs" / "guards.md"
STATES = tuple(lifecycle.TRANSITIONS)
#: Set by the ORM itself; a value that is given is ignored.
AUTOMATIC = frozenset({"id", "create_uid", "create_date", "write_uid", "write_date"})
X2MANY = ("one2many", "many2many")


class HeldCase(GuardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.move = cls.make_invoice(ref="PO-1", narration="Terms")
        cls.move.action_post()
        cls.product_line = cls.move.invoice_line_ids

    def set_state(self, state, move=None):
        unguarded(self.env, "finance_einvoice")
        (move or self.move).einvoice_id.sudo().write({"state": state})

    def outcome(self, act):
        """Return "refused" or "free" of one way of writing; what else Odoo says about it does not matter here."""
        try:
            with self.env.cr.savepoint():
                act()
                self.env.flush_all()
                raise Undo
        except (EinvoiceHeld, OtherRoute):
            return "refused"
        except Exception:  # noqa: BLE001 - Odoo refuses some fields for reasons of its own
            return "free"


class Undo(Exception):
    """Ends a savepoint whose changes are not kept."""


def stored(model):
    """Names of the fields whose values reach the database."""
    return sorted(
        name
        for name, field in model._fields.items()
        if (field.store or field.inverse) and name not in AUTOMATIC
    )


def same(record, name):
    """Return the present value of a field as something to write."""
    field = record._fields[name]
    return [] if field.type in X2MANY else field.convert_to_write(record[name], record)


def changed(record, name):
    """Return another value of a field; for types that have none, the present one."""
    field, value = record._fields[name], record[name]
    if field.type in X2MANY:
        return [(int(Command.CLEAR), 0, 0)]  # as text it is valid code of a server action
    if field.type == "boolean":
        return not value
    if field.type in ("integer", "float", "monetary"):
        return (value or 0) + 1
    if field.type in ("char", "text", "html"):
        return f"{value or ''}X"
    if field.type == "date":
        return date(2026, 9, 1)
    if field.type == "datetime":
        return datetime(2026, 9, 1)
    if field.type == "selection":
        options = [key for key in field.get_values(record.env) if key != value]
        return options[0] if options else value
    if field.type == "many2one":
        domain = [("id", "!=", value.id)]
        return record.env[field.comodel_name].sudo().search(domain, limit=1).id
    if field.type == "json":
        return {"changed": True}
    return same(record, name)


@tagged("post_install", "-at_install")
class TestMatrix(HeldCase):
    """Every stored field × way of writing × state of the e-invoice."""

    def ways(self, records):
        """Return name → function that writes values."""
        model = records._name
        ways = {
            "user": lambda vals: self.as_accountant(records).write(vals),
            "rpc": lambda vals: self.rpc(records, "write", vals, context=HOSTILE),
            "sudo": lambda vals: records.sudo().with_context(**HOSTILE).write(vals),
            "server action": lambda vals: self.run_code(
                f"env[{model!r}].browse({records.ids}).sudo().with_context({HOSTILE}).write({vals!r})",
                records,
            ),
        }
        if model == "account.move.line":
            for name in ("line_ids", "invoice_line_ids"):
                ways[name] = lambda vals, name=name: self.move.with_context(**HOSTILE).write(
                    {name: [Command.update(records.id, vals)]}
                )
        return ways

    def check(self, records, free):
        """Compare what each way of writing each field leads to with the table of docs/guards.md."""
        names = [name for name in stored(records) if name != "state"]
        values = {name: changed(records, name) for name in names}
        really = [name for name in names if values[name] != same(records, name)]
        self.assertGreater(len(really), len(names) * 0.8)
        wrong = []
        for state in STATES:
            self.set_state(state)
            guarded = state in lifecycle.GUARDED
            for name in names:
                value = values[name] if guarded else same(records, name)
                ways = self.ways(records)
                if not guarded:
                    ways = {"sudo": ways["sudo"]}
                for way, write in ways.items():
                    # A free field of a line is written on the line, not nested in its document.
                    is_refused = guarded and (name not in free or way.endswith("line_ids"))
                    expected = "refused" if is_refused else "free"
                    found = self.outcome(lambda write=write, vals={name: value}: write(dict(vals)))
                    if found != expected:
                        wrong.append((state, way, name, found))
        self.assertEqual(wrong, [])

    def test_e12_invoice(self):
        self.check(self.move, guard.FREE_OF_MOVE)

    def test_e12_line(self):
        self.check(self.product_line, guard.FREE_OF_LINE)

    def test_e12_nested_commands(self):
        line, free = self.product_line, {"analytic_distribution": False}
        other = self.make_invoice().invoice_line_ids
        refused = {
            "free field": [Command.update(line.id, free)],
            "one field more": [Command.update(line.id, {**free, "name": "X"})],
            "one command more": [Command.update(line.id, free), Command.delete(line.id)],
            "set": [Command.set(line.ids)],
            "unlink": [Command.unlink(line.id)],
            "link": [Command.link(other.id)],
            "of another list": [Command.update(line.id, {"move_id": other.move_id.id})],
            "recordset": line,
        }
        for state in lifecycle.GUARDED:
            self.set_state(state)
            for field in ("line_ids", "invoice_line_ids"):
                for way, commands in refused.items():
                    with self.subTest(state=state, field=field, way=way):
                        self.assertEqual(
                            self.outcome(
                                lambda vals={field: commands}: (
                                    self.move.sudo().with_context(**HOSTILE).write(vals)
                                )
                            ),
                            "refused",
                        )

    def test_e12_import_changes_nothing(self):
        """Imported is what a user may write, so Odoo's own refusals count as well."""
        for state in sorted(lifecycle.GUARDED):
            self.set_state(state)
            for name in stored(self.move):
                field = self.move._fields[name]
                if name in guard.FREE_OF_MOVE or field.type not in ("char", "text", "date"):
                    continue
                with self.subTest(state=state, field=name):
                    self.assertFalse(self.imported(name, str(changed(self.move, name))))

    def test_e12_lines_are_not_added_moved_or_removed(self):
        other = self.make_invoice()
        values = {"name": "More", "price_unit": 1.0, "move_id": self.move.id}
        model = self.env["account.move.line"].with_context(**HOSTILE)
        tax_line = self.move.line_ids.filtered("tax_line_id")
        ways = {
            "create": lambda: model.sudo().create(values),
            "create by rpc": lambda: self.rpc(model.browse(), "create", [values], context=HOSTILE),
            "create by default": lambda: model.with_context(default_move_id=self.move.id).create(
                {"name": "More", "price_unit": 1.0}
            ),
            "create nested": lambda: (
                self.move.sudo()
                .with_context(**HOSTILE)
                .write({"invoice_line_ids": [Command.create({"name": "More", "price_unit": 1.0})]})
            ),
            "unlink": lambda: self.product_line.sudo().with_context(**HOSTILE).unlink(),
            "unlink by rpc": lambda: self.rpc(self.product_line, "unlink", context=HOSTILE),
            "unlink of a tax line": lambda: tax_line.sudo().with_context(**HOSTILE).unlink(),
            "unlink nested": lambda: (
                self.move.sudo()
                .with_context(**HOSTILE)
                .write({"line_ids": [Command.delete(self.product_line.id)]})
            ),
            "moved here": lambda: other.invoice_line_ids.with_context(**HOSTILE).write(
                {"move_id": self.move.id}
            ),
            "moved away": lambda: self.product_line.with_context(**HOSTILE).write(
                {"move_id": other.id}
            ),
            "stolen": lambda: other.with_context(**HOSTILE).write(
                {"line_ids": [Command.link(self.product_line.id)]}
            ),
        }
        for state in STATES:
            self.set_state(state)
            expected = "refused" if state in lifecycle.GUARDED else "free"
            for name, act in ways.items():
                with self.subTest(state=state, way=name):
                    self.assertEqual(self.outcome(act), expected)

    def test_e12_server_action_and_import(self):
        fields_ = {"ref": "PO-2", "narration": "Other", "invoice_date": "2026-09-01", "name": "X/1"}
        for state in STATES:
            self.set_state(state)
            expected = "refused" if state in lifecycle.GUARDED else "free"
            for name, value in fields_.items():
                with self.subTest(state=state, field=name):
                    code = f"record.with_context({HOSTILE}).write({{{name!r}: {value!r}}})"
                    self.assertEqual(
                        self.outcome(lambda code=code: self.run_code(code, self.move)), expected
                    )
                    if expected == "refused":
                        self.assertFalse(self.imported(name, value))

    def imported(self, name, value):
        model = self.as_accountant(self.move.browse()).with_context(**HOSTILE)
        return model.load([".id", name], [[str(self.move.id), value]])["ids"]

    def test_e12_changed_values_are_refused_and_nothing_is_changed(self):
        self.set_state(lifecycle.ACCEPTED)
        before = self.rendering()
        line = self.product_line
        changes = [
            (self.move, {"partner_id": self.buyer_de.id}),
            (self.move, {"invoice_date": "2026-09-01"}),
            (self.move, {"currency_id": self.env.ref("base.USD").id}),
            (self.move, {"invoice_line_ids": [Command.clear()]}),
            (self.move, {"name": "X/1"}),
            (self.move, {"ref": "X"}),
            (self.move, {"narration": "X"}),
            (self.move, {"delivery_date": "2026-09-01"}),
            (self.move, {"invoice_date_due": "2026-12-01"}),
            (self.move, {"partner_shipping_id": self.buyer_de.id}),
            (self.move, {"payment_reference": "X"}),
            (self.move, {"finance_fr_note_pmd": "X"}),
            (self.move, {"move_type": "entry"}),
            (line, {"price_unit": 1.0}),
            (line, {"quantity": 2.0}),
            (line, {"name": "X"}),
            (line, {"tax_ids": [Command.clear()]}),
        ]
        for record, vals in changes:
            with self.subTest(vals=vals), self.assertRaises(EinvoiceHeld), self.env.cr.savepoint():
                self.rpc(record, "write", vals, context=HOSTILE)
        for vals in ({"finance_tax_state": "determined"}, {"finance_tax_determination_id": 1}):
            with (
                self.subTest(vals=vals),
                self.assertRaises(EinvoiceHeld),
                self.env.cr.savepoint(),
            ):
                self.move.sudo().write(vals)
        self.assertEqual(self.rendering(), before)

    def test_e12_the_rate_of_a_tax_that_is_used(self):
        tax = self.product_line.tax_ids
        for state in STATES:
            self.set_state(state)
            expected = "refused" if state in lifecycle.GUARDED else "free"
            with self.subTest(state=state):
                rate = {"amount": 7.0}
                self.assertEqual(
                    self.outcome(lambda rate=rate: self.rpc(tax, "write", rate, context=HOSTILE)),
                    expected,
                )
        self.set_state(lifecycle.ACCEPTED)
        self.rpc(tax, "write", {"name": "Renamed", "amount": tax.amount})
        self.assertEqual(tax.name, "Renamed")

    def test_e12_what_the_rendering_shows_of_a_tax_is_guarded(self):
        """Change each field of a tax that is still free: what the rendering shows then must be in the list."""
        tax, regime = self.product_line.tax_ids, self.env["finance.einvoice.regime.fr"]
        self.set_state(lifecycle.REJECTED)
        before = regime._comparable(self.rendering())
        shown = set()
        for name in stored(tax):
            value = changed(tax, name)
            try:
                with self.env.cr.savepoint():
                    tax.sudo().write({name: value})
                    self.env.flush_all()
                    if regime._comparable(self.rendering()) != before:
                        shown.add(name)
                    raise Undo
            except Exception:  # noqa: BLE001 - Odoo refuses some fields of a used tax itself
                self.env.invalidate_all()
        self.assertIn("amount", shown)
        self.assertLessEqual(shown, guard.RATE_OF_TAX)

    def test_reserved_fields_are_refused_in_every_state(self):
        for state in set(STATES) - lifecycle.GUARDED:
            self.set_state(state)
            with (
                self.subTest(state=state),
                self.assertRaises(ReservedField),
                self.env.cr.savepoint(),
            ):
                self.move.sudo().write({"finance_tax_state": "determined"})

    def rendering(self):
        self.env.invalidate_all()
        return self.env["finance.einvoice.regime.fr"]._render(self.move)[1]

    def test_the_refusal_names_the_field_and_the_document(self):
        self.set_state(lifecycle.ACCEPTED)
        with self.assertRaises(EinvoiceHeld) as caught:
            self.move.write({"ref": "X"})
        label = self.move._fields["ref"]._description_string(self.env)
        self.assertIn(label, caught.exception.args[0])
        self.assertIn(self.move.display_name, caught.exception.args[0])

    def test_the_page_shows_the_same_table(self):
        self.assertIn(guard.table(), PAGE.read_text())


@tagged("post_install", "-at_install")
class TestStillPossible(HeldCase):
    """What people do with a held invoice."""

    def setUp(self):
        super().setUp()
        self.set_state(lifecycle.ACCEPTED)
        self.held = self.as_accountant(self.move)

    def pay(self):
        wizard = (
            self.env["account.payment.register"]
            .with_user(self.accountant)
            .with_context(
                active_model="account.move",
                active_ids=self.move.ids,
                allowed_company_ids=self.company.ids,
            )
            .create({})
        )
        return wizard._create_payments()

    def test_payment_reconciliation_and_back(self):
        self.pay()
        self.assertIn(self.move.payment_state, ("paid", "in_payment"))
        self.held.line_ids.remove_move_reconcile()
        self.assertEqual(self.move.payment_state, "not_paid")

    def test_follower_activity_note_and_flag(self):
        self.held.message_subscribe(self.buyer.ids)
        self.held.activity_schedule("mail.mail_activity_data_todo", user_id=self.accountant.id)
        self.held.message_post(body="A note")
        self.held.write({"checked": True})
        self.assertIn(self.buyer, self.move.message_partner_ids)

    def test_analytic_distribution(self):
        plan = self.env["account.analytic.plan"].create({"name": "Projects"})
        account = self.env["account.analytic.account"].create(
            {"name": "Site", "plan_id": plan.id, "company_id": self.company.id}
        )
        line = self.held.invoice_line_ids
        line.analytic_distribution = {str(account.id): 100}
        self.assertEqual(line.analytic_distribution, {str(account.id): 100})

    def test_print_and_send(self):
        pdf = b"%PDF-1.4 test"
        report = type(self.env["ir.actions.report"])
        with (
            patch.object(report, "_pre_render_qweb_pdf", lambda *_a, **_k: (pdf, "pdf")),
            patch.object(report, "_get_splitted_report", lambda *_a, **_k: {self.move.id: pdf}),
        ):
            self.env["account.move.send"].with_user(self.accountant).with_context(
                allowed_company_ids=self.company.ids
            )._generate_and_send_invoices(self.held, sending_methods=["manual"])
        self.assertTrue(self.move.invoice_pdf_report_id)
        self.assertTrue(self.move.is_move_sent)

    def test_credit_note(self):
        credit = self.held._reverse_moves([{"invoice_date": self.move.invoice_date}], cancel=True)
        self.assertEqual(credit.state, "posted")
        self.assertIn(self.move.payment_state, ("paid", "reversed"))
        self.assertEqual(credit.einvoice_state, "submitted")

    def test_e6_draft_and_cancel_stay_with_the_life_cycle(self):
        self.set_state(lifecycle.REJECTED)
        self.held.button_draft()
        self.assertEqual(self.move.einvoice_state, lifecycle.REMEDIATION)
        self.held.invoice_line_ids.name = "Corrected"
        self.assertEqual(self.move.invoice_line_ids.name, "Corrected")


@tagged("post_install", "-at_install")
class TestIndirectChanges(HeldCase):
    """Wizards and records around a held invoice do not change what its e-invoice shows."""

    def setUp(self):
        super().setUp()
        self.set_state(lifecycle.ACCEPTED)
        self.before = self.rendering()

    def rendering(self):
        self.env.flush_all()
        self.env.invalidate_all()
        regime = self.env["finance.einvoice.regime.fr"]
        return regime._comparable(regime._render(self.move)[1])

    def refused(self, error, act):
        with self.assertRaises(error), self.env.cr.savepoint():
            act()
        self.assertEqual(self.rendering(), self.before)

    def wizard(self, model, **values):
        return (
            self.env[model]
            .with_user(self.accountant)
            .with_context(
                active_model="account.move",
                active_ids=self.move.ids,
                allowed_company_ids=self.company.ids,
                **HOSTILE,
            )
            .create(values)
        )

    def test_resequencing(self):
        wizard = self.wizard("account.resequence.wizard", first_name="NEW/2026/00001")
        self.refused(EinvoiceHeld, wizard.resequence)

    def test_merging_customers(self):
        wizard = self.env["base.partner.merge.automatic.wizard"]
        duplicate = self.buyer.copy({"email": self.buyer.email})
        self.refused(EinvoiceHeld, lambda: wizard._merge((self.buyer | duplicate).ids, duplicate))
        wizard._merge((self.buyer | duplicate).ids, self.buyer)
        self.assertFalse(duplicate.exists())
        self.assertEqual(self.rendering(), self.before)

    def test_another_parent_of_the_customer(self):
        parent = self.buyer.copy({"name": "Holding", "vat": self.buyer.vat})
        self.refused(EinvoiceHeld, lambda: self.buyer.write({"parent_id": parent.id}))

    def test_credit_note_with_a_new_document(self):
        wizard = self.wizard("account.move.reversal", journal_id=self.move.journal_id.id)
        wizard.modify_moves()
        self.assertEqual(self.move.einvoice_state, lifecycle.ACCEPTED)
        self.assertEqual(self.rendering(), self.before)

    def test_reversal_that_cancels(self):
        self.as_accountant(self.move)._reverse_moves(cancel=True)
        self.assertEqual(self.rendering(), self.before)

    def test_draft_and_cancel(self):
        for method in ("button_draft", "button_cancel"):
            self.refused(UserError, lambda name=method: self.rpc(self.move, name, context=HOSTILE))

    def test_unlink(self):
        for records in (self.move, self.move.sudo()):
            self.refused(UserError, lambda held=records: held.with_context(**HOSTILE).unlink())

    def test_currency_rates(self):
        move = self.make_invoice(currency_id=self.env.ref("base.USD").id)
        move.action_post()
        self.set_state(lifecycle.ACCEPTED, move)
        self.move = move
        before = self.rendering()
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.env.ref("base.USD").id,
                "company_id": self.company.id,
                "name": "2026-09-30",
                "rate": 7.0,
            }
        )
        self.assertEqual(self.rendering(), before)

    def test_messages_and_mail_replies(self):
        self.as_accountant(self.move).message_post(
            body="Attached", attachments=[("other.xml", b"<Invoice/>"), ("other.pdf", b"%PDF-1.4")]
        )
        self.assertEqual(self.rendering(), self.before)
        self.refused(EinvoiceHeld, lambda: self.move.message_update({}, {"ref": "X"}))

    def test_files_of_a_version(self):
        version = self.move.einvoice_id.version_ids
        domain = [
            ("res_model", "=", version._name),
            ("res_field", "=", "content"),
            ("res_id", "=", version.id),
        ]
        file = self.env["ir.attachment"].sudo().search(domain).with_context(**HOSTILE)
        self.assertEqual(len(file), 1)
        content = version.content
        self.env.flush_all()
        for act in (
            lambda: file.write({"datas": b"Zm9yZ2Vk"}),
            lambda: file.write({"res_id": version.id + 1}),
            file.unlink,
            file.copy,
            lambda: file.create(
                {
                    "name": "content",
                    "datas": b"Zm9yZ2Vk",
                    "res_model": version._name,
                    "res_field": "content",
                    "res_id": version.id,
                }
            ),
        ):
            self.refused(EvidenceIsAppendOnly, act)
        self.assertEqual(version.content, content)

    def test_records_of_the_suite(self):
        einvoice = self.move.einvoice_id
        for records in (einvoice.version_ids, einvoice.exchange_id, einvoice):
            for attempt in (
                lambda held=records: self.rpc(held, "unlink", context=HOSTILE),
                lambda held=records: held.sudo().with_context(**HOSTILE).unlink(),
            ):
                self.refused(UserError, attempt)
            self.assertTrue(records.exists())

    def test_taxes(self):
        tax = self.product_line.tax_ids
        repartition = tax.invoice_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "tax"
        )
        with mute_logger("odoo.sql_db"):
            self.refused(IntegrityError, tax.with_context(**HOSTILE).unlink)
        self.refused(EinvoiceHeld, lambda: tax.write({"children_tax_ids": [Command.clear()]}))
        try:
            with self.env.cr.savepoint():
                repartition.write({"factor_percent": 50.0})
                self.assertEqual(self.rendering(), self.before)
        except UserError:
            self.assertEqual(self.rendering(), self.before)


@tagged("post_install", "-at_install")
class TestNightlyComparison(HeldCase):
    def setUp(self):
        super().setUp()
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        self.set_state(lifecycle.ACCEPTED)

    def compare(self):
        self.move.einvoice_id.sudo().compared_at = False
        self.env["finance.einvoice"]._cron_compare_renderings(batch_size=1)
        self.env.invalidate_all()

    def issues(self):
        return self.cases(self.move, DIFFERENCE)

    def entries(self):
        return self.env["finance.audit.entry"].search_count(
            [("action", "=", "einvoice.differs"), ("document_id", "=", self.move.id)]
        )

    def change(self, statement, *args):
        """Change behind the ORM."""
        self.env.flush_all()
        self.env.cr.execute(statement, args)
        self.env.invalidate_all()

    def test_the_rendering_is_reproducible(self):
        _name, content = self.env["finance.einvoice.regime.fr"]._render(self.move)
        version = self.move.einvoice_id.version_ids
        self.assertEqual(hashlib.sha256(content).hexdigest(), version.sha256)
        self.compare()
        self.assertFalse(self.issues())
        self.assertTrue(self.move.einvoice_id.compared_at)

    def test_a_change_behind_the_orm_is_found_once_and_closed_when_restored(self):
        line = self.product_line
        self.change("UPDATE account_move_line SET name = 'Forged' WHERE id = %s", line.id)
        self.compare()
        self.compare()
        self.assertEqual((len(self.issues()), self.entries()), (1, 1))
        case = self.issues()
        self.change(
            "UPDATE account_move_line SET name = %s WHERE id = %s", self.goods.display_name, line.id
        )
        self.compare()
        self.assertFalse(self.issues())
        self.assertEqual((case.state, case.resolution), ("resolved", "ended"))

    def test_a_difference_that_a_person_has_accepted_is_not_raised_again(self):
        line = self.product_line
        self.change("UPDATE account_move_line SET name = 'Forged' WHERE id = %s", line.id)
        self.compare()
        self.env["finance.case"]._close_for(self.move, "Known", resolution=OVERRIDDEN)
        self.compare()
        self.assertFalse(self.issues())
        self.change("UPDATE account_move_line SET name = 'Again' WHERE id = %s", line.id)
        self.compare()
        self.assertEqual(len(self.issues()), 1)

    def test_amount_date_number_and_tax_are_compared(self):
        line = self.product_line
        for statement, record in (
            ("UPDATE account_move SET invoice_date = '2026-09-01' WHERE id = %s", self.move),
            ("UPDATE account_move SET name = 'X/1' WHERE id = %s", self.move),
            ("UPDATE account_move SET ref = 'X' WHERE id = %s", self.move),
            ("UPDATE account_move_line SET price_unit = 7 WHERE id = %s", line),
            ("UPDATE account_tax SET amount = 7 WHERE id = %s", line.tax_ids),
        ):
            with self.subTest(statement=statement), self.env.cr.savepoint() as point:
                self.change(statement, record.id)
                self.compare()
                self.assertEqual(len(self.issues()), 1)
                point.rollback()
            self.env.invalidate_all()

    def test_payments_and_master_data_are_no_difference(self):
        self.buyer.write({"street": "9 rue Neuve", "name": "Menuiserie Roux SARL"})
        self.goods.name = "Table"
        self.company.finance_fr_note_pmd = "Autre texte"
        TestStillPossible.pay(self)
        self.compare()
        self.assertFalse(self.issues())

    def test_a_document_that_cannot_be_rendered_is_a_difference(self):
        model = type(self.env["finance.einvoice.regime.fr"])
        with patch.object(model, "_render", side_effect=ValueError("broken")):
            self.compare()
        self.assertEqual(len(self.issues()), 1)
