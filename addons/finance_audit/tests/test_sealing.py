"""A3: the sealer takes every committed entry once, whatever the order of commits, and waits for no other transaction."""

from contextlib import ExitStack
from random import randrange
from unittest.mock import patch

from odoo.sql_db import db_connect
from odoo.tests import tagged

from ..core import sealing, verify_audit
from ..core.keyring import NoKey
from ..core.schema import QUERIES
from ..core.tree import root_of
from ..models import finance_audit_sealer
from .common import RING, AuditCase

READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"


class SealCase(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sealer = cls.env["finance.audit.sealer"]
        # Companies without records of their own: their logs begin empty, and entries need no company.
        cls.seat, cls.other_seat = (cls.env["res.company"].browse(n) for n in (10**6, 10**6 + 1))
        cls.log = cls.seat.id

    def seal(self):
        return self.sealer._seal_once(self.log)

    def seals(self, log_id=None):
        """Return (entry ids in order, leaf hashes in order, root) of a log as stored."""
        self.env.cr.execute(
            "SELECT entry_ids, leaf_hashes, root, first_position, size FROM finance_audit.seal "
            "WHERE log_id = %s ORDER BY size",
            [self.log if log_id is None else log_id],
        )
        ids, hashes, root, end = [], b"", None, 0
        for entry_ids, leaf_hashes, stored_root, first, size in self.env.cr.fetchall():
            self.assertEqual((first, size), (end, end + len(entry_ids)))
            ids, hashes, root, end = ids + entry_ids, hashes + bytes(leaf_hashes), stored_root, size
        return ids, [hashes[at : at + 32] for at in range(0, len(hashes), 32)], bytes(root)

    def notes(self):
        self.env.cr.execute(
            "SELECT note FROM finance_audit.checkpoint WHERE log_id = %s ORDER BY id", [self.log]
        )
        return [note for (note,) in self.env.cr.fetchall()]


@tagged("post_install", "-at_install")
class TestSealing(SealCase):
    def test_a3_entries_get_positions_and_the_tree_its_root(self):
        entries = [self.record(company=self.seat) for _number in range(5)]
        self.seal()
        entries += [self.record(company=self.seat) for _number in range(3)]
        self.seal()
        ids, hashes, root = self.seals()
        self.assertLessEqual({entry.id for entry in entries}, set(ids))
        self.assertEqual(len(ids), len(set(ids)))
        for entry in entries:
            self.assertEqual(hashes[ids.index(entry.id)], self.stored(entry)[1])
        self.assertEqual(root, root_of(hashes))

    def test_a3_nothing_new_makes_no_seal_and_no_checkpoint(self):
        self.record(company=self.seat)
        while self.seal():  # the first use of a key leaves an entry of its own
            pass
        before = self.seals(), self.notes()
        self.assertEqual(self.seal(), 0)
        self.assertEqual((self.seals(), self.notes()), before)

    def test_a3_a_seal_cut_at_its_limit_goes_on_where_it_ended(self):
        entries = self.entries._record_many([{"action": "a.b", "company": self.seat}] * 25)
        taken = []
        while count := sealing.seal(self.env.cr, self.log, 7):
            taken.append(count)
        self.assertEqual(sum(taken), len(entries))
        self.assertTrue(all(count <= 7 for count in taken))
        self.assertEqual(self.seals()[2], root_of(self.seals()[1]))

    def test_a3_each_company_has_its_own_log_and_what_has_none_too(self):
        self.record(company=self.seat)
        self.record(company=self.other_seat)
        shared = self.record()
        self.assertLessEqual({0, self.seat.id, self.other_seat.id}, set(sealing.logs(self.env.cr)))
        for log_id in (0, self.other_seat.id):
            self.sealer._seal_once(log_id)
        self.assertIn(shared.id, self.seals(0)[0])
        self.assertEqual(len(self.seals(self.other_seat.id)[0]), 1)

    def test_a3_the_lag_is_visible(self):
        self.assertEqual(sealing.unsealed(self.env.cr, self.log)[0], 0)
        first = self.record(company=self.seat)
        self.record(company=self.seat)
        self.assertEqual(sealing.unsealed(self.env.cr, self.log), (2, first.created_at))
        self.seal()
        self.assertLessEqual(sealing.unsealed(self.env.cr, self.log)[0], 1)  # the key's own entry

    def test_a3_the_cost_of_a_seal_is_that_of_the_new_entries(self):
        """The plan reads the index from where the last seal ended, never the whole log."""
        self.entries._record_many([{"action": "a.b", "company": self.seat}] * 300)
        self.seal()
        self.env.cr.execute("SELECT pg_current_xact_id()::text")
        where = sealing.last_seal(self.env.cr, self.log).parameters()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        values = {**where, "with_entries": True, "limit": 10}
        self.env.cr.execute("EXPLAIN " + QUERIES["unsealed"], values)
        plan = "\n".join(line for (line,) in self.env.cr.fetchall())
        self.assertRegex(plan, r"Index Cond: .*ROW\(xact, id\) > ROW\(")

    def test_entries_from_before_the_addon_could_seal_are_sealed_first(self):
        self.record(company=self.seat)
        self.env.cr.execute(
            "ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_refuse_row;"
            "ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_refuse_statement;"
            "GRANT UPDATE ON finance_audit.entry TO CURRENT_USER;"
            "UPDATE finance_audit.entry SET xact = '0' WHERE company_id = %s",
            [self.log],
        )
        later = self.record(company=self.seat)
        self.seal()
        ids = self.seals()[0]
        self.assertEqual(ids[1], later.id)
        self.assertEqual(len(ids), 2)

    def test_a_dump_restored_in_another_cluster_is_sealed_on_without_loss(self):
        """There the transactions count from elsewhere, in this test from far below."""
        old = [self.record(company=self.seat).id for _number in range(3)]
        with patch.object(sealing, "cluster_id", lambda cr: "another"):
            self.seal()
        waiting = self.record(company=self.seat).id  # restored, but not sealed there
        self.seal()
        new = self.record(company=self.seat).id
        self.seal()
        ids = self.seals()[0]
        self.assertEqual(sorted(ids), sorted(set(ids)))
        self.assertLessEqual({*old, waiting, new}, set(ids))
        self.assertEqual(sealing.last_seal(self.env.cr, self.log).floor_id, max(old))

    # -- checkpoints (A4) ----------------------------------------------------------------------

    def test_a4_every_seal_is_signed_and_the_public_key_is_kept(self):
        self.record(company=self.seat)
        self.seal()
        head = verify_audit.Head(self.notes()[-1])
        self.env.cr.execute(
            "SELECT verifier_key FROM finance_audit.signing_key WHERE log_id = %s", [self.log]
        )
        keys = verify_audit.read_keys([key for (key,) in self.env.cr.fetchall()])
        self.assertEqual(len(head.signers(keys)), 1)
        self.assertEqual(head.root, self.seals()[2])
        self.assertTrue(head.origin.endswith(f"/{self.log}"))

    def test_a4_the_private_key_is_nowhere_in_the_database(self):
        self.record(company=self.seat)
        self.seal()
        seed = RING.partition(":")[2].strip()
        self.env.cr.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'finance_audit'"
        )
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(
                f"SELECT count(*) FROM finance_audit.{table} AS t WHERE t::text LIKE %s",
                [f"%{seed[:20]}%"],
            )
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    def test_a4_a_new_key_is_announced_in_the_log_and_both_sign_meanwhile(self):
        self.record(company=self.seat)
        self.seal()
        self.use_ring(RING.replace("test-1:A", "test-2:B") + RING)
        self.seal()
        self.assertEqual(len(verify_audit.Head(self.notes()[-1]).signatures), 2)
        announced = self.entries.search(
            [("action", "=", "audit.key.added"), ("company_id", "=", self.log)]
        )
        self.assertEqual(len(announced), 2)

    def test_a4_without_a_key_entries_are_sealed_and_the_signature_follows(self):
        self.record(company=self.seat)
        with (
            patch.object(finance_audit_sealer, "audit_keys", side_effect=NoKey("none")),
            self.assertLogs("odoo.addons.finance_audit", "ERROR"),
        ):
            self.assertEqual(self.seal(), 1)
        self.assertEqual(self.notes(), [])
        self.seal()
        self.assertEqual(verify_audit.Head(self.notes()[0]).size, 1)

    def test_a2_a_copy_goes_on_under_a_new_origin_that_cites_the_old_checkpoint(self):
        self.record(company=self.seat)
        while self.seal():
            pass
        before = verify_audit.Head(self.notes()[-1])
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "1111-2222")
        self.seal()
        after = verify_audit.Head(self.notes()[-1])
        self.assertEqual(after.origin, f"finance-connect/audit/1111-2222/{self.log}")
        root = before.text.split("\n")[2]
        self.assertEqual(after.extension("continues"), f"{before.origin} {before.size} {root}")
        self.assertTrue(
            self.entries.search(
                [("action", "=", "audit.log.copied"), ("company_id", "=", self.log)]
            )
        )


