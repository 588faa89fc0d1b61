"""F3, F6, F7, F9, F14: what server actions, templates and administrators cannot reach or forge."""

import base64
import contextlib
import inspect
import logging
import os
import sys
import time
import types
from unittest.mock import patch

from odoo.addons.finance_audit.core import signing
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import _UNSAFE_ATTRIBUTES

from .. import secret_store
from ..core.http.transport import Transport
from ..core.security.masking import MaskingFilter
from ..core.security.vault import ENVIRONMENT_KEYS
from ..exceptions import CredentialError
from ..secret_store import open_secrets
from .common import ConnectorCase

CANARY = "canary-of-the-secret-0123456789"
#: Of every name that a provider here may use.
PURPOSES = (
    "client_secret",
    "api_key",
    secret_store.WEBHOOK_SECRET,
    secret_store.PREVIOUS_WEBHOOK_SECRET,
)
_DEPTH = 5
#: They end the transaction, or run until a time is up.
_NOT_CALLED = ("_cron_", "_register_hook", "init", "_round", "unlink", "_cr")


@tagged("post_install", "-at_install")
class TestSecretsUnreachable(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key, cls.seed = os.urandom(32), os.urandom(32)
        lines = {
            ENVIRONMENT_KEYS: f"sweep:{base64.b64encode(cls.key).decode()}",
            signing.SOURCE.variable: f"sweep:{base64.b64encode(cls.seed).decode()}",
        }
        cls.enterClassContext(patch.dict(os.environ, lines))
        for purpose in PURPOSES:
            cls.connection._set_secret(purpose, CANARY)
        cls.connection.sudo().write(
            {
                "state": "active",
                "last_test_result": "ok",
                "sealed_database": cls.connection._database_uuid(),
            }
        )
        cls.administrator = cls.env.ref("base.user_admin")
        cls.known = [
            CANARY,
            cls.key,
            cls.seed,
            *(line.partition(":")[2] for line in lines.values()),
        ]

    def run_action(self, code, user=None):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Attempt",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "code",
                "code": code,
            }
        )
        return action.with_user(user or self.administrator).run()

    # -- F3: reading -------------------------------------------------------------------------------

    def test_f3_no_attribute_or_method_of_a_record_leads_to_a_secret_or_a_key(self):
        secret_store.pooled_client(self.connection)
        sweep = Sweep(self.known)
        sweep.walk(self.env.registry, "env.registry")
        sweep.walk(self.env.cr, "env.cr")
        with (
            patch.object(Transport, "send", side_effect=OSError("no network")),
            mute_logger("odoo"),
        ):
            for name in sorted(self.env):
                if name.startswith("finance."):
                    self._sweep_model(sweep, name)
        self.assertFalse(sweep.found)
        self.assertGreater(sweep.called, 300)

    def test_f3_the_sweep_sees_a_method_that_returns_secrets(self):
        sweep = Sweep(self.known)
        leak = {"_leak": lambda record: [open_secrets(record)]}
        with patch.multiple(type(self.connection), create=True, **leak):
            self._call(sweep, self.connection._leak, "leak")
        self.assertTrue(sweep.found)

    def _sweep_model(self, sweep, model):
        record = self.connection if model == "finance.connection" else self.env[model].sudo()
        record = record.sudo() or record.search([], limit=1) if record._auto else record
        for name in _reachable(record):
            where = f"env[{model!r}].{name}"
            try:
                value = getattr(record, name)
            except Exception:  # noqa: BLE001, S112 - a descriptor without a record
                continue
            sweep.walk(value, where)
            if inspect.ismethod(value) and not name.startswith(_NOT_CALLED):
                module = getattr(value.__func__, "__module__", "") or ""
                if module.startswith("odoo.addons.finance_"):
                    self._call(sweep, value, where)

    def _call(self, sweep, method, where):
        required = [
            parameter
            for parameter in inspect.signature(method).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        values = ((self.connection.id,), (self.connection,), ("client_secret",))
        if len(required) > 1:
            values = ((self.connection, "client_secret"), (self.connection, {}))
        for arguments in values if required else ((),):
            given = (*arguments, *("client_secret",) * len(required))[: len(required)]
            try:
                with self.env.cr.savepoint():
                    result = method(*given)
                    sweep.called += 1
                    sweep.walk(result, f"{where}(…)")
                    raise _Undo
            except (_Undo, Exception) as error:  # noqa: BLE001 - an argument may be nonsense
                sweep.walk(str(error), f"error of {where}(…)")
            self.env.invalidate_all(flush=False)

    def test_f3_expressions_of_server_actions_return_no_secret(self):
        for expression in (
            "c._secret('client_secret')",
            "c.credential_ids._open()",
            "c.credential_ids._key_ring().keys",
            "env['finance.audit.sealer']._ring().keys",
            "c._pooled_client().protocol",
            "c._client().protocol",
            "env['finance.dispatcher']._sendable_connections()[c.id].client.protocol",
        ):
            code = f"c = env['finance.connection'].sudo().browse({self.connection.id})\nx = {expression}"
            with self.subTest(expression=expression), self.assertRaises(ValueError):
                self.run_action(code)

    def test_f3_a_mail_template_returns_no_secret(self):
        for call in ("_secret('client_secret')", "_pooled_client()", "_client()"):
            body = (
                f"<t t-out=\"object.env['finance.connection'].sudo().browse({self.connection.id})"
                f'.{call}"/>'
            )
            partner = self.env.user.partner_id
            with self.subTest(call=call), self.assertRaises(Exception), mute_logger("odoo"):  # noqa: B017
                self.env["mail.render.mixin"]._render_template(
                    body, "res.partner", partner.ids, engine="qweb"
                )

    def test_f3_no_format_string_leads_to_a_secret(self):
        """``format`` follows attributes and elements by name, those with two underscores included."""
        secret_store.pooled_client(self.connection)
        walk = FormatWalk([CANARY])
        walk.follow(type(self.connection)._has_secret, "{0.__func__}")
        for name, module in list(sys.modules.items()):
            if name.startswith("odoo.addons.finance_") and ".tests" not in name:
                walk.follow(module, name)
        self.assertFalse(walk.found)
        self.assertGreater(walk.count, 2000)

    def test_f3_the_walk_sees_what_a_format_string_reaches(self):
        walk = FormatWalk([CANARY])
        walk.follow({"by name": [{"deep": _Holder(CANARY)}]}, "{0}")
        self.assertTrue(walk.found)

    def test_f3_format_strings_of_server_actions_return_no_secret(self):
        secret_store.pooled_client(self.connection)
        module = secret_store.__name__
        for path in (
            "0.__func__.__globals__",
            f"0.__func__.__globals__[secret_store].{'_clients'}.data",
            f"0.__func__.__globals__[sys].modules[{module}]._clients.data",
            f"0.__func__.__globals__[sys].modules[{module}]._pool._clients",
            "0.__func__.__globals__[pooled_client].__globals__[_clients].data",
            "0.__func__.__globals__[MaskingFilter].__init__.__globals__[_known].data",
        ):
            code = (
                f"m = env['finance.connection'].browse({self.connection.id})._has_secret\n"
                f"raise UserError('{{{path}}}'.format(m))"
            )
            with self.subTest(path=path), self.assertRaises(Exception) as caught:
                self.run_action(code)
            self.assertNotIn(CANARY, str(_chain(caught.exception)))

    def test_canary_every_logger_of_the_suite_masks(self):
        """Those of Odoo that log the exceptions of requests and jobs, too."""
        found = {
            name: logger
            for name, logger in logging.root.manager.loggerDict.items()
            if name.startswith("odoo.addons.finance_")
            and isinstance(logger, logging.Logger)
            and ".tests" not in name
            and ".migrations." not in name
        }
        self.assertGreater(len(found), 10)
        for name in ("odoo.http", "odoo.addons.base.models.ir_cron"):
            found[name] = logging.getLogger(name)
        for name, logger in found.items():
            with self.subTest(logger=name):
                self.assertTrue(any(isinstance(one, MaskingFilter) for one in logger.filters))

    # -- F3, F14: writing --------------------------------------------------------------------------

    def test_f14_no_server_action_writes_an_audit_entry_of_its_own(self):
        count = self.env["finance.audit.entry"].search_count([])
        for code in (
            "env['finance.audit.entry']._record(action='a.b', summary='forged')",
            "env['finance.audit.entry']._record_many([{'action': 'a.b', 'summary': 'forged'}])",
            "env['finance.audit.entry']._append([env['finance.audit.entry']._facts(None, action='a.b')])",
            f"env['finance.connection'].browse({self.connection.id})._audit_webhook('a.b', 'forged')",
            f"f = lambda: env['finance.connection'].browse({self.connection.id})._audit_webhook('a.b', 'x')\nf()",
            f"env['finance.connection'].sudo().browse({self.connection.id})._note_test()",
        ):
            with self.subTest(code=code), self.assertRaises(Exception) as caught:
                self.run_action(code)
            self.assertNotIsInstance(caught.exception, AssertionError)
        self.assertEqual(self.env["finance.audit.entry"].search_count([]), count)

    def test_f14_what_a_server_action_really_does_is_recorded(self):
        about = [("record_model", "=", "finance.connection")]  # the action itself is recorded, too
        before = self.env["finance.audit.entry"].search_count(about)
        self.run_action(
            f"env['finance.connection'].sudo().browse({self.connection.id}).write({{'name': 'New'}})"
        )
        self.assertEqual(self.env["finance.audit.entry"].search_count(about), before + 1)

    def test_f14_a_private_method_reached_through_a_template_records_nothing(self):
        with self.assertRaises(Exception) as caught, mute_logger("odoo"):
            self.env["mail.render.mixin"]._render_template(
                "<t t-out=\"object.env['finance.audit.entry']._record(action='a.b')\"/>",
                "res.partner",
                self.env.user.partner_id.ids,
                engine="qweb",
            )
        self.assertIn("EvidenceIsAppendOnly", repr(_chain(caught.exception)))

    # -- F6 ----------------------------------------------------------------------------------------

    def test_f6_a_changed_origin_takes_secret_and_test_and_pauses(self):
        for name in self.connection._address_fields():
            self.connection._set_secret("client_secret", CANARY)
            self.connection.sudo().write({"state": "active", "last_test_result": "ok"})
            self.connection.with_user(self.users["admin"]).write({name: "http://127.0.0.1:10/x"})
            with self.subTest(field=name):
                self.assertFalse(open_secrets(self.connection))
                self.assertEqual(self.connection.state, "paused")
                self.assertEqual(self.connection.last_test_result, "never")

    def test_f6_an_address_changed_in_the_database_opens_no_secret(self):
        self.env.flush_all()
        for column, value in (("base_url", "http://127.0.0.2:9"), ("uuid", "x")):
            with self.subTest(column=column), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(  # pylint: disable=sql-injection
                    f"UPDATE finance_connection SET {column} = %s WHERE id = %s",
                    (value, self.connection.id),
                )
                self.env.invalidate_all()
                with self.assertRaises(CredentialError):
                    open_secrets(self.connection)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_f6_a_new_path_at_the_same_origin_keeps_the_secret(self):
        self.connection.base_url = "http://127.0.0.1:9/v2"
        self.assertEqual(open_secrets(self.connection)["client_secret"], CANARY)

    # -- F7, F9 ------------------------------------------------------------------------------------

    def test_f9_no_role_sets_system_fields(self):
        forged = {
            "state": "active",
            "last_test_result": "ok",
            "last_test_at": "2026-01-01 00:00:00",
            "last_test_finding": {"code": "x"},
            "sealed_database": "x",
            "blocking_finding": {"code": "x"},
            "webhook_token": "x",
            "webhook_token_sha256": "x",
            "uuid": "x",
            "throttle_ids": [(5,)],
            "credential_ids": [(5,)],
        }
        self._make_mighty(self.users["admin"])
        connection = self.connection.with_user(self.users["admin"])
        base = {"name": "N", "provider": connection.provider, "company_id": self.company.id}
        for name, value in forged.items():
            for call in (
                lambda n=name, v=value: connection.write({n: v}),
                lambda n=name, v=value: connection.web_save({n: v}, {}),
                lambda n=name, v=value: connection.create({**base, n: v}),
                lambda n=name, v=value: connection.copy({n: v}),
            ):
                with self.subTest(field=name), self.assertRaises(AccessError):
                    call()
        rows = connection.load(
            ["name", "provider", "state"], [["N", connection.provider, "active"]]
        )
        self.assertFalse(rows["ids"])

    def test_f9_defaults_of_the_context_and_of_users_set_nothing(self):
        self.env["ir.default"].set("finance.connection", "state", "active")
        context = {"default_last_test_result": "ok", "default_sealed_database": "x"}
        context |= {"default_webhook_token": "x", "default_uuid": "known"}
        made = (
            self.env["finance.connection"]
            .with_user(self.users["admin"])
            .with_context(**context)
            .create({"name": "N", "provider": self.connection.provider})
        )
        self.assertEqual((made.state, made.last_test_result), ("draft", "never"))
        self.assertFalse(made.sudo().sealed_database or made.sudo().webhook_token)
        self.assertNotEqual(made.uuid, "known")

    def test_f9_server_actions_set_nothing_as_superuser(self):
        for code in (
            "env['finance.connection'].sudo().browse({id}).write({{'state': 'draft'}})",
            "env['finance.connection'].sudo().browse({id}).copy({{'state': 'active'}})",
            "env['finance.credential'].sudo().search([]).write({{'purpose': 'x'}})",
            "env['finance.throttle'].sudo().search([]).write({{'breaker_failures': 0}})",
        ):
            with self.subTest(code=code), self.assertRaises(AccessError):
                self.run_action(code.format(id=self.connection.id))

    def test_f9_no_action_makes_changes_or_withdraws_orders_to_close_sessions(self):
        order = self.env["finance.resource.release"].create({"connection_id": self.connection.id})
        self.env.flush_all()
        orders = f"env['finance.resource.release'].sudo().browse({order.id})"
        for code in (
            f"{orders}.unlink()",
            f"{orders}.write({{'is_of_pause': True}})",
            f"{orders}.create({{'connection_id': {self.connection.id}}})",
        ):
            with self.subTest(code=code), self.assertRaises(AccessError), self.env.cr.savepoint():
                self.run_action(code)
        self.assertTrue(order.exists())

    def test_f7_the_company_is_fixed_also_without_exchanges(self):
        user = self.users["admin"]
        user.company_ids = [(4, self.other_company.id)]
        with self.assertRaises(UserError):
            self.connection.with_user(user).write({"company_id": self.other_company.id})
        exchange = self.enqueue()
        self.assertFalse(exchange._fields["company_id"].related)
        with self.assertRaises(EvidenceIsAppendOnly):
            exchange.sudo().company_id = self.other_company

    def test_f7_a_copy_has_no_secret_and_an_identity_of_its_own(self):
        copied = self.connection.copy()
        self.assertFalse(copied.credential_ids)
        self.assertNotEqual(copied.uuid, self.connection.uuid)

    # -- rotation ----------------------------------------------------------------------------------

    def test_rotation_continues_after_a_stop_and_ends_with_the_newest_key(self):
        old = os.environ[ENVIRONMENT_KEYS]
        new = "newer:" + base64.b64encode(os.urandom(32)).decode()
        with (
            patch.dict(os.environ, {ENVIRONMENT_KEYS: f"{new}\n{old}:retired"}),
            patch.object(secret_store, "BATCH", 1),
        ):
            # Not assertRaises, which would roll back what was committed before the stop.
            with contextlib.suppress(_Undo):
                secret_store.reencrypt(self.env, commit=_stop_at_second())
            done, failed = secret_store.reencrypt(self.env)
            self.assertEqual((done, failed), (len(PURPOSES) - 2, []))
            self.assertEqual(secret_store.reencrypt(self.env), (0, []))
        with patch.dict(os.environ, {ENVIRONMENT_KEYS: new}):
            self.assertEqual(set(open_secrets(self.connection).values()), {CANARY})

    def _make_mighty(self, user):
        """What an administrator can grant: every right on every model of the suite."""
        user.group_ids += self.env.ref("base.group_system")
        for model in ("finance.connection", "finance.credential", "finance.throttle"):
            self.env["ir.model.access"].create(
                {
                    "name": model,
                    "model_id": self.env["ir.model"]._get_id(model),
                    "group_id": self.env.ref("base.group_system").id,
                    **dict.fromkeys(
                        ("perm_read", "perm_write", "perm_create", "perm_unlink"), True
                    ),
                }
            )


class _Undo(Exception):
    """Rolls a savepoint back."""


def _stop_at_second():
    calls = []

    def stop():
        calls.append(1)
        if len(calls) > 1:
            raise _Undo

    return stop


def _chain(error):
    found = []
    while error:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _reachable(thing):
    return [name for name in dir(thing) if "__" not in name and name not in _UNSAFE_ATTRIBUTES]


class Sweep:
    """Follows attributes and elements as an expression can, and notes where a known value is seen."""

    def __init__(self, known):
        self.known, self.found, self.called = known, [], 0
        self._seen, self._end = {}, time.monotonic() + 120

    def walk(self, value, where, depth=_DEPTH):  # noqa: C901 - one branch per kind of value
        if isinstance(value, (str, bytes)):
            text = value if isinstance(value, str) else None
            if any(k in value if isinstance(k, type(value)) else False for k in self.known):
                self.found.append(where)
            if text is None and base64.b64encode(value).decode() in self.known:
                self.found.append(where)
            return
        if depth == 0 or isinstance(value, (int, float, type(None))) or id(value) in self._seen:
            return
        self._seen[id(value)] = value  # kept, so that the id is not used again
        if isinstance(value, dict):
            for key, item in list(value.items())[:500]:
                self.walk(key, where, depth - 1)
                self.walk(item, f"{where}[{key!r:.40}]", depth - 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            for item in list(value)[:500]:
                self.walk(item, f"{where}[]", depth - 1)
        elif type(value).__module__.startswith("odoo.addons.finance_"):
            for name in _reachable(value):
                try:
                    item = getattr(value, name)
                except Exception:  # noqa: BLE001, S112 - a descriptor without a value
                    continue
                self.walk(item, f"{where}.{name}", depth - 1)


class _Holder:
    """Shows nothing itself, as a client does."""

    __module__ = "odoo.addons.finance_x"

    def __init__(self, kept):
        self.kept = kept


class FormatWalk:
    """Follows what a format string can: attributes of any name, and elements by text or number."""

    _names = ("__dict__", "__globals__", "__closure__", "__wrapped__", "__func__", "__self__")
    _plain = (str, bytes, int, float, bool, type(None))

    def __init__(self, known):
        self.known, self.found, self.count = known, [], 0
        self._seen, self._end = {}, time.monotonic() + 60

    def follow(self, value, path, depth=6):
        """Note the path where a known value is shown, and go on from there."""
        if id(value) in self._seen or time.monotonic() > self._end:
            return
        if ".tests" in str(getattr(value, "__module__", "") or getattr(value, "__name__", "")):
            return
        self._seen[id(value)] = value
        self.count += 1
        if isinstance(value, self._plain) or not isinstance(value, types.ModuleType):
            with contextlib.suppress(Exception):
                if any(known in str(value) for known in self.known):
                    self.found.append(path)
        if depth and not isinstance(value, self._plain):
            for name, item in self._parts(value):
                self.follow(item, f"{path}{name}", depth - 1)

    def _parts(self, value):
        if isinstance(value, dict):
            return [
                (f"[{k}]", v) for k, v in list(value.items())[:2000] if isinstance(k, (str, int))
            ]
        if isinstance(value, (list, tuple)):
            return [(f"[{number}]", item) for number, item in enumerate(value[:200])]
        module = value.__name__ if isinstance(value, types.ModuleType) else type(value).__module__
        owner = getattr(value, "__module__", None) or module
        if isinstance(value, types.CellType):
            names = ["cell_contents"]
        elif str(owner).startswith(("odoo.addons.finance_", "weakref")) or str(module).startswith(
            "odoo.addons.finance_"
        ):
            names = [name for name in dir(value) if not name.startswith("__")]
        else:
            names = []
        found = []
        for name in (*names, *self._names):
            with contextlib.suppress(Exception):
                found.append((f".{name}", getattr(value, name)))
        return found
