"""F7, F9: what the code of the suite sets, is not set by RPC, not with every role at once in both companies."""

from odoo import Command
from odoo.service.model import call_kw
from odoo.tests import tagged

from .test_rights import RightsCase

_UNIQUE_TEXT = "forged"


@tagged("post_install", "-at_install")
class TestSystemFields(RightsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.both = cls.company + cls.other_company
        cls.people["all roles"].company_ids = [Command.set(cls.both.ids)]

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()

    def forged(self, field, record):
        """Return a value that the field does not have, or None where none can be made."""
        present = record.sudo()[field.name]
        if field.type == "selection":
            others = [value for value in field.get_values(self.env) if value != present]
            return others[0] if others else None
        if field.type in ("char", "text", "html"):
            return _UNIQUE_TEXT
        if field.type in ("integer", "float", "monetary", "many2one_reference"):
            return (present or 0) + 7
        if field.type == "boolean":
            return not present
        if field.type == "datetime":
            return "2031-01-01 00:00:00"
        if field.type == "date":
            return "2031-01-01"
        if field.type == "json":
            return {"forged": True}
        if field.type == "many2one":
            return (
                self.env[field.comodel_name].sudo().search([("id", "!=", present.id)], limit=1)
            ).id or None
        return None

    def changed(self, model, record, values):
        """Return the names of the values that a write by RPC changes."""
        user = self.people["all roles"]
        before = record.sudo().read(list(values))[0]
        context = {"allowed_company_ids": self.both.ids}
        own = self.env(user=user, su=False)[model]
        self.env.invalidate_all()
        with self._undone():
            call_kw(own, "write", [record.ids, values], {"context": context})
            self.env.flush_all()
            self.env.invalidate_all()
            after = record.sudo().read(list(values))[0]
            return [name for name in values if after[name] != before[name]]
        return []

    def _undone(self):
        return _Undone(self.env)

    def test_f9_no_field_that_is_read_only_is_written(self):
        count = 0
        for model in self.models:
            record = self.mine("all roles", model, self.company)
            if not record or self.env[model]._transient:
                continue
            for name, field in self.env[model]._fields.items():
                if not (field.readonly and field.store) or name in (
                    "id",
                    "create_date",
                    "create_uid",
                ):
                    continue
                value = self.forged(field, record)
                if value is None or name in ("write_date", "write_uid", "parent_path"):
                    continue
                count += 1
                with self.subTest(model=model, field=name):
                    self.assertEqual(self.changed(model, record, {name: value}), [])
        self.assertGreater(count, 150)

    def test_f7_no_record_changes_its_company(self):
        """Also not for who works in both companies: its evidence would go with it."""
        count = 0
        for model in self.models:
            record = self.record_of(model, self.company)
            if not record or self.env[model]._transient or model == "finance.overview":
                continue
            for name in ("company_id", "connection_id", "exchange_id", "log_id"):
                field = self.env[model]._fields.get(name)
                if field is None or not field.store:
                    continue
                other = {
                    "company_id": self.other_company,
                    "connection_id": self.connections[self.other_company],
                }.get(name)
                value = other.id if other else None
                if value is None:
                    continue
                count += 1
                with self.subTest(model=model, field=name):
                    self.assertEqual(self.changed(model, record, {name: value}), [])
        self.assertGreater(count, 20)


class _Undone:
    """A savepoint that is always rolled back; errors are refusals."""

    def __init__(self, env):
        self.env = env

    def __enter__(self):
        self.savepoint = self.env.cr.savepoint(flush=False)
        return self.savepoint.__enter__()

    def __exit__(self, kind, error, trace):
        self.savepoint.rollback()
        self.savepoint.close(rollback=True)
        self.env.transaction.clear()
        return (
            kind is not None
            and issubclass(kind, Exception)
            and not issubclass(kind, AssertionError)
        )
