"""Configuration models leave evidence: who changed what from what to what, secrets never."""

import base64

from odoo.tests import tagged

from .common import FixtureCase

SECRET = "s3cr3t-value"


@tagged("post_install", "-at_install")
class TestTracked(FixtureCase):
    def entries_of(self, settings):
        return self.entries.search(
            [("record_model", "=", settings._name), ("record_id", "in", settings.ids)], order="id"
        )

    def last_changes(self, setting):
        return self.details(self.entries_of(setting)[-1])["changes"]

    def test_creating_is_recorded_with_its_values(self):
        setting = self.settings.create({"name": "VAT", "rate": 0.2, "company_id": self.company.id})
        entry = self.entries_of(setting)
        self.assertEqual((entry.action, entry.company_id), ("setting.created", self.company))
        self.assertEqual(entry.summary, "Fixture setting “VAT” was created.")
        self.assertEqual(
            self.last_changes(setting),
            {
                "name": {"before": None, "after": "VAT"},
                "loud_name": {"before": None, "after": "VAT"},
                "rate": {"before": None, "after": "0.2"},
                "company_id": {
                    "before": None,
                    "after": {"id": self.company.id, "name": "Nordlicht Handel"},
                },
            },
        )

    def test_a_change_is_recorded_before_and_after(self):
        setting = self.settings.create({"name": "VAT", "is_open": True, "journal": "sales"})
        setting.write({"name": "GST", "is_open": False, "journal": "bank", "note": "untracked"})
        self.assertEqual(
            self.last_changes(setting),
            {
                "name": {"before": "VAT", "after": "GST"},
                "loud_name": {"before": "VAT", "after": "GST"},
                "is_open": {"before": True, "after": False},
                "journal": {"before": "sales", "after": "bank"},
            },
        )
        self.assertIn("Name", self.entries_of(setting)[-1].summary)

    def test_a_write_that_changes_nothing_records_nothing(self):
        setting = self.settings.create({"name": "VAT", "rate": 0.2})
        before = self.entries_of(setting)
        setting.write({"name": "VAT", "rate": 0.2, "note": "untracked"})
        setting.write({})
        self.assertEqual(self.entries_of(setting), before)

    def test_one_entry_for_each_record_that_changed(self):
        settings = self.settings.create([{"name": "A"}, {"name": "B"}, {"name": "C"}])
        before = self.entries_of(settings)
        settings.write({"name": "B"})
        written = self.entries_of(settings) - before
        self.assertEqual(written.mapped("record_id"), [settings[0].id, settings[2].id])

    def test_names_are_kept_with_the_numbers_of_linked_records(self):
        old, new = self.env["res.partner.category"].create([{"name": "Old"}, {"name": "New"}])
        setting = self.settings.create({"tag_ids": [(6, 0, old.ids)]})
        setting.write({"tag_ids": [(6, 0, new.ids)]})
        self.assertEqual(
            self.last_changes(setting)["tag_ids"],
            {"before": [{"id": old.id, "name": "Old"}], "after": [{"id": new.id, "name": "New"}]},
        )

    def test_contents_of_files_stay_out_their_hash_does_not(self):
        setting = self.settings.create({"document": base64.b64encode(b"first")})
        first = self.last_changes(setting)["document"]["after"]
        setting.with_context(bin_size=True).write({"document": base64.b64encode(b"other")})
        change = self.last_changes(setting)["document"]
        self.assertEqual(change["before"], first)
        self.assertNotEqual(change["after"], first)
        self.assertIn("SHA-256", change["after"])

    def test_of_a_secret_only_what_happened_is_recorded(self):
        setting = self.settings.create({"secret": SECRET})
        states = [self.last_changes(setting)["secret"]]
        for value in (SECRET + "2", False):
            setting.secret = value
            states.append(self.last_changes(setting)["secret"])
        self.assertEqual(states, ["set", "changed", "cleared"])

    def test_of_a_write_only_secret_too(self):
        setting = self.settings.create({"secret_input": SECRET})
        states = [self.last_changes(setting)["secret_input"]]
        setting.secret_input = SECRET
        states.append(self.last_changes(setting)["secret_input"])
        before = self.entries_of(setting)
        setting.secret_input = False  # an input left empty means: keep
        self.assertEqual(states, ["replaced", "replaced"])
        self.assertEqual(self.entries_of(setting), before)

    def test_a_secret_appears_nowhere_in_the_evidence(self):
        setting = self.settings.create({"secret": SECRET, "secret_input": SECRET})
        setting.write({"secret": SECRET + "2", "secret_input": SECRET})
        setting.secret = False
        setting.secret = SECRET
        entries = self.entries_of(setting)
        setting.unlink()
        entries |= self.entries.search(
            [("record_model", "=", setting._name), ("record_id", "=", setting.id)]
        )
        self.assertEqual(len(entries), 5)
        for entry in entries:
            self.assertNotIn(SECRET.encode(), self.stored(entry)[0])

    def test_deleting_is_recorded_with_the_last_values(self):
        setting = self.settings.create({"name": "VAT", "company_id": self.company.id})
        number = setting.id
        setting.unlink()
        entry = self.entries.search(
            [("action", "=", "setting.deleted"), ("record_id", "=", number)]
        )
        self.assertEqual(entry.record_name, "VAT")
        self.assertEqual(entry.company_id, self.company)
        change = self.details(entry)["changes"]["name"]
        self.assertEqual(change, {"before": "VAT", "after": None})

    def test_a1_a_change_that_is_rolled_back_leaves_no_entry(self):
        setting = self.settings.create({"name": "VAT"})
        before = self.entries_of(setting)
        with self.env.cr.savepoint() as savepoint:
            setting.name = "GST"
            self.assertEqual(len(self.entries_of(setting) - before), 1)
            savepoint.rollback()
        self.assertEqual(self.entries_of(setting), before)

    def test_whoever_may_change_leaves_evidence_without_being_an_auditor(self):
        setting = self.settings.with_user(self.outsider).create({"name": "VAT"})
        self.assertEqual(self.entries_of(setting.sudo()).user_id, self.outsider)
