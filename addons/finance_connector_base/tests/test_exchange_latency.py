"""Percentiles, error rates and hours as operators see them, of known calls."""

from datetime import datetime

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import tagged

from .common_operations import OperationsCase

DAY = datetime(2026, 3, 2, 12, 0)


@tagged("post_install", "-at_install")
class TestExchangeLatency(OperationsCase):
    def setUp(self):
        super().setUp()
        self.latency = self.env["finance.exchange.latency"]
        self.exchange = self.enqueue()

    def test_percentiles_of_known_calls(self):
        for latency in range(1, 102):
            self.call(self.exchange, started_at=DAY, latency_ms=latency * 10)
        row = self.row()
        self.assertEqual((row.p50, row.p95, row.p99, row.longest), (510, 960, 1000, 1010))
        self.assertEqual((row.calls, row.answers, row.errors), (101, 101, 0))
        self.assertEqual((row.company_id, row.connection_id), (self.company, self.connection))

    def test_calls_without_an_answer_count_as_errors_and_have_no_latency(self):
        self.call(self.exchange, started_at=DAY, latency_ms=20)
        self.call(self.exchange, "transient", started_at=DAY, http_status=0, latency_ms=30_000)
        self.call(self.exchange, "rejected", started_at=DAY, latency_ms=40)
        self.call(self.exchange, "lost", started_at=DAY, http_status=0, latency_ms=0)
        self.call(self.exchange, False, started_at=DAY)
        row = self.row()
        self.assertEqual((row.calls, row.answers, row.errors, row.error_rate), (4, 2, 2, 0.5))
        self.assertEqual((row.p50, row.longest), (30, 40))

    def test_steps_and_days_are_kept_apart(self):
        self.call(self.exchange, started_at=DAY)
        self.call(self.exchange, started_at=DAY, step="poll")
        self.call(self.exchange, started_at=DAY.replace(day=3))
        self.assertEqual(len(self.rows()), 3)

    def test_rows_put_together_show_the_highest_percentile_and_the_rate_of_all_calls(self):
        for latency in (10, 20, 30):
            self.call(self.exchange, started_at=DAY, latency_ms=latency)
        self.call(self.exchange, "unknown", started_at=DAY.replace(day=3), latency_ms=500)
        ((rate, p95, calls),) = self.latency._read_group(
            self.domain(), aggregates=["error_rate:avg", "p95:max", "calls:sum"]
        )
        self.assertEqual((rate, p95, calls), (0.25, 500, 4))

    def test_new_calls_are_seen_in_the_same_transaction(self):
        self.call(self.exchange, started_at=DAY)
        self.assertEqual(self.row().calls, 1)
        self.call(self.exchange, started_at=DAY)
        self.latency.invalidate_model()
        self.assertEqual(self.row().calls, 2)

    def test_latency_is_for_operators_admins_and_auditors_of_the_company(self):
        self.call(self.exchange, started_at=DAY)
        for role in ("operator", "admin", "auditor"):
            user = self.users[role]
            with self.subTest(role=role):
                self.assertEqual(len(self.latency.with_user(user).search(self.domain())), 1)
                with self.assertRaises(AccessError):
                    self.row().with_user(user).write({"calls": 0})
            user.write(
                {
                    "company_ids": [(6, 0, self.other_company.ids)],
                    "company_id": self.other_company.id,
                }
            )
            with self.subTest(role=role, company="other"):
                self.assertFalse(self.latency.with_user(user).search([]))
        for role in ("employee", "accountant"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.latency.with_user(self.users[role]).search([])

    def test_hours_are_those_of_the_readers_clock_and_lead_to_their_calls(self):
        morning = self.call(self.exchange, started_at=datetime(2026, 3, 2, 1, 30))
        evening = self.call(self.exchange, started_at=datetime(2026, 3, 2, 13, 30))
        attempts = self.env["finance.exchange.attempt"].with_context(tz="Europe/Paris")
        groups = attempts._read_group(self.attempts(), ["started_hour"], ["id:recordset"])
        self.assertEqual(groups, [("2026-03-02 02:00", morning), ("2026-03-02 14:00", evening)])
        label = evening.with_context(tz="Europe/Paris").started_hour
        self.assertEqual(label, "2026-03-02 14:00")
        found = attempts.search(Domain(self.attempts()) & Domain("started_hour", "=", label))
        self.assertEqual(found, evening)

    def domain(self):
        return [("connection_id", "=", self.connection.id)]

    def attempts(self):
        return [("exchange_id", "=", self.exchange.id)]

    def rows(self):
        return self.latency.search(self.domain())

    def row(self):
        rows = self.rows()
        rows.ensure_one()
        return rows
