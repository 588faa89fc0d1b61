"""R39: the matrix of rights of docs/rights.md, each cell tried; nothing of this product for portal and public.

Models, methods and fields come from the registry: what an addon adds is tried without a change here, and fails until the
page names its rights. ``FINANCE_WRITE_RIGHTS=1`` writes the page from what was found.
"""

import inspect
import itertools
import json
import os
import re
import threading
from pathlib import Path
from unittest.mock import patch

from odoo import Command
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from ..core import cases
from ..core.finding import Finding
from ..models.finance_mapping import Kind
from .common import ConnectorCase

PAGE = Path(__file__).parents[3] / "docs" / "rights.md"
ROLES = {
    "portal": "base.group_portal",
    "public": "base.group_public",
    "internal user": "base.group_user",
    "invoicing": "account.group_account_invoice",
    "accountant": "finance_connector_base.group_accountant",
    "operator": "finance_connector_base.group_operator",
    "finance admin": "finance_connector_base.group_admin",
    "auditor": "finance_audit.group_auditor",
    "administrator": "base.group_system",
}
#: Some methods need two roles; held together, they reach every method and none of another company.
ROLES["all roles"] = ",".join(list(ROLES.values())[2:])
OUTSIDE = ("portal", "public")
NONE = "–"
OPERATIONS = {"r": "read", "w": "write", "c": "create", "d": "unlink"}
#: Checked operation by operation; overrides of them are not methods of their own.
_ORM = {"create", "write", "unlink", "copy", "copy_data"}
#: Models without a company: configuration of the server, or cards that show counts.
_WITHOUT_COMPANY = {
    "finance.audit.anchor.target",
    # The record of this test is about the log without a company.
    "finance.audit.verification",
    "finance.audit.protection",
    "finance.dispatcher.worker",
    # Positions of the nightly comparison in tables of all companies.
    "finance.evidence.comparison",
    "finance.overview",
    "finance.tax.category",
    "finance.tax.jurisdiction",
}
#: The complete product: every addon beside this one.
_PRODUCT = {
    path.parent.name for path in Path(__file__).parents[2].glob("finance_*/__manifest__.py")
}
_UNIQUE = itertools.count(1)


_IDS = "ids"
#: Methods by which a client may read, with arguments and keywords.
_READINGS = (
    ("read", [_IDS], {}),
    ("web_read", [_IDS], {"specification": {"display_name": {}}}),
    ("export_data", [_IDS, ["id"]], {}),
    ("copy", [_IDS], {}),
    ("web_save", [_IDS, {}], {"specification": {"display_name": {}}}),
    ("onchange", [_IDS, {}, [], {"display_name": {}}], {}),
    ("get_metadata", [_IDS], {}),
    ("search_read", [[]], {}),
    ("search", [[]], {}),
    ("search_count", [[]], {}),
    ("search_fetch", [[], ["id"]], {}),
    ("web_search_read", [[], {"id": {}}], {}),
    ("formatted_read_group", [[], [], ["__count"]], {}),
    ("web_read_group", [[], ["id"]], {}),
    ("name_search", [""], {}),
    ("web_name_search", ["", {"display_name": {}}], {}),
    ("search_read", [[["create_uid.login", "=like", "%"]]], {}),
    ("search_read", [[]], {"order": "id desc"}),
    ("load", [["id"], [["1"]]], {}),
    ("name_create", ["x"], {}),
)
_REFUSALS = {
    "odoo.exceptions.AccessError",
    "odoo.exceptions.MissingError",
    "odoo.http.SessionExpiredException",
    "odoo.addons.finance_audit.exceptions.EvidenceIsAppendOnly",
    "werkzeug.exceptions.Forbidden",
    "werkzeug.exceptions.NotFound",
}


def _plain(value):
    """Return arguments as JSON can hold them."""
    return json.loads(json.dumps(value, default=lambda item: item.decode()))


def _tells(found):
    """Return whether a result holds a record or a number of records."""
    if isinstance(found, dict):
        # Answers that say in a structure that there is nothing.
        return any(
            _tells(found.get(name))
            for name in ("records", "length", "groups", "datas", "ids", "value")
        )
    if isinstance(found, list):
        return any(not isinstance(item, dict) or item.get("__count", 1) for item in found)
    return bool(found)


class _Undo(Exception):
    pass


