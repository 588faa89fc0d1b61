"""A1: an entry lives and dies with its fact and holds the exact bytes."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

from odoo.tests import tagged

from ..core.canonical import canonical_bytes
from ..core.errors import ActionRefused, FloatRefused, SubjectRefused
from ..core.tree import leaf_hash
from .common import AuditCase


class BusinessFails(Exception):
    """Stands for whatever undoes the fact after it was recorded."""


@tagged("post_install", "-at_install")
class TestEntry(AuditCase):
    def test_a1_an_entry_is_rolled_back_with_its_fact(self):
        with self.assertRaises(BusinessFails), self.env.cr.savepoint():
            self.partner.name = "Renamed"
            entry = self.record(record=self.partner)
            self.assertTrue(entry)
            raise BusinessFails
        self.assertEqual(self.partner.name, "Brauhaus Adler")
        self.assertFalse(self.entries.search([("record_name", "=", "Renamed")]))

    def test_a1_the_bytes_are_canonical_and_hashed_as_a_leaf(self):
        entry = self.record(record=self.partner, details={"z": Decimal("1.50"), "a": "é"})
        data, digest = self.stored(entry)
        self.assertEqual(canonical_bytes(json.loads(data)), data)
        self.assertEqual(digest, leaf_hash(data))
        self.assertEqual(entry.leaf_hash, digest.hex())
        self.assertEqual(json.loads(data)["details"], {"a": "é", "z": "1.50"})

    def test_a1_the_columns_say_what_the_bytes_say(self):
        entry = self.record(
            record=self.partner,
            document=self.company,
            outcome="warning",
            summary="Something odd.",
            correlation_id="c-77",
        )
        content = json.loads(self.stored(entry)[0])
        self.assertEqual(content.pop("format"), "finance-audit-entry/1")
        self.assertEqual(content.pop("details"), {})
        written = datetime.fromisoformat(content.pop("created_at"))
        self.assertEqual(written.utcoffset(), timedelta(0))
        self.assertEqual(entry.created_at, written.replace(tzinfo=None))
        columns = entry.read(list(content), load=False)[0]
        self.assertEqual({key: columns[key] for key in content}, content)
        self.assertEqual(content["document_name"], "Nordlicht Handel")

    def test_a1_floats_are_refused_and_nothing_is_written(self):
        before = self.entries.search_count([])
        with self.assertRaises(FloatRefused):
            self.record(details={"amount": 10.5})
        self.assertEqual(self.entries.search_count([]), before)

    def test_an_action_without_a_topic_is_refused(self):
        with self.assertRaises(ActionRefused):
            self.record(action="done")

    def test_an_entry_is_about_one_saved_record(self):
        for record in (
            self.env["res.partner"].new({"name": "x"}),
            self.company + self.other_company,
        ):
            with self.assertRaises(SubjectRefused):
                self.record(record=record)
        self.assertFalse(self.record(record=self.env["res.partner"]).record_id)

    def test_the_time_is_when_it_was_written_not_when_the_transaction_began(self):
        first, second = self.record(), self.record()
        self.assertLess(first.created_at, second.created_at)

    def test_many_entries_are_one_insert(self):
        def queries(count):
            before = self.env.cr.sql_log_count
            uids = self.entries._record_many(
                [{"action": "test.done", "record": self.partner}] * count
            )
            return self.env.cr.sql_log_count - before, uids

        queries(1)  # fills the caches
        few, _uids = queries(2)
        many, uids = queries(100)
        self.assertEqual(many, few)
        found = self.entries.search([("uid", "in", uids)], order="id")
        self.assertEqual(found.mapped("uid"), uids)

    def test_nothing_to_record_is_fine(self):
        self.assertEqual(self.entries._record_many([]), [])

    def test_entries_survive_what_they_describe(self):
        partner = self.env["res.partner"].create({"name": "Gone tomorrow"})
        entry = self.record(record=partner)
        partner.unlink()
        self.assertEqual(entry.record_name, "Gone tomorrow")

    def test_text_with_a_zero_byte_is_recorded(self):
        entry = self.record(summary="a\x00b", details={"answer": "\x00"})
        self.assertEqual(entry.summary, "a\ufffdb")
