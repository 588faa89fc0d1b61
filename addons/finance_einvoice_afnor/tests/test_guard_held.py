"""What is held or on its way does not change, by any way of writing (E12); what people still need to do works."""

import hashlib
import logging
import os
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from unittest.mock import patch

import psycopg2
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.core.cases import DIFFERENCE, OVERRIDDEN
from odoo.addons.finance_connector_base.exceptions import PipelineRequired, ReservedField
from odoo.addons.finance_connector_base.models.finance_posting import suite_write
from odoo.addons.finance_einvoice.core import guard, lifecycle
from odoo.addons.finance_einvoice.exceptions import EinvoiceDelivered
from odoo.addons.finance_einvoice.models.finance_einvoice_guard import EinvoiceHeld
from odoo.addons.finance_einvoice.models.finance_einvoice_route import OtherRoute
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.models import BaseModel
from odoo.tests import tagged
from odoo.tools import SQL
from psycopg2 import IntegrityError

from .guard_case import HOSTILE, GuardCase

_logger = logging.getLogger(__name__)

PAGE = Path(__file__).parents[3] / "docs" / "guards.md"
STATES = tuple(lifecycle.TRANSITIONS)
#: Set by the ORM itself; a value that is given is ignored.
AUTOMATIC = frozenset({"id", "create_uid", "create_date", "write_uid", "write_date"})
X2MANY = ("one2many", "many2many")
#: Shown in lists and in no format: the name of the customer, which follows the contact.
LABELS = frozenset({"invoice_partner_display_name"})
#: What a cell of the matrix may be; anything else is an error.
OUTCOMES = frozenset(
    {
        *("refused", "refused by Odoo", "reserved", "past the pipeline"),
        *("written", "without effect", "not importable"),
    }
)
#: Free fields that no value of the matrix changes on any posted document: activities where there is none, and relations
#: whose records belong to other models, by which ``TestStillPossible`` writes.
NEVER_WRITTEN = {
    "account.move": frozenset(
        {
            *("activity_ids", "activity_summary", "activity_type_id", "attachment_ids"),
            *("audit_trail_message_ids", "message_ids", "website_message_ids"),
            *("message_follower_ids", "payment_ids", "matched_payment_ids", "transaction_ids"),
            *("statement_line_ids", "exchange_diff_partial_ids"),
        }
    ),
    "account.move.line": frozenset(
        {
            *("matched_credit_ids", "matched_debit_ids", "reconciled_lines_ids"),
            *("analytic_line_ids", "reconcile_model_id"),
        }
    ),
}