def is_ours(module):
    """Return whether an addon is one of this product."""
    return (module or "").startswith("finance_")


class RightsCase(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        installed = {name for name in cls.env.registry._init_modules if name.startswith("finance_")}
        if installed != _PRODUCT:
            cls.skipTest(cls, "the page is about the complete product, without the addons of tests")
        mapping = cls.env.registry["finance.mapping"]
        if not cls.env["finance.mapping"]._kinds():
            kinds = {"rights": Kind("Rights", ("res.country",), "")}
            cls.enterClassContext(patch.object(mapping, "_kinds", lambda _self: kinds))
        cls.people = {
            role: new_test_user(
                cls.env,
                f"rights-{role.replace(' ', '-')}",
                groups=group,
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for role, group in ROLES.items()
        }
        cls.connections = {
            cls.company: cls.connection,
            cls.other_company: cls.connection.copy(
                {"name": "Elsewhere", "company_id": cls.other_company.id}
            ),
        }
        cls.models = [
            name
            for name in sorted(cls.env)
            if is_ours(cls.env[name]._original_module) and not cls.env[name]._abstract
        ]
        cls.records = {}
        for company in cls.connections:
            cls.records[company] = {}
            for model in cls.models:
                cls.record_of(model, company)
        cls.env.flush_all()

    # -- records of every model --------------------------------------------------------------------

    @classmethod
    def record_of(cls, model, company):
        """Return the record of a model and company on which rights are tried; made when it is needed first."""
        made = cls.records[company]
        if model not in made:
            made[model] = cls.env[model].browse()
            made[model] = cls._make(model, company)
        return made[model]

    @classmethod
    def _make(cls, model, company):
        connection = cls.connections[company]
        records = cls.env[model].with_company(company)
        if model == "finance.connection":
            return connection
        if model == "finance.credential":
            connection._set_secret("client_secret", "a-secret-of-the-matrix")
            return connection.credential_ids
        if model == "finance.exchange":
            partner = cls.env["res.partner"].create({"name": "Document"})
            return records._enqueue(
                connection, cls.operation, b"<x/>", key="k", owner=partner, document=partner
            )
        if model == "finance.case":
            records._open_for(connection, cases.CREDENTIALS, Finding("text", args={"text": "x"}))
            return records.search([("connection_id", "=", connection.id)], limit=1)
        if model == "finance.audit.entry":
            records._record(action="test.rights", company=company)
            return records.search([("company_id", "=", company.id)], limit=1)
        if model == "finance.throttle" and connection.throttle_ids:
            return connection.throttle_ids[:1]
        if model == "finance.overview":
            return records.search([], limit=1)
        if not records._auto:
            return records.browse()
        return records.create(cls.values(model, company))

    @classmethod
    def values(cls, model, company):
        """Return values with which a record of the model can be created."""
        if model == "finance.connection":
            # The other required fields are set by the addons alone.
            provider = cls.connection.provider
            return {"name": "New", "provider": provider, "company_id": company.id}
        found = {}
        fields = cls.env[model]._fields
        defaults = cls.env[model].with_company(company).default_get(list(fields))
        for name, field in fields.items():
            if name in ("id", *("create_uid", "write_uid")) or not field.store or field.related:
                continue
            if name == "company_id":
                found[name] = company.id
            elif name == "connection_id":
                found[name] = cls.connections[company].id
            elif field.required and name not in defaults:
                found[name] = cls._value(field, company)
        return {**found, **cls._special(model, company)}

    @classmethod
    def _special(cls, model, company):
        if model == "finance.retry.policy":
            # One policy per connection and operation.
            return {"connection_id": cls.connections[company].copy({"name": "P"}).id}
        if model == "finance.route":
            # Sending needs a regime.
            return {"result": "skip", "connection_id": False}
        if model == "finance.tax.rule":
            return {"treatment": "taxable", "rate": 1.0}
        if model == "finance.audit.anchor.target":
            return {"kind": "rfc3161", "url": "https://tsa.example/x"}
        if model == "finance.exchange.attempt":
            # Every step but a query belongs to an exchange.
            return {"exchange_id": cls.record_of("finance.exchange", company).id}
        if model == "finance.einvoice.version":
            return {"content": b"eA=="}
        if model == "finance.case.decision":
            return {"case_ids": [Command.set(cls.record_of("finance.case", company).ids)]}
        return {}

    @classmethod
    def _value(cls, field, company):
        number = next(_UNIQUE)
        if field.type == "many2one":
            return cls._related(field.comodel_name, company, number).id
        if field.type == "selection":
            return next(iter(field.get_values(cls.env)), f"x{number}")
        if field.type in ("integer", "float", "monetary"):
            return number
        if field.type in ("date", "datetime"):
            return "2026-01-01"
        if field.type == "binary":
            return b"eA=="
        return f"X{number}"

    @classmethod
    def _related(cls, model, company, number):
        makers = {
            "res.company": lambda: company,
            "account.move": lambda: cls._move(company),
            "res.partner": lambda: cls.env["res.partner"].create({"name": f"Partner {number}"}),
            "res.country": lambda: cls.env.ref("base.fr"),
            "res.currency": lambda: company.currency_id,
        }
        return makers.get(model, lambda: cls.record_of(model, company))()

    @classmethod
    def _move(cls, company):
        journal = cls.env["account.journal"].create(
            {
                "name": "Rights",
                "code": f"R{next(_UNIQUE)}"[:5],
                "type": "general",
                "company_id": company.id,
            }
        )
        return cls.env["account.move"].create({"move_type": "entry", "journal_id": journal.id})

    # -- trying ------------------------------------------------------------------------------------

    def call(self, role, model, method, args, companies=None):
        """Call as a client does by RPC and undo it; return the error, or None."""
        user = self.people[role]
        context = {"allowed_company_ids": (companies or self.company).ids}
        records = self.env(user=user, su=False)[model]
        self.env.invalidate_all()
        try:
            with self.env.cr.savepoint(), mute_logger("odoo"):
                call_kw(records, method, list(args), {"context": context})
                self.env.flush_all()
                raise _Undo
        except _Undo:
            return None
        except Exception as error:  # noqa: BLE001 - sorted by the caller
            return error
        finally:
            self.env.invalidate_all(flush=False)

    def is_refused(self, error, operation=""):
        """Return whether an error is a refusal; other errors are of the values."""
        if operation in ("write", "unlink") and isinstance(error, UserError):
            return True
        return isinstance(error, (AccessError, MissingError, EvidenceIsAppendOnly))

    def mine(self, role, model, company):
        """Return the record to try: of wizards one of the user's own, which are not shared."""
        record = self.record_of(model, company)
        if not self.env[model]._transient or not record:
            return record
        try:
            with self.env.cr.savepoint(), mute_logger("odoo"):
                own = record.with_user(self.people[role]).sudo().create(self.values(model, company))
                self.env.flush_all()
        except Exception:  # noqa: BLE001 - values that this user cannot have
            return record
        return own.sudo(False)

    def arguments(self, operation, model, record, company):
        """Return the arguments of an operation of the ORM."""
        if operation == "read":
            return (record.ids, ["id"])
        if operation == "create":
            return (self.values(model, company),)
        if operation == "unlink":
            return (record.ids,)
        return (record.ids, self.change_of(model, record))

    def change_of(self, model, record):
        """Return a change that leaves the record as it is."""
        if model == "finance.case":
            return {"deadline": "2026-12-01 00:00:00"}
        simple = ("char", "text", "boolean", "integer", "float", "selection")
        fields = [
            field
            for name, field in self.env[model]._fields.items()
            if field.store and field.type in simple and not field.related and name != "id"
        ]
        editable = [field for field in fields if not field.readonly]
        if not fields:
            return {"display_name": "X"}
        field = (editable or fields)[0]
        return {field.name: record.sudo()[field.name]}

    def cell(self, role, model):
        """Return the letters of the operations that a role may do on records of its own company."""
        record = self.mine(role, model, self.company)
        letters = ""
        for letter, operation in OPERATIONS.items():
            if not record and operation != "read":
                # Views of the database: there is no record to try, and nothing can be changed at all.
                error = self.refusal_of(role, model, operation)
            elif operation == "read" and not record:
                error = self.call(role, model, "search_read", [[], ["id"]])
            else:
                arguments = self.arguments(operation, model, record, self.company)
                error = self.call(role, model, operation, arguments)
            if error is None or (operation == "unlink" and isinstance(error, IntegrityError)):
                # What is referred to cannot be deleted; that is no matter of rights.
                letters += letter
            elif not self.is_refused(error, operation):
                letters += f"?{letter} {type(error).__name__} {error}"
        return letters or NONE

    def refusal_of(self, role, model, operation):
        """Return the error of the rights on a model as such."""
        records = self.env[model].with_user(self.people[role]).with_company(self.company)
        try:
            records.check_access(operation)
        except AccessError as error:
            return error
        return None

    def documents(self):
        """Return a record for the methods that this product adds to the models of others."""
        if not hasattr(type(self), "_documents"):
            type(self)._documents = self._make_documents()
        return self._documents

    @classmethod
    def _make_documents(cls):
        account, receivable = cls.env["account.account"].create(
            [
                {
                    "name": f"{kind} of the matrix",
                    "code": f"99990{number}",
                    "account_type": kind,
                    "reconcile": kind == "asset_receivable",
                    "company_ids": [Command.set(cls.company.ids)],
                }
                for number, kind in enumerate(("income", "asset_receivable"))
            ]
        )
        journal = cls.env["account.journal"].create(
            {
                "name": "Sales of the matrix",
                "code": "RSAL",
                "type": "sale",
                "company_id": cls.company.id,
                "default_account_id": account.id,
            }
        )
        partner = cls.env["res.partner"].create({"name": "Customer of the matrix"})
        partner.with_company(cls.company).property_account_receivable_id = receivable
        line = {"name": "Service", "quantity": 1, "price_unit": 10, "account_id": account.id}
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "journal_id": journal.id,
                "partner_id": partner.id,
                "invoice_date": "2026-01-01",
                "invoice_date_due": "2026-01-31",
                "invoice_line_ids": [Command.create({**line, "tax_ids": []})],
            }
        )
        wizard = cls.env["validate.account.move"].create({"move_ids": [Command.set(move.ids)]})
        return {"account.move": move, "res.partner": partner, "validate.account.move": wizard}

    def record_for(self, role, model):
        """Return the record on which a public method of a model is tried."""
        if model in self.models:
            return self.mine(role, model, self.company)
        record = self.documents().get(model, self.env[model].browse())
        if not self.env[model]._transient:
            return record
        values = {"move_ids": [Command.set(record.move_ids.ids)]} if record else {}
        try:
            with self.env.cr.savepoint(), mute_logger("odoo"):
                own = self.env[model].with_user(self.people[role]).sudo()
                own = own.with_company(self.company).create(values)
                self.env.flush_all()
        except Exception:  # noqa: BLE001 - values that this user cannot have
            return record
        return own.sudo(False)

    def methods(self):
        """Return pairs (model, method) of all public methods that this product defines on its models and others."""
        found = []
        for model in sorted(self.env):
            records = self.env[model]
            if records._abstract and model not in self.models:
                continue
            for name in dir(type(records)):
                if name.startswith("_") or name in _ORM or not self._is_our_method(records, name):
                    continue
                try:
                    get_public_method(records, name)
                except AccessError:
                    continue
                found.append((model, name))
        return found

    def _is_our_method(self, records, name):
        for kind in type(records).__mro__:
            if name in vars(kind):
                value = vars(kind)[name]
                module = kind.__module__
                return inspect.isfunction(getattr(value, "__func__", value)) and (
                    module.startswith("odoo.addons.finance_")
                )
        return False

    def method_cell(self, role, model, name, record):
        """Return ✓ where a role may call a method on a record of its company, else a dash."""
        method = getattr(type(record), name)
        args = [] if getattr(method, "_api_model", False) else [record.ids]
        error = self.call(role, model, name, args)
        return NONE if self.is_refused(error) else "✓"

    # -- the page ----------------------------------------------------------------------------------

    def page(self):
        """Return the cells of the page by (model, method or '') and role."""
        cells = {}
        for line in PAGE.read_text(encoding="utf-8").splitlines():
            parts = [part.strip().strip("`") for part in line.strip("|").split("|")]
            if line.startswith("| `") and len(parts) >= len(ROLES) + 1:
                *names, _skip = (*parts[: -len(ROLES)], None)
                key = (names[0], names[1] if len(names) > 1 else "")
                cells[key] = dict(zip(ROLES, parts[-len(ROLES) :], strict=True))
        return cells

    def compare(self, found):
        """Compare cells with the page, or write them into it."""
        if os.environ.get("FINANCE_WRITE_RIGHTS"):
            _write(found)
        expected = self.page()
        for key, cells in found.items():
            for role, cell in cells.items():
                with self.subTest(model=key[0], method=key[1], role=role):
                    self.assertEqual(cell, expected.get(key, {}).get(role, "not on the page"))


