"""F8, F12: which addresses a connection may have, and what an active one does that lost its permission."""

from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import config

from .common import ConnectorCase


@tagged("post_install", "-at_install")
class TestConnectionAddress(ConnectorCase):
    def options(self, **values):
        """Set options of the server while the block runs."""
        return patch.dict(config.options, values)

    def test_f8_addresses_that_can_be_read_in_two_ways_are_refused(self):
        for url in (
            "http://127.0.0.2:8346\\@127.0.0.1/token",
            "http://user@127.0.0.1/",
            "http://127.0.0.1:8345/internal?x=",
            "http://127.0.0.1/#x",
            "http://127.0.0.1/\r\nX: y",
            "http://2130706433/",
        ):
            with self.subTest(url), self.assertRaises(ValidationError):
                self.connection.base_url = url

    def test_f12_the_sandbox_environment_needs_the_option_of_the_server(self):
        with self.options(finance_connect_sandbox="False"):
            with self.assertRaises(ValidationError):
                self.connection.base_url = "http://127.0.0.1:10"
            self.connection.sudo().write(
                {"state": "active", "sealed_database": self.connection._database_uuid()}
            )
            self.assertNotIn(self.connection, self.connection._usable_for_sending())
            self.assertEqual(self.connection._blocking_finding().code, "connection.address_refused")
        self.assertIn(self.connection, self.connection._usable_for_sending())

    def test_f12_private_addresses_need_the_administrator(self):
        with self.options(finance_connect_allowed_hosts="10.1.2.3,169.254.169.254,api.test"):
            self.connection.write({"environment": "test", "base_url": "https://api.test/"})
            for host in ("10.1.2.3", "169.254.169.254"):
                with self.subTest(host), self.assertRaises(ValidationError):
                    self.connection.base_url = f"https://{host}/"
            with self.options(finance_connect_allowed_networks="10.1.0.0/16"):
                self.connection.base_url = "https://10.1.2.3/"

    def test_f12_only_hosts_of_the_provider_are_accepted(self):
        adapter = type(self.connection._adapter())
        with (
            self.options(finance_connect_allowed_hosts="extra.test"),
            patch.object(adapter, "_hosts", {"production": ("api.provider.test",)}),
        ):
            self.connection.write(
                {"environment": "production", "base_url": "https://api.provider.test/v1"}
            )
            self.connection.base_url = "https://extra.test/v1"
            with self.assertRaises(ValidationError):
                self.connection.base_url = "https://evil.test/v1"
            with self.assertRaises(ValidationError):
                self.connection.environment = "test"
                self.connection.base_url = "https://api.provider.test/v2"
