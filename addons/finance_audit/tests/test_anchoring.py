"""A5: checkpoints are anchored outside the database, and what contradicts them is found."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from unittest import skipUnless
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..core import verify_audit
from ..models.finance_audit_anchor_target import FOLDER_VARIABLE
from .authority import AVAILABLE, Authority
from .test_sealing import SealCase

LOGGER = "odoo.addons.finance_audit.models.finance_audit_anchor_target"


class AnchorCase(SealCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.targets = cls.env["finance.audit.anchor.target"]
        cls.log = cls.company.id

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(prefix="anchors-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.patch(os, "environ", {**os.environ, FOLDER_VARIABLE: str(self.folder)})

    def grow(self, count=1):
        for _number in range(count):
            self.record(company=self.company)
        while self.seal():
            pass

    def target(self, kind, **values):
        return self.targets.create({"name": kind, "kind": kind, **values})

    def anchored(self, target):
        self.env.cr.execute(
            "SELECT size, target, token, stated_at FROM finance_audit.anchor "
            "WHERE target_id = %s AND log_id = %s ORDER BY id",
            [target.id, self.log],
        )
        return self.env.cr.fetchall()


@tagged("post_install", "-at_install")
class TestFolderAndMail(AnchorCase):
    def test_a5_a_copy_goes_to_the_folder_once_for_each_checkpoint(self):
        target = self.target("folder")
        self.grow()
        target._anchor_all()
        self.grow()
        target._anchor_all()
        target._anchor_all()
        rows = self.anchored(target)
        self.assertEqual(len(rows), 2)
        for (size, path, _token, _at), note in zip(rows, self.notes()[-2:], strict=True):
            self.assertEqual(verify_audit.Head(Path(path).read_text()).size, size)
            self.assertIn(note, [Path(row[1]).read_text() for row in rows])

    def test_a5_a_note_in_the_folder_is_never_overwritten(self):
        target = self.target("folder")
        self.grow()
        target._anchor_all()
        path = Path(self.anchored(target)[0][1])
        path.chmod(0o600)
        path.write_text("something else")
        self.env.cr.execute(
            "SELECT origin, size, note FROM finance_audit.checkpoint WHERE note = %s",
            [self.notes()[-1]],
        )
        row = self.env.cr.fetchone()
        with self.assertRaises(OSError):
            target._anchor_folder(*row)
        self.assertEqual(path.read_text(), "something else")

    def test_a5_a_copy_goes_by_mail(self):
        target = self.target("mail", emails="auditor@kanzlei.example")
        self.grow()
        with mute_logger("odoo.tests"):
            target._anchor_all()
        mail = self.env["mail.mail"].search([("email_to", "=", "auditor@kanzlei.example")], limit=1)
        notes = [
            attachment.raw.decode()
            for attachment in mail.search([("email_to", "=", mail.email_to)]).attachment_ids
        ]
        self.assertIn(self.notes()[-1], notes)
        self.assertEqual(len(self.anchored(target)), 1)

    def test_a5_an_incomplete_target_is_refused(self):
        for kind in ("rfc3161", "mail"):
            with self.assertRaises(ValidationError):
                self.target(kind)
        with self.assertRaisesRegex(ValidationError, "http"):
            self.target("rfc3161", url="http://tsa.example/")
        with self.assertRaisesRegex(ValidationError, "PEM"):
            self.target("rfc3161", url="https://tsa.example/", certificate="x")
        self.patch(os, "environ", {**os.environ, FOLDER_VARIABLE: ""})
        with self.assertRaisesRegex(ValidationError, "configuration"):
            self.target("folder")

    def test_a5_targets_are_the_administrators_and_their_changes_are_recorded(self):
        with self.assertRaises(AccessError):
            self.targets.with_user(self.auditor).create({"name": "x", "kind": "folder"})
        with self.assertRaises(AccessError):
            self.target("folder").with_user(self.auditor).action_anchor_now()
        target = self.target("folder")
        target.active = False
        found = self.entries.search(
            [("record_model", "=", target._name), ("record_id", "=", target.id)]
        )
        self.assertEqual(
            set(found.mapped("action")),
            {"audit.anchor.target.created", "audit.anchor.target.changed"},
        )

    def test_f1_an_interval_that_no_clock_holds_is_refused(self):
        target = self.target("folder")
        for minutes in (-1, 0, 31 * 24 * 60 + 1, 2**31 - 1):
            with self.subTest(minutes=minutes), self.assertRaises(ValidationError):
                target.interval_minutes = minutes

    def test_a5_a_target_is_due_by_its_interval(self):
        target = self.target("folder", interval_minutes=30)
        self.grow()
        with patch.object(type(self.env["ir.cron"]), "_commit_progress"):
            self.targets._cron_anchor()
            first = target.last_anchor
            self.grow()
            self.targets._cron_anchor()
            self.assertEqual(len(self.anchored(target)), 1)
            target.last_anchor = first.replace(year=first.year - 1)
            self.targets._cron_anchor()
        self.assertEqual(len(self.anchored(target)), 2)


@tagged("post_install", "-at_install")
@skipUnless(AVAILABLE, "openssl is not installed: no local time-stamping authority")
class TestTimestamps(AnchorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.close)

    def setUp(self):
        super().setUp()
        self.authority.misbehave = None
        self.tsa = self.target(
            "rfc3161", url=self.authority.url, certificate=self.authority.certificate
        )

    def failed(self):
        with self.assertLogs(LOGGER, "WARNING"):
            self.tsa._anchor_all()
        self.assertEqual(self.anchored(self.tsa), [])
        self.assertFalse(self.tsa.last_anchor)
        return self.tsa.last_error

    def test_a5_a_timestamp_of_a_real_authority_is_kept_and_proves_the_note(self):
        self.grow()
        self.tsa._anchor_all()
        self.assertFalse(self.tsa.last_error)
        (row,) = self.anchored(self.tsa)
        stamp = verify_audit.Timestamp(bytes(row[2]))
        self.assertTrue(any(stamp.covers(note) for note in self.notes()))
        self.assertEqual(stamp.time, row[3])
        self.assertTrue(stamp.trusted(self.tsa._certificates()))

    def test_a5_every_changed_byte_of_a_timestamp_is_noticed(self):
        self.grow()
        self.tsa._anchor_all()
        token, authorities = bytes(self.anchored(self.tsa)[0][2]), self.tsa._certificates()
        note = next(n for n in self.notes() if verify_audit.Timestamp(token).covers(n))
        survived = []
        for place in range(0, len(token), 7):
            changed = token[:place] + bytes([token[place] ^ 4]) + token[place + 1 :]
            try:
                stamp = verify_audit.Timestamp(changed)
                if stamp.covers(note) and stamp.trusted(authorities):
                    survived.append((place, stamp.time))
            except (verify_audit.Damage, *verify_audit.UNREADABLE):
                continue
        # Bytes outside what is signed (the answer's status, unused certificates) say nothing.
        genuine = verify_audit.Timestamp(token).time
        self.assertTrue(all(time == genuine for _place, time in survived))

    def test_a5_an_authority_that_is_not_the_configured_one_is_refused(self):
        other = Authority()
        self.addCleanup(other.close)
        self.tsa.url = other.url
        self.grow()
        self.assertIn("timestamp.foreign", self.failed())

    def test_a5_an_answer_to_another_question_is_refused(self):
        self.grow()
        kept = []
        self.authority.misbehave = lambda body: (200, kept.append(body) or body)
        self.tsa._anchor_all()
        self.grow()
        self.authority.misbehave = lambda body: (200, kept[0])
        self.tsa.copy()._anchor_all()
        self.assertEqual(len(self.anchored(self.tsa)), 1)

    def test_a5_whatever_the_authority_answers_sealing_goes_on(self):
        self.grow()
        answers = {
            "500": (500, b""),
            "302": (302, b""),
            "timestamp.bad": (200, b"no DER"),
            "timestamp.refused": (200, bytes.fromhex("30053003020102")),
            "more than": (200, b"x" * 300_000),
        }
        for text, answer in answers.items():
            with self.subTest(text):
                self.authority.misbehave = lambda _body, answer=answer: answer
                self.assertIn(text, self.failed())

    def test_f1_one_answer_of_one_authority_stops_neither_other_logs_nor_other_targets(self):
        """A certificate of a version that does not exist, a time that is none, halves of a response."""
        hostile = {
            "version": lambda body: body.replace(
                bytes.fromhex("a003020102"), b"\xa0\x03\x02\x01\x07"
            ),
            "time": lambda body: re.sub(
                rb"\x18.(20\d{12})", lambda m: m[0][:6] + b"99" + m[0][8:], body
            ),
            "year 9999": lambda body: re.sub(rb"\x18.(20\d\d)", lambda m: m[0][:2] + b"9999", body),
            "cut": lambda body: body[: len(body) // 2],
            "nested": lambda _body: b"\x30\x80" * 9000,
        }
        folder = self.target("folder")
        for name, change in hostile.items():
            self.grow()
            folder.last_anchor = False
            count = len(self.anchored(folder))
            self.authority.misbehave = lambda body, change=change: (200, change(body))
            with (
                self.subTest(name),
                self.assertLogs(LOGGER, "WARNING"),
                patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            ):
                self.targets._cron_anchor()
                self.assertIn("timestamp.bad", self.tsa.last_error)
                self.assertEqual(self.anchored(self.tsa), [])
                self.assertGreater(len(self.anchored(folder)), count)
                self.assertTrue(self.tsa.read())

    def test_a5_an_authority_that_is_not_there_is_said(self):
        self.tsa.url = "http://127.0.0.1:1/"
        self.grow()
        self.assertIn("ConnectionError", self.failed())