@tagged("post_install", "-at_install")
class TestSealingConcurrently(AuditCase):
    """Real connections; what they commit stays, in a log that no company has."""

    def setUp(self):
        super().setUp()
        self.log = randrange(10**6, 2 * 10**9)
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)

    def connect(self):
        cr = self.stack.enter_context(db_connect(self.env.cr.dbname).cursor())
        cr.execute(READ_COMMITTED)
        return cr

    def append(self, cr):
        entries = self.entries.with_env(self.env(cr=cr))
        company = self.env["res.company"].browse(self.log)
        uid = entries._record(action="test.done", company=company)
        cr.execute("SELECT id FROM finance_audit.entry WHERE uid = %s", [uid])
        return cr.fetchone()[0]

    def seal(self):
        cr = self.connect()
        self.assertTrue(sealing.lock(cr, self.log))
        count = sealing.seal(cr, self.log)
        cr.commit()  # A connection of this test's own. # pylint: disable=invalid-commit
        return count

    def sealed(self):
        cr = self.connect()
        cr.execute(
            "SELECT entry_ids FROM finance_audit.seal WHERE log_id = %s ORDER BY size", [self.log]
        )
        return [number for (ids,) in cr.fetchall() for number in ids]

    def test_a3_an_entry_that_commits_late_is_sealed_though_later_numbers_were(self):
        slow, fast = self.connect(), self.connect()
        late = self.append(slow)
        early = [self.append(fast) for _number in range(3)]
        fast.commit()
        self.assertLess(late, min(early))
        self.assertEqual(self.seal(), 3)
        self.assertEqual(self.sealed(), early)
        self.assertEqual(self.seal(), 0)
        slow.commit()
        self.assertEqual(self.seal(), 1)
        self.assertEqual(self.sealed(), [*early, late])
        self.assertEqual(self.seal(), 0)

    def test_a3_what_was_rolled_back_is_never_sealed(self):
        lost, kept = self.connect(), self.connect()
        self.append(lost)
        number = self.append(kept)
        kept.commit()
        lost.rollback()
        self.seal()
        self.assertEqual(self.sealed(), [number])

    def test_a3_many_orders_of_commits_seal_each_entry_once(self):
        expected, writers = set(), [self.connect() for _number in range(4)]
        for step in range(24):
            writer = writers[randrange(4)]
            number = self.append(writer)
            expected.add(number)
            if step % 3 == 0:
                writers[randrange(4)].commit()
            if step % 4 == 0:
                self.seal()
        for writer in writers:
            writer.commit()
        self.seal()
        found = self.sealed()
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(set(found), expected)

    def test_a3_a_second_sealer_takes_nothing_and_does_not_wait(self):
        writer, first, second = self.connect(), self.connect(), self.connect()
        self.append(writer)
        writer.commit()
        self.assertTrue(sealing.lock(first, self.log))
        self.assertFalse(sealing.lock(second, self.log))
        sealing.seal(first, self.log)
        first.commit()
        self.assertTrue(sealing.lock(second, self.log))
        self.assertEqual(sealing.seal(second, self.log), 0)

    def test_a3_a_writer_does_not_wait_for_the_sealer(self):
        writer, sealer = self.connect(), self.connect()
        self.append(writer)
        writer.commit()
        sealing.lock(sealer, self.log)
        sealing.seal(sealer, self.log)
        writer.execute("SET LOCAL lock_timeout = '1s'")
        self.append(writer)
        writer.commit()
        sealer.commit()
        self.assertEqual(self.seal(), 1)