class HeldCase(GuardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.move = cls.make_invoice(ref="PO-1", narration="Terms")
        cls.move.action_post()
        cls.product_line = cls.move.invoice_line_ids

    def set_state(self, state, move=None):
        unguarded(self.env, "finance_einvoice")
        suite_write((move or self.move).einvoice_id.sudo(), {"state": state})

    def outcome(self, act, value=None):
        """Return what one way of writing led to, and undo it.

        That is one of ``OUTCOMES``; an exception that is no refusal is returned by its name, so that
        it cannot be mistaken for one of these.

        :param value: returns what is written; without it, what was not refused is "free"
        """
        self.env.flush_all()
        before = value and value()
        try:
            with self.env.cr.savepoint():
                act()
                self.env.flush_all()
                self.env.invalidate_all()
                result = "free" if not value or value() != before else "without effect"
                raise Undo
        except Undo:
            found = result if result != "free" or not value else "written"
        except Exception as error:  # noqa: BLE001 - the kind of the exception is the outcome
            found = self.kind(error)
        return found

    def kind(self, error):
        """Return what an exception means. The code of a server action shows its errors as ``ValueError``."""
        while isinstance(error, ValueError) and isinstance(error.__context__, psycopg2.Error):
            error = error.__context__
        if isinstance(error, (EinvoiceHeld, OtherRoute)):
            return "refused"
        if isinstance(error, PipelineRequired):
            return "past the pipeline"
        if isinstance(error, ReservedField):
            return "reserved"
        if isinstance(error, NotWritten):
            return "not importable"
        if isinstance(error, (UserError, IntegrityError)):
            return "refused by Odoo"
        return f"{type(error).__name__}: {error}"[:160]


class NotWritten(Exception):
    """Odoo's import could not use the value, for a reason of its own."""


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


def shown(record, name):
    """Return the present value of a field as something to compare."""
    value = record[name]
    return value.ids if isinstance(value, BaseModel) else value


def changed(record, name):
    """Return another value of a field; for types that have none, the present one."""
    field, value = record._fields[name], record[name]
    if field.comodel_name:
        return another_record(record, field, value)
    if field.type == "selection":
        options = [key for key in field.get_values(record.env) if key != value]
        return options[0] if options else value
    if field.type == "json":
        # The only field of this kind that people fill is an analytic distribution.
        return {str(record.env["account.analytic.account"].sudo().search([], limit=1).id): 100.0}
    if isinstance(value, dict):
        return {**value, "changed": True}  # the totals of a document
    others = {"date": date(2026, 9, 1), "datetime": datetime(2026, 9, 1), "boolean": not value}
    others["binary"] = b"Y2hhbmdlZA=="
    others |= dict.fromkeys(("char", "text", "html"), f"{value or ''}X")
    if field.type in ("integer", "float", "monetary"):
        return (value or 0) + 1
    return others[field.type] if field.type in others else same(record, name)


def another_record(record, field, value):
    """Return what makes a relation lead to another record, or to none."""
    model = record.env[field.comodel_name].sudo()
    if field.type == "many2one":
        return model.search([("id", "!=", value.id)], limit=1).id
    other = not value and model.search([], limit=1)
    return [Command.link(other.id) if other else Command.clear()]


def importable(name, field, value):
    """Return the column and the cell with which an import writes this value."""
    if field.type in X2MANY:
        return f"{name}/.id", str(value[0][1] or "")
    if field.type == "many2one":
        return f"{name}/.id", str(value or "")
    return name, value.decode() if isinstance(value, bytes) else str(value)


@tagged("post_install", "-at_install")
class TestMatrix(HeldCase):
    """Every stored field × way of writing × state of the e-invoice."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What Odoo lets people do with such a document: posted before the regime applied, it has no e-invoice.
        cls.company.finance_einvoice_regime = False
        cls.plain = cls.make_invoice(ref="PO-1", narration="Terms")
        cls.plain.action_post()
        cls.company.finance_einvoice_regime = "fr"
        plan, _others = cls.env["account.analytic.plan"]._get_all_plans()
        cls.env["account.analytic.account"].create({"name": "Site", "plan_id": plan.id})

    def ways(self, records):
        """Return name → function that writes values."""
        model = records._name
        action = self.env["ir.actions.server"].create(
            {
                "name": "Attack",
                "model_id": self.env["ir.model"]._get(model).id,
                "state": "code",
                "code": f"records.sudo().with_context({HOSTILE}).write(env.context['attack'])",
            }
        )
        ways = {
            "user": lambda vals: self.as_accountant(records).write(vals),
            "rpc": lambda vals: self.rpc(records, "write", vals, context=HOSTILE),
            "web_save": lambda vals: self.rpc(
                records, "web_save", vals, specification={}, context=HOSTILE
            ),
            "sudo": lambda vals: records.sudo().with_context(**HOSTILE).write(vals),
            "server action": lambda vals: action.with_context(
                active_model=model, active_id=records.id, active_ids=records.ids, attack=vals
            ).run(),
            "import": lambda vals: self.imported_cells(records, vals),
        }
        if model == "account.move.line":
            for name in ("line_ids", "invoice_line_ids"):
                ways[name] = lambda vals, name=name: records.move_id.with_context(**HOSTILE).write(
                    {name: [Command.update(records.id, vals)]}
                )
        else:
            ways["from the customer"] = lambda vals: (
                records.partner_id.sudo()
                .with_context(**HOSTILE)
                .write({"invoice_ids": [Command.update(records.id, vals)]})
            )
        return ways

    def imported_cells(self, records, vals):
        """Import as a user; what the import reports as a refusal of the guard is raised again."""
        (name, value), *_rest = vals.items()
        column, cell = importable(name, records._fields[name], value)
        model = self.as_accountant(records.browse()).with_context(**HOSTILE)
        held = type(self.env["finance.einvoice"])
        refusal, refusals = held._refusal_of_change, []

        def noted(einvoice, labels):
            refusals.append(labels)
            return refusal(einvoice, labels)

        with patch.object(held, "_refusal_of_change", noted):
            ids = model.load([".id", column], [[str(records.id), cell]])["ids"]
        if not ids:
            raise EinvoiceHeld(refusals[0]) if refusals else NotWritten

    def check(self, records, plain, free):
        """Compare what each way of writing each field leads to with the table of docs/guards.md.

        Free is what has the same outcome as on a document without e-invoice. Where a document is guarded, all ways
        are tried, an import in one state per field; where it is free, one way per field. ``FINANCE_FUZZ`` tries all.
        """
        names = [name for name in stored(records) if name != "state"]
        values = {name: changed(records, name) for name in names}
        really = {name for name in names if values[name] != same(records, name)}
        self.assertGreater(len(really), len(names) * 0.8)
        ways, plain_ways = self.ways(records), self.ways(plain)
        cells, wrong, written, reference = Counter(), [], set(), {}

        def attempt(chosen, record, name, way, value):
            return self.outcome(
                lambda: chosen[way]({name: value}), lambda: shown(record.sudo(), name)
            )

        def unrefused(name, way):
            if (name, way) not in reference:
                value = changed(plain, name)
                reference[name, way] = attempt(plain_ways, plain, name, way, value)
                cells[reference[name, way], "no e-invoice"] += 1
            return reference[name, way]

        for state in STATES:
            self.set_state(state)
            for name, way in self.chosen(state, names, list(ways)):
                # A free field of a line is written on the line, not nested in its document.
                if state in lifecycle.GUARDED and (name not in free or way.endswith("line_ids")):
                    found, expected = self.refusal(ways[way], {name: values[name]}), "refused"
                    if found == "not importable":
                        expected = unrefused(name, way)
                else:
                    found = attempt(ways, records, name, way, values[name])
                    expected = unrefused(name, way)
                cells[found, state] += 1
                if found != expected or found not in OUTCOMES:
                    wrong.append((state, way, name, found, expected))
                if found == "written":
                    written.add(name)
        _logger.info(
            "%s: %s fields, ways: %s; %s cells: %s",
            records._name,
            len(names),
            ", ".join(ways),
            sum(cells.values()),
            dict(sorted(cells.items())),
        )
        self.assertEqual(wrong, [])
        kept = {name for name, way in reference if way != "import" and self.is_kept(plain, name)}
        reserved = {name for (name, _way), found in reference.items() if found == "reserved"}
        self.assertEqual(sorted(reserved), sorted(kept))
        unwritten = free & really - written
        self.assertEqual(sorted(unwritten), sorted(NEVER_WRITTEN[records._name] & really))

    def chosen(self, state, names, ways):
        """Yield the cells (name, way) that are tried in a state."""
        everything = bool(os.environ.get("FINANCE_FUZZ"))
        states = sorted(lifecycle.GUARDED)
        for position, name in enumerate(names):
            for way in ways:
                if everything:
                    yield name, way
                elif state not in lifecycle.GUARDED:
                    if ways[position % len(ways)] == way:
                        yield name, way
                elif way != "import" or states[position % len(states)] == state:
                    yield name, way

    def is_kept(self, records, name):
        """Return whether a field belongs to the suite alone."""
        field = records._fields[name]
        return name.startswith(("finance_", "einvoice_")) and (
            field.readonly or field.type == "one2many"
        )

    def refusal(self, write, vals):
        """Return the outcome of a write that is to be refused before anything is written, so nothing is undone."""
        try:
            write(dict(vals))
        except Exception as error:  # noqa: BLE001 - the kind of the exception is the outcome
            return self.kind(error)
        return "not refused"

    def test_e12_invoice(self):
        self.check(self.move, self.plain, guard.FREE_OF_MOVE)

    def test_e12_line(self):
        self.check(self.product_line, self.plain.invoice_line_ids, guard.FREE_OF_LINE)

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

    def ways_to_lines(self, move, other):
        """Return name → function that adds, moves or removes a line of the document."""
        line = move.invoice_line_ids
        values = {"name": "More", "price_unit": 1.0}
        model = self.env["account.move.line"].with_context(**HOSTILE)
        held = move.sudo().with_context(**HOSTILE)
        tax_line = move.line_ids.filtered("tax_line_id")
        here = {**values, "move_id": move.id}
        return {
            "create": lambda: model.sudo().create(here),
            "create by rpc": lambda: self.rpc(model.browse(), "create", [here], context=HOSTILE),
            "create by default": lambda: model.with_context(default_move_id=move.id).create(values),
            "create nested": lambda: held.write({"invoice_line_ids": [Command.create(values)]}),
            "unlink": lambda: line.sudo().with_context(**HOSTILE).unlink(),
            "unlink by rpc": lambda: self.rpc(line, "unlink", context=HOSTILE),
            "unlink of a tax line": lambda: tax_line.sudo().with_context(**HOSTILE).unlink(),
            "unlink nested": lambda: held.write({"line_ids": [Command.delete(line.id)]}),
            "moved here": lambda: other.invoice_line_ids.with_context(**HOSTILE).write(
                {"move_id": move.id}
            ),
            "moved away": lambda: line.with_context(**HOSTILE).write({"move_id": other.id}),
            "stolen": lambda: other.with_context(**HOSTILE).write(
                {"line_ids": [Command.link(line.id)]}
            ),
        }

    def test_e12_lines_are_not_added_moved_or_removed(self):
        other = self.make_invoice()
        ways = self.ways_to_lines(self.plain, other)
        free = {name: self.outcome(act) for name, act in ways.items()}
        # Odoo itself needs the document among the values, and refuses nested lines of a posted document.
        refused = {
            "create by default": "KeyError: 'move_id'",
            "create nested": "refused by Odoo",
            "unlink nested": "refused by Odoo",
        }
        self.assertEqual(free, {name: refused.get(name, "free") for name in ways})
        ways = self.ways_to_lines(self.move, other)
        for state in STATES:
            self.set_state(state)
            for name, act in ways.items():
                with self.subTest(state=state, way=name):
                    expected = "refused" if state in lifecycle.GUARDED else free[name]
                    self.assertEqual(self.outcome(act), expected)

    def test_e12_server_action_and_import(self):
        fields_ = {"ref": "PO-2", "narration": "Other", "invoice_date": "2026-09-01", "name": "X/1"}
        for state in STATES:
            self.set_state(state)
            expected = "refused" if state in lifecycle.GUARDED else "free"
            for name, value in fields_.items():
                with self.subTest(state=state, field=name):
                    code = f"record.with_context({HOSTILE}).write({{{name!r}: {value!r}}})"
                    # Odoo itself keeps the date of a posted invoice.
                    kept = expected == "free" and name == "invoice_date"
                    self.assertEqual(
                        self.outcome(lambda code=code: self.run_code(code, self.move)),
                        "refused by Odoo" if kept else expected,
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
            self.refused(
                EinvoiceDelivered, lambda held=records: held.with_context(**HOSTILE).unlink()
            )

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

    def test_the_rate_of_a_tax_in_a_group(self):
        child = self.tax("tva_normale").copy({"name": "Child"})
        group = child.copy(
            {
                "name": "Group",
                "amount_type": "group",
                "children_tax_ids": [Command.set(child.ids)],
            }
        )
        self.env.cr.execute(
            "UPDATE account_move_line_account_tax_rel SET account_tax_id = %s "
            "WHERE account_move_line_id = %s",
            [group.id, self.product_line.id],
        )
        self.env.invalidate_all()
        with self.assertRaises(EinvoiceHeld), self.env.cr.savepoint():
            child.write({"amount": 7.0})

    def test_records_whose_deletion_would_empty_a_field(self):
        lost = self.env["finance.einvoice"]._references_lost()
        delivery = self.buyer.copy({"name": "Yard"})
        incoterm = self.env["account.incoterms"].create({"name": "Test", "code": "TST"})
        for name, record in (("partner_shipping_id", delivery), ("invoice_incoterm_id", incoterm)):
            with self.subTest(field=name):
                self.assertIn(("account.move", name), lost[record._name])
                move = self.make_invoice(**{name: record.id})
                move.action_post()
                self.set_state(lifecycle.ACCEPTED, move)
                with self.assertRaises(EinvoiceHeld), self.env.cr.savepoint():
                    record.sudo().with_context(**HOSTILE).unlink()
                self.set_state(lifecycle.REJECTED, move)
                record.sudo().unlink()
                self.assertFalse(record.exists())

    def test_modules_that_are_removed_delete_their_records(self):
        incoterm = self.env["account.incoterms"].create({"name": "Test", "code": "TST"})
        move = self.make_invoice(invoice_incoterm_id=incoterm.id)
        move.action_post()
        self.set_state(lifecycle.ACCEPTED, move)
        with patch.object(self.env.registry, "ready", new=False):
            incoterm.unlink()
        self.assertFalse(incoterm.exists())

    def test_the_state_of_an_einvoice_is_changed_by_its_life_cycle_alone(self):
        einvoice = self.move.einvoice_id
        other = self.make_invoice()
        for vals in (
            {"state": "draft"},
            {"state": "rejected"},
            {"move_id": other.id},
            {"company_id": self.env.company.id},
            {"regime": "other"},
        ):
            for act in (
                lambda vals=vals: einvoice.sudo().with_context(**HOSTILE).write(vals),
                lambda vals=vals: self.run_code(f"record.sudo().write({vals})", einvoice),
            ):
                self.refused(ReservedField, act)
        self.assertEqual(einvoice.state, lifecycle.ACCEPTED)

    def test_taxes(self):
        tax = self.product_line.tax_ids
        repartition = tax.invoice_repartition_line_ids.filtered(
            lambda line: line.repartition_type == "tax"
        )
        self.refused(EinvoiceHeld, tax.with_context(**HOSTILE).unlink)
        self.refused(EinvoiceHeld, lambda: tax.write({"children_tax_ids": [Command.clear()]}))
        try:
            with self.env.cr.savepoint():
                repartition.write({"factor_percent": 50.0})
                self.assertEqual(self.rendering(), self.before)
        except UserError:
            self.assertEqual(self.rendering(), self.before)


@tagged("post_install", "-at_install")
class TestRelatedRecords(HeldCase):
    """Master data stay free, and no change of them reaches the stored values of a guarded document."""

    def rows(self):
        """Return what PostgreSQL holds of the document and its lines, but for the fields that stay free."""
        self.env.flush_all()
        result = {}
        for records, free in (
            (self.move, guard.FREE_OF_MOVE),
            (self.move.line_ids.sorted("id"), guard.FREE_OF_LINE),
        ):
            names = [
                name
                for name, field in records._fields.items()
                if field.store and field.column_type and name not in free | AUTOMATIC | LABELS
            ]
            self.env.cr.execute(
                SQL(
                    "SELECT %s FROM %s WHERE id IN %s ORDER BY id",
                    SQL(", ").join(map(SQL.identifier, ["id", *names])),
                    SQL.identifier(records._table),
                    tuple(records.ids),
                )
            )
            for row in self.env.cr.dictfetchall():
                result |= {(records._name, row["id"], name): row[name] for name in names}
        self.env.cr.execute(
            "SELECT account_move_line_id, array_agg(account_tax_id ORDER BY account_tax_id) "
            "FROM account_move_line_account_tax_rel WHERE account_move_line_id IN %s GROUP BY 1",
            [tuple(self.move.line_ids.ids)],
        )
        return result | {("taxes", line): taxes for line, taxes in self.env.cr.fetchall()}

    def test_e12_no_change_of_a_related_record_reaches_the_document(self):
        bank = self.env["res.partner.bank"].create(
            {"acc_number": "FR7630006000011234567890189", "partner_id": self.company.partner_id.id}
        )
        term = self.env["account.payment.term"].create({"name": "30 days"})
        term.line_ids.nb_days = 30
        self.move = self.make_invoice(
            partner_bank_id=bank.id, invoice_payment_term_id=term.id, invoice_date_due=False
        )
        self.move.action_post()
        self.set_state(lifecycle.ACCEPTED)
        related = (
            *(self.buyer, self.goods, self.goods.product_tmpl_id, bank, term, term.line_ids),
            *(self.move.journal_id, self.move.currency_id, self.company, self.company.partner_id),
            *(self.product_line.account_id, self.move.fiscal_position_id),
        )
        cells, wrong = Counter(), []
        for record in filter(None, related):
            for name in stored(record):
                if name.startswith(("message_", "activity_", "finance_")):
                    continue
                vals = {name: changed(record, name)}
                found = self.outcome(
                    lambda held=record, vals=vals: held.sudo().with_context(**HOSTILE).write(vals),
                    self.rows,
                )
                cells[record._name, found] += 1
                if found == "written" or found not in OUTCOMES:
                    wrong.append((record._name, name, found))
        _logger.info("Related records: %s", dict(sorted(cells.items())))
        self.assertEqual(wrong, [])
        tried = sum(count for (_model, found), count in cells.items() if found == "without effect")
        self.assertGreater(tried, sum(cells.values()) * 0.7)


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