def _write(found):
    """Replace the rows of the page for which there are cells; others stay."""
    text = PAGE.read_text(encoding="utf-8")
    for is_method, mark in ((False, "records"), (True, "methods")):
        rows = {key: cells for key, cells in found.items() if bool(key[1]) == is_method}
        if not rows:
            continue
        names = ["model", "method"] if is_method else ["model"]
        lines = ["| " + " | ".join([*names, *ROLES]) + " |"]
        lines.append("|" + "---|" * (len(names) + len(ROLES)))
        for key, cells in rows.items():
            first = [f"`{part}`" for part in key if part]
            lines.append("| " + " | ".join([*first, *cells.values()]) + " |")
        start, end = f"<!-- {mark} -->\n", f"\n<!-- end of {mark} -->"
        head, _start, rest = text.partition(start)
        _old, _end, tail = rest.partition(end)
        text = head + start + "\n".join(lines) + end + tail
    PAGE.write_text(text, encoding="utf-8")


@tagged("post_install", "-at_install")
class TestRights(RightsCase):
    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()

    def test_r39_each_role_has_the_rights_of_the_page_on_each_model(self):
        self.compare(
            {(model, ""): {role: self.cell(role, model) for role in ROLES} for model in self.models}
        )

    def test_r39_each_role_may_call_the_methods_of_the_page(self):
        found = {}
        for model, name in self.methods():
            found[model, name] = {
                role: self.method_cell(role, model, name, self.record_for(role, model))
                for role in ROLES
            }
        self.compare(found)
        for (model, name), cells in found.items():
            # Otherwise the record did not suit the method, and its refusals say nothing.
            with self.subTest(model=model, method=name):
                self.assertEqual(cells["all roles"], "✓")

    def test_r39_no_role_reaches_another_company(self):
        """Also not with a context that names the other company."""
        for model in self.models:
            record = self.record_of(model, self.other_company)
            if not record or model in _WITHOUT_COMPANY:
                continue
            for role in ROLES:
                for operation in ("read", "write", "unlink"):
                    arguments = self.arguments(operation, model, record, self.other_company)
                    for companies in (self.company, self.company + self.other_company):
                        with self.subTest(model=model, role=role, operation=operation):
                            error = self.call(role, model, operation, arguments, companies)
                            self.assertTrue(self.is_refused(error, operation), repr(error))
                with self.subTest(model=model, role=role, operation="search"):
                    user = self.people[role]
                    try:
                        found = self.env[model].with_user(user).search([("id", "=", record.id)])
                    except AccessError:
                        continue
                    self.assertFalse(found)

    def test_r39_no_role_creates_or_moves_a_record_into_another_company(self):
        for model in self.models:
            if model in _WITHOUT_COMPANY or not self.env[model]._auto:
                continue
            if not {"company_id", "connection_id"} & self.env[model]._fields.keys():
                continue
            values = self.values(model, self.other_company)
            for role in ROLES:
                with self.subTest(model=model, role=role):
                    error = self.call(role, model, "create", (values,))
                    self.assertIsInstance(error, UserError)

    def test_r39_no_method_acts_on_a_record_of_another_company(self):
        for model, name in self.methods():
            if model not in self.models or model in _WITHOUT_COMPANY:
                continue
            record = self.record_of(model, self.other_company)
            if not record or getattr(getattr(type(record), name), "_api_model", False):
                continue
            for role in ROLES:
                with self.subTest(model=model, method=name, role=role):
                    companies = self.company + self.other_company
                    error = self.call(role, model, name, [record.ids], companies)
                    self.assertTrue(self.is_refused(error), repr(error))

    def test_no_private_method_is_called_by_rpc(self):
        count = 0
        for model in self.models:
            for name in dir(type(self.env[model])):
                if name.startswith("_") and not name.startswith("__"):
                    try:
                        get_public_method(self.env[model], name)
                    except (AccessError, AttributeError, TypeError):
                        count += 1
                    else:
                        self.fail(f"{model}.{name} can be called by RPC")
        self.assertGreater(count, 1000)

    def test_f13_what_is_shared_by_all_companies_is_not_changed_by_one(self):
        shared = [name for name in self.models if "_check_shared" in dir(self.env[name])]
        self.assertTrue(shared)
        for model in shared:
            values = self.values(model, self.company)
            if "company_id" in self.env[model]._fields:
                field = self.env[model]._fields["company_id"]
                if field.required:
                    continue
                values["company_id"] = False
            record = self.env[model].create(values)
            change = self.change_of(model, record)
            fresh = self.values(model, self.company)
            if "company_id" in self.env[model]._fields:
                fresh["company_id"] = False
            for method, arguments in (
                ("create", (fresh,)),
                ("write", (record.ids, change)),
                ("web_save", (record.ids, change, {})),
                ("unlink", (record.ids,)),
                ("action_archive", (record.ids,)),
                ("copy", (record.ids,)),
            ):
                if method == "action_archive" and "active" not in self.env[model]._fields:
                    continue
                with self.subTest(model=model, method=method):
                    error = self.call("finance admin", model, method, arguments)
                    # A copy is refused by a constraint where a code is unique, before the rights are looked at.
                    expected = Exception if method == "copy" else AccessError
                    self.assertIsInstance(error, expected)
            own = self.record_of(model, self.company)
            if "company_id" in self.env[model]._fields:
                with self.subTest(model=model, method="give to all companies"):
                    error = self.call(
                        "finance admin", model, "write", (own.ids, {"company_id": False})
                    )
                    self.assertIsInstance(error, AccessError)

    # -- structure: what a new model needs ---------------------------------------------------------

    def test_each_model_has_rights_and_none_for_portal_and_public(self):
        internal = self.env.ref("base.group_user")
        for model in self.models:
            lines = self.env["ir.model.access"].search([("model_id.model", "=", model)])
            with self.subTest(model=model):
                self.assertTrue(lines)
                for group in lines.group_id:
                    self.assertIn(internal, group | group.all_implied_ids)
                self.assertNotIn(False, [line.group_id.id for line in lines])

    def test_each_model_with_a_company_has_a_rule_for_everybody(self):
        for model in self.models:
            fields = self.env[model]._fields
            kept = {"company_id", "connection_id", "log_id"} & fields.keys()
            if not kept or self.env[model]._transient:
                self.assertTrue(
                    model in _WITHOUT_COMPANY
                    or self.env[model]._transient
                    or kept
                    or model.endswith(".line"),
                    model,
                )
                continue
            rules = self.env["ir.rule"].search(
                [("model_id.model", "=", model), ("groups", "=", False)]
            )
            with self.subTest(model=model):
                for permission in ("perm_read", "perm_write", "perm_create", "perm_unlink"):
                    self.assertTrue(rules.filtered(permission), permission)

    # -- F11: fields in the models of others -------------------------------------------------------

    def added_fields(self):
        """Return pairs (model, field) of what this product adds to the models of others."""
        return [
            (model, name)
            for model in sorted(self.env)
            if not is_ours(self.env[model]._original_module)
            for name, field in self.env[model]._fields.items()
            if is_ours(field._module)
            or name.startswith(("finance_", "einvoice_", "audit_timeline"))
        ]

    def test_f11_each_added_field_names_the_groups_that_read_it(self):
        added = self.added_fields()
        self.assertGreater(len(added), 40)
        internal = self.env.ref("base.group_user")
        for model, name in added:
            with self.subTest(model=model, field=name):
                groups = self.env[model]._fields[name].groups
                self.assertTrue(groups)
                for group in (self.env.ref(item.strip("! ")) for item in groups.split(",")):
                    self.assertIn(internal, group | group.all_implied_ids)

    def _condition(self, model, name):
        """Return a condition that Odoo cannot answer without the values of the field."""
        field = self.env[model]._fields[name]
        if field.type == "selection":
            return (name, "=", field.get_values(self.env)[0])
        return (name, "!=", False)

    def test_f11_portal_and_public_see_no_field_and_no_model(self):
        for role in OUTSIDE:
            user = self.people[role]
            for model, name in self.added_fields():
                mine = self.env[model].with_user(user)
                with self.subTest(role=role, model=model, field=name):
                    self.assertNotIn(name, mine.fields_get())
                    for method, args in (
                        ("search_read", ([], [name])),
                        ("search", ([self._condition(model, name)],)),
                        ("formatted_read_group", ([], [name])),
                    ):
                        error = self.call(role, model, method, args)
                        self.assertIsInstance(error, (AccessError, ValueError), method)


