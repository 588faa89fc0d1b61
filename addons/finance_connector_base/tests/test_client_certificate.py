"""Mutual TLS: a certificate chosen on the form is a secret of the connection and is presented."""

import base64
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .. import secret_store
from ..core import cases
from ..core.conversation import Ask
from ..core.delivery.outcomes import Accepted, AuthFailed
from ..core.http.wire import HttpRequest
from ..core.protocol import ProviderProtocol
from .common_operations import OperationsCase
from .tls_authority import DAY, Authority, TlsServer


class Greeting(ProviderProtocol):
    """Asks the server who is calling."""

    def __init__(self, url):
        self.url = url

    def probe(self, context):
        response = yield Ask(HttpRequest("GET", self.url))
        return Accepted(response.json_object()["client"])


@tagged("post_install", "-at_install")
class TestClientCertificate(OperationsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.authority = Authority()
        cls.server = TlsServer(cls.authority, folder)
        cls.addClassCleanup(cls.server.stop)
        adapter = type(cls.connection._adapter())
        cls.enterClassContext(patch.object(adapter, "_client_certificate", "required"))
        cls.enterClassContext(
            patch.object(adapter, "_protocol", lambda self, item, _secrets: Greeting(item.base_url))
        )
        policy = NetworkPolicy(sandbox=True, ca_bundle=cls.server.ca_bundle)
        cls.enterClassContext(patch.object(secret_store, "network_policy", lambda: policy))
        cls.connection.base_url = cls.server.url

    def certificate(self, pem=None, company=None, **more):
        pem = pem or self.authority.issue("account-1")
        company = company or self.company
        at = pem.index("-----BEGIN CERTIFICATE")
        values = {"company_id": company.id, "name": "Certificate"}
        key = self.env["certificate.key"].create(
            {**values, "content": base64.b64encode(pem[:at].encode())}
        )
        return self.env["certificate.certificate"].create(
            {
                **values,
                "content": base64.b64encode(pem[at:].encode()),
                "private_key_id": key.id,
                **more,
            }
        )

    def probe(self, connection=None):
        client = secret_store.new_client(connection or self.connection)
        try:
            return client.probe().outcome
        finally:
            client.close()

    def as_admin(self):
        return self.connection.with_user(self.users["admin"])

    # -- presenting --------------------------------------------------------------------------------

    def test_a_chosen_certificate_is_presented(self):
        self.assertIsInstance(self.probe(), AuthFailed)
        self.as_admin().client_certificate_id = self.certificate()
        self.assertEqual(self.probe(), Accepted("account-1"))
        self.assertEqual(self.connection.client_certificate_subject, "CN=account-1")

    def test_it_is_presented_after_odoos_record_was_deleted(self):
        certificate = self.certificate()
        self.connection.client_certificate_id = certificate
        self.env.flush_all()
        certificate.private_key_id.unlink()
        certificate.unlink()
        self.env.invalidate_all()
        self.assertFalse(self.connection.client_certificate_id)
        self.assertEqual(self.probe(), Accepted("account-1"))

    def test_connections_of_one_process_present_their_own(self):
        second = self.connection.copy({"name": "Second"})
        self.assertFalse(second._has_secret(secret_store.CLIENT_CERTIFICATE))
        self.connection.client_certificate_id = self.certificate()
        second.client_certificate_id = self.certificate(self.authority.issue("account-2"))
        self.env.flush_all()
        for connection, name in ((self.connection, "account-1"), (second, "account-2")) * 2:
            outcome = secret_store.pooled_client(connection).probe().outcome
            self.assertEqual(outcome, Accepted(name))

    def test_a_replaced_certificate_is_presented_by_the_pooled_client(self):
        self.connection.client_certificate_id = self.certificate()
        self.assertEqual(
            secret_store.pooled_client(self.connection).probe().outcome, Accepted("account-1")
        )
        self.connection.client_certificate_id = self.certificate(self.authority.issue("renewed"))
        self.assertEqual(
            secret_store.pooled_client(self.connection).probe().outcome, Accepted("renewed")
        )

    # -- rights and evidence -----------------------------------------------------------------------

    def test_only_finance_admins_choose(self):
        certificate = self.certificate()
        for role in ("accountant", "operator", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                connection = self.connection.with_user(self.users[role])
                connection.client_certificate_id = certificate

    def test_finance_admins_read_neither_file_nor_key(self):
        certificate = self.certificate().with_user(self.users["admin"])
        self.assertEqual(certificate.name, "Certificate")
        for name in ("content", "pkcs12_password"):
            with self.subTest(name=name), self.assertRaises(AccessError):
                certificate.read([name])
        with self.assertRaises(AccessError):
            certificate.private_key_id.read(["pem_key"])

    def test_another_companys_certificate_is_refused(self):
        certificate = self.certificate(company=self.other_company)
        with self.assertRaises(UserError):
            self.connection.client_certificate_id = certificate

    def test_a_certificate_without_a_key_is_refused(self):
        with self.assertRaises(ValidationError):
            self.connection.client_certificate_id = self.certificate(private_key_id=False)

    def test_the_choice_is_evidence_without_the_key(self):
        pem = self.authority.issue("account-1")
        self.as_admin().client_certificate_id = self.certificate(pem)
        entries = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.connection"), ("record_id", "=", self.connection.id)]
        )
        self.assertIn("credential.set", entries.mapped("action"))
        texts = " ".join(entries.mapped("canonical_text"))
        self.assertIn(self.connection.client_certificate_sha256, texts)
        self.assertNotIn(pem.splitlines()[1], texts)

    def test_the_database_holds_no_readable_copy(self):
        pem = self.authority.issue("account-1")
        self.connection.client_certificate_id = self.certificate(pem)
        self.env.flush_all()
        for table in ("finance_credential", "finance_connection"):
            self.env.cr.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            rows = " ".join(row[0] for row in self.env.cr.fetchall())
            self.assertNotIn(pem.splitlines()[1], rows)

    # -- F6: what it was given for -----------------------------------------------------------------

    def test_f6_it_is_forgotten_with_its_server(self):
        self.connection.client_certificate_id = self.certificate()
        self.connection.base_url = "https://127.0.0.1:9"
        self.assertFalse(self.connection._has_secret(secret_store.CLIENT_CERTIFICATE))
        self.assertFalse(self.connection.client_certificate_id)
        self.assertFalse(self.connection.client_certificate_until)

    def test_f6_its_facts_are_not_written_by_hand(self):
        for values in (
            {"client_certificate_until": fields.Datetime.now()},
            {"client_certificate_sha256": "00"},
        ):
            with self.assertRaises(AccessError):
                self.as_admin().write(values)

    def test_a_removed_certificate_leaves_nothing(self):
        self.connection.client_certificate_id = self.certificate()
        self.connection.client_certificate_id = False
        self.assertFalse(self.connection._has_secret(secret_store.CLIENT_CERTIFICATE))
        self.assertFalse(self.connection.client_certificate_subject)
        self.assertIsInstance(self.probe(), AuthFailed)

    # -- settings and lifetime ---------------------------------------------------------------------

    def test_a_required_certificate_is_a_required_setting(self):
        missing = self.connection._missing_settings()
        self.assertEqual(missing.code, "connection.settings_missing")
        self.assertIn("Client certificate", missing.args["fields"])
        self.seal("active")
        self.assertFalse(self.env["finance.connection"]._usable_for_sending() & self.connection)
        self.assertEqual(self.connection.blocking_finding["code"], "connection.certificate_missing")
        self.connection.client_certificate_id = self.certificate()
        self.assertNotIn("Client certificate", str(self.connection._missing_settings()))
        self.assertTrue(self.env["finance.connection"]._usable_for_sending() & self.connection)

    def test_an_expired_certificate_costs_no_attempt(self):
        pem = self.authority.issue("account-1", life=(-3 * DAY, -DAY))
        self.connection.client_certificate_id = self.certificate(pem)
        self.seal("active")
        self.assertFalse(self.env["finance.connection"]._usable_for_sending() & self.connection)
        self.assertEqual(self.connection.blocking_finding["code"], "connection.certificate_expired")
        # The server refuses it, too.
        self.assertIsInstance(self.probe(), AuthFailed)

    def test_an_ending_certificate_opens_a_case_until_it_is_renewed(self):
        self.seal("active")
        pem = self.authority.issue("account-1", life=(-DAY, timedelta(days=20)))
        self.connection.client_certificate_id = self.certificate(pem)
        self.env["finance.stall"]._review()
        self.env["finance.stall"]._review()
        case = self.cases_of("open")
        self.assertEqual(len(case), 1)
        self.assertEqual(case.finding["code"], "stall.certificate_expires")
        pem = self.authority.issue("account-1", life=(-DAY, timedelta(days=60)))
        self.connection.client_certificate_id = self.certificate(pem)
        self.env["finance.stall"]._review()
        self.env.invalidate_all()
        self.assertFalse(self.cases_of("open"))
        self.assertEqual(case.resolution, cases.ENDED)

    def cases_of(self, state):
        return self.env["finance.case"].search(
            [
                ("connection_id", "=", self.connection.id),
                ("kind", "=", cases.CERTIFICATE),
                ("state", "=", state),
            ]
        )