@tagged("post_install", "-at_install")
class TestRightsOnTheWeb(RightsCase, HttpCase):
    def rpc(self, model, method, args, *, button=False, **kwargs):
        """Return the result or the name of the error of a call through the web controller."""
        route = "call_button" if button else "call_kw"
        answer = self.url_open(
            f"/web/dataset/{route}/{model}/{method}",
            data=json.dumps(
                {"params": {"model": model, "method": method, "args": args, "kwargs": kwargs}}
            ),
            headers={"Content-Type": "application/json"},
        ).json()
        return answer.get("result"), answer.get("error", {}).get("data", {}).get("name", "")

    def login(self, role):
        """Open a session; public users have none."""
        if role == "public":
            self.authenticate(None, None)
        else:
            self.authenticate(self.people[role].login, self.people[role].login)

    def test_r39_the_web_client_reads_what_the_page_allows(self):
        expected = self.page()
        # Cards of the overview are shown by role; which one this test tries is chance.
        models = [model for model in self.models if model != "finance.overview"]
        for role in ROLES:
            self.login(role)
            for model in models:
                with self.subTest(role=role, model=model), mute_logger("odoo.http"):
                    found, error = self.rpc(model, "search_read", [[], ["id"]])
                    if "r" in expected[model, ""][role]:
                        self.assertFalse(error)
                        foreign = self.record_of(model, self.other_company)
                        if model not in _WITHOUT_COMPANY:
                            self.assertFalse(set(foreign.ids) & {row["id"] for row in found})
                    else:
                        # Rules by role hide every record instead of refusing.
                        self.assertTrue("AccessError" in error or "Session" in error or not found)

    def is_refused_on_the_web(self, error, operation=""):
        """Return whether the name of an error is a refusal, as ``is_refused`` for RPC."""
        refusals = ("odoo.exceptions.UserError", "odoo.addons.finance_")
        if operation in ("write", "unlink") and error.startswith(refusals):
            return True
        return error in _REFUSALS

    def test_r39_each_cell_of_the_records_through_the_web_client(self):
        expected = self.page()
        for role in ROLES:
            self.login(role)
            for model in self.models:
                record = self.record_of(model, self.company)
                if not record or self.env[model]._transient:
                    # Nothing to write; of wizards only one's own is reached, which RPC has tried.
                    record = self.env[model].browse()
                for letter, operation in (("w", "write"), ("c", "create"), ("d", "unlink")):
                    may = letter in expected[model, ""][role]
                    if (operation != "create" and not record) or (may and operation == "unlink"):
                        continue
                    arguments = self.arguments(operation, model, record, self.company)
                    with (
                        self.subTest(role=role, model=model, operation=operation),
                        mute_logger("odoo"),
                    ):
                        _found, error = self.rpc(model, operation, list(_plain(arguments)))
                        self.assertEqual(self.is_refused_on_the_web(error, operation), not may)

    def test_r39_each_cell_of_the_methods_through_the_web_client(self):
        """What is refused comes first: what is permitted may change the record of the next cell."""
        expected = self.page()
        cells = [
            (role, model, name, expected[model, name][role])
            for model, name in self.methods()
            for role in ROLES
        ]
        for role, model, name, cell in sorted(cells, key=lambda item: (item[3], item[0])):
            record = self.record_for(role, model)
            args = [] if getattr(getattr(type(record), name), "_api_model", False) else [record.ids]
            self.login(role)
            with self.subTest(role=role, model=model, method=name), mute_logger("odoo"):
                _found, error = self.rpc(model, name, args, button=name.startswith("action_"))
                if cell == NONE:
                    self.assertIn(error, _REFUSALS)
                elif role != "public":  # Odoo asks for a session before
                    self.assertNotIn("AccessError", error)
                    self.assertNotIn("SessionExpired", error)

    def test_r39_who_has_no_role_learns_nothing_by_any_method_of_reading(self):
        """Portal, public, internal users without a role, and those who invoice."""
        expected = self.page()
        for role in (*OUTSIDE, "internal user", "invoicing"):
            self.login(role)
            for model in self.models:
                if expected[model, ""][role] != NONE or self.env[model]._transient:
                    continue
                record = self.record_of(model, self.company)
                for method, given, kwargs in _READINGS:
                    args = list(given)
                    if args[:1] == [_IDS]:
                        # Without the columns of its creation, Odoo repeats the number it was given.
                        echo = method == "get_metadata" and not self.env[model]._log_access
                        if not record or echo:
                            continue
                        args[0] = record.ids
                    with (
                        self.subTest(role=role, model=model, method=method),
                        mute_logger("odoo"),
                    ):
                        found, error = self.rpc(model, method, args, **kwargs)
                        self.assertTrue(error or not _tells(found), found)

    def _routes(self):
        current = threading.current_thread()
        if not hasattr(current, "dbname"):
            # The routing of Odoo asks the thread of a request for its database.
            current.dbname = self.env.cr.dbname
            self.addCleanup(delattr, current, "dbname")
        return list(self.env["ir.http"].routing_map().iter_rules())

    def test_r39_no_route_serves_portal_and_public(self):
        """Every route of this product, and those of Odoo that serve records of any model."""
        routes = [
            rule
            for rule in self._routes()
            if is_ours(rule.endpoint.func.__module__.removeprefix("odoo.addons."))
        ]
        self.assertTrue(routes)
        exports = self.env["finance.audit.export"].create({})
        paths = {
            re.sub(
                r"<int:[^>]*>",
                str(exports.id),
                re.sub(r"<string:[^>]*>|<(?!int)[^>]*>", "x", rule.rule),
            )
            for rule in routes
        }
        for model in self.models:
            record = self.record_of(model, self.company)
            names = [n for n, f in self.env[model]._fields.items() if f.type == "binary"]
            for name in (*names, "display_name") if record else ():
                paths |= {
                    f"/web/content/{model}/{record.id}/{name}",
                    f"/web/image/{model}/{record.id}/{name}",
                    f"/web/content?model={model}&id={record.id}&field={name}&download=true",
                }
            if record:
                paths |= {
                    f"/odoo/{model}/{record.id}",
                    f"/mail/view?model={model}&res_id={record.id}",
                }
        secrets = {str(self.connection.name), "a-secret-of-the-matrix", "Elsewhere"}
        for role in OUTSIDE:
            self.login(role)
            for path in sorted(paths):
                for method in ("GET", "POST"):
                    with self.subTest(role=role, path=path, method=method), mute_logger("odoo"):
                        data = b"{}" if method == "POST" else None
                        answer = self.url_open(path, data=data, allow_redirects=False)
                        served = answer.status_code == 200 and answer.headers.get(
                            "Content-Type", ""
                        ).startswith("image/")
                        # An image of Odoo stands for one that may not be seen.
                        self.assertTrue(served or answer.status_code != 200, answer.status_code)
                        for text in secrets:
                            self.assertNotIn(text.encode(), answer.content)

    def test_r39_no_binary_content_of_another_company_or_for_others(self):
        for role in ROLES:
            self.login(role)
            for model in self.models:
                names = [n for n, f in self.env[model]._fields.items() if f.type == "binary"]
                record = self.record_of(model, self.other_company)
                for name in names if record else ():
                    with self.subTest(role=role, model=model, field=name), mute_logger("odoo"):
                        answer = self.url_open(f"/web/content/{model}/{record.id}/{name}")
                        self.assertIn(answer.status_code, (403, 404))

    def test_r39_portal_and_public_export_nothing(self):
        for role in (*OUTSIDE, "internal user"):
            self.login(role)
            for model in self.models:
                data = {
                    "model": model,
                    "fields": [{"name": "id", "label": "Id"}],
                    "ids": False,
                    "domain": [],
                    "groupby": [],
                    "import_compat": False,
                    "context": {},
                }
                with self.subTest(role=role, model=model), mute_logger("odoo"):
                    answer = self.url_open(
                        "/web/export/csv", data={"data": json.dumps(data)}, allow_redirects=False
                    )
                    self.assertNotEqual(answer.status_code, 200)

    def test_r39_reports_and_packages_are_not_for_others(self):
        exports = self.env["finance.audit.export"].create({})
        for role in ROLES:
            self.login(role)
            with self.subTest(role=role), mute_logger("odoo"):
                answer = self.url_open(
                    f"/finance_audit/package/{exports.id}", allow_redirects=False
                )
                self.assertNotEqual(answer.status_code, 200)
