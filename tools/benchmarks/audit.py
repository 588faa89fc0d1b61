"""Sealing and offline verification of a million entries beside a bare hashing loop; writers with and without audit.

A bare loop reads the same bytes from the same place – the file, the zip, the table – one by one, and hashes each: no tree,
no signature, no comparison. Parts take turns so that a machine that slows down slows all of them.
"""

import hashlib
import io
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import psycopg2

SQL = Path(__file__).parents[2] / "addons" / "finance_audit" / "sql"
ROUNDS = 3
WRITERS, SECONDS = 8, 10
# A transaction of business: Odoo needs about as many statements to create one invoice of five lines.
STATEMENTS = 70
LOG = 1

_ENTRY = """
INSERT INTO finance_audit.entry (
    uid, created_at, company_id, user_id, real_user_id, user_login, source, action, outcome, summary,
    record_model, record_id, record_name, document_model, document_id, document_name, correlation_id,
    canonical, leaf_hash)
SELECT row.uid, row.created_at, row.company_id, row.user_id, row.real_user_id, row.user_login, row.source,
       row.action, row.outcome, row.summary, row.record_model, row.record_id, row.record_name,
       row.document_model, row.document_id, row.document_name, row.correlation_id,
       payload.canonical, sha256('\\x00'::bytea || payload.canonical)
FROM (SELECT convert_to(jsonb_build_object(
        'uid', gen_random_uuid(), 'created_at', clock_timestamp() - interval '30 days', 'company_id', %(log)s, 'user_id', 2,
        'real_user_id', 2, 'user_login', 'operator', 'source', 'cron', 'action', 'exchange.accepted',
        'outcome', 'success', 'summary', 'The platform accepted the invoice INV/2026/' || n,
        'record_model', 'finance.exchange', 'record_id', n, 'record_name', 'EX/' || n,
        'document_model', 'account.move', 'document_id', n, 'document_name', 'INV/2026/' || n,
        'correlation_id', gen_random_uuid(), 'format', 'finance-audit-entry/1',
        'details', jsonb_build_object('reference', gen_random_uuid(), 'state',
            jsonb_build_object('before', 'sending', 'after', 'accepted'), 'attempt', 1))::text, 'UTF8') AS canonical
    FROM generate_series(%(start)s, %(end)s) AS n OFFSET 0) AS payload
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::finance_audit.entry, convert_from(payload.canonical, 'UTF8')::jsonb) AS row
"""


def _measure(dsn, count):
    """Fill a database that has the tables, and print the tables of results."""
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cr:
        _fill(cr, count)
        connection.commit()
        # As autovacuum does after so many rows: otherwise whoever reads first pays for the writer's bulk.
        connection.autocommit = True
        cr.execute("VACUUM (ANALYZE) finance_audit.entry")
        connection.autocommit = False
        sealing = _seal(connection, cr)
        checks = _checks(cr)
        stored = _stored(connection)
        with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
            _export(cr, Path(folder))
            bare, unpacking, verifying, zipped, peak = _verify(Path(folder))
        size = _scalar(cr, "SELECT avg(octet_length(canonical)) FROM finance_audit.entry")
    print(f"{count:,} entries of {size:.0f} bytes")
    print(f"{'':<38}{'entries/s':>12}{'of bare loop':>14}{'of the file one':>17}")
    for name, seconds, loop in (
        ("bare hashing loop over the file", bare, bare),
        ("bare hashing loop over the zip", unpacking, unpacking),
        ("bare hashing loop over PostgreSQL", stored, stored),
        ("sealing, tree and signatures", sealing, stored),
        ("verify_audit.py on a folder", verifying, bare),
        ("verify_audit.py on the zip", zipped, unpacking),
    ):
        print(f"{name:<38}{count / seconds:>12,.0f}{loop / seconds:>14.2f}{bare / seconds:>17.2f}")
    print(f"peak memory of the verifier's process: {peak:,.0f} MB")
    print("verification in the database, entries of 30 days ago: " + checks)
    _writers(dsn)


def _scalar(cr, query):
    cr.execute(query)
    return float(cr.fetchone()[0])


def _fill(cr, count):
    step = 50_000
    for start in range(1, count + 1, step):
        cr.execute(_ENTRY, {"log": LOG, "start": start, "end": min(start + step - 1, count)})


def _seal(connection, cr):
    from odoo.addons.finance_audit.core import sealing
    from odoo.addons.finance_audit.core.keyring import KeyRing, new_line
    from odoo.addons.finance_audit.core.note import Checkpoint, sign
    from odoo.addons.finance_audit.core.signing import signers, signing_with

    keys, origin = signers(KeyRing.parse(new_line("bench"))), "bench/1"
    started, total = time.perf_counter(), 0
    while True:
        sealing.lock(cr, LOG)
        taken = sealing.seal(cr, LOG)
        if not taken:
            break
        total += taken
        cr.execute(
            "SELECT size, root FROM finance_audit.seal WHERE log_id = %s ORDER BY size DESC LIMIT 1",
            [LOG],
        )
        size, root = cr.fetchone()
        note = sign(Checkpoint(origin, size, bytes(root)).text(), origin, signing_with(keys))
        cr.execute(
            "INSERT INTO finance_audit.checkpoint (log_id, size, root, origin, key_ids, note, signed_at) "
            "VALUES (%s, %s, %s, %s, '', %s, now())",
            [LOG, size, root, origin, note],
        )
        connection.commit()
    connection.commit()
    from odoo.addons.finance_audit.core.note import verifier_key

    cr.execute(
        "INSERT INTO finance_audit.signing_key (log_id, origin, verifier_key) VALUES (%s, %s, %s)",
        [LOG, origin, verifier_key(origin, keys[0].public_key().public_bytes_raw())],
    )
    connection.commit()
    return time.perf_counter() - started


def _checks(cr):
    """Seconds of the statements that the verification in Odoo adds to the verifier, as a text.

    The entries are older than a day: for new ones there is nothing to compare.
    """
    from odoo.addons.finance_audit.core.schema import QUERIES

    found = []
    for name in ("skipped_entry", "changed_columns"):
        started = time.perf_counter()
        cr.execute(QUERIES[name], {"log_id": LOG})
        if cr.fetchone():
            raise RuntimeError(f"{name} found an entry")
        found.append(f"{name} {time.perf_counter() - started:.2f} s")
    return ", ".join(found)


def _stored(connection):
    """Seconds of the bare loop over the bytes where they are stored."""
    started = time.perf_counter()
    with connection.cursor(name="bare") as cr:
        cr.itersize = 5000
        cr.execute("SELECT canonical FROM finance_audit.entry ORDER BY id")
        for (data,) in cr:
            hashlib.sha256(data).digest()
    connection.commit()
    return time.perf_counter() - started


def _export(cr, folder):
    from odoo.addons.finance_audit.core.log_reader import LogReader
    from odoo.addons.finance_audit.core.package import PackageWriter

    reader = LogReader(cr, LOG)
    with (folder / "package.zip").open("wb") as out:
        writer = PackageWriter(out)
        writer.lines(
            "company-1/entries.ndjson", (one for lines in reader.lines("") for one in lines)
        )
        writer.chunks("company-1/leaves.bin", reader.blobs())
        writer.rows("company-1/checkpoints.ndjson", reader.rows("checkpoints.ndjson"))
        writer.text("company-1/keys.txt", reader.keys())
        manifest = {"created_at": "2026-01-01T00:00:00+00:00", "logs": [reader.describe()]}
        writer.close(manifest, "", "")
    with zipfile.ZipFile(folder / "package.zip") as package:
        package.extractall(folder / "open")


def _verify(folder):
    """Median seconds of the bare loop and of the verifier, each in a process of its own."""
    runs = {"bare": [], "unpack": [], "open": [], "package.zip": []}
    ways = {"bare": _bare, "unpack": _unpack}
    for _round in range(ROUNDS):
        for name, seconds in runs.items():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                taken, peak = pool.apply(ways.get(name, _check), [folder, name])
                seconds.append(taken)
    return *(statistics.median(seconds) for seconds in runs.values()), peak


def _bare(folder, _name):
    with (folder / "open" / "company-1" / "entries.ndjson").open("rb") as lines:
        return _hash(lines), 0


def _unpack(folder, _name):
    with zipfile.ZipFile(folder / "package.zip") as package:
        # A zip's own way of finding lines is slow, which is not the question here.
        lines = io.BufferedReader(package.open("company-1/entries.ndjson"), 1 << 20)
        return _hash(lines), 0


def _hash(lines):
    started = time.perf_counter()
    for line in lines:
        hashlib.sha256(line).digest()
    return time.perf_counter() - started


def _check(folder, name):
    sys.path.insert(0, str(SQL.parent / "core"))
    import verify_audit

    started = time.perf_counter()
    report = verify_audit.verify(folder / name, verify_audit.Settings())
    if report.damage or not report.proven:
        raise RuntimeError(report.damage)
    return time.perf_counter() - started, _peak()


def _peak():
    """Megabytes this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# -- writers -----------------------------------------------------------------------------------------


def _writers(dsn):
    """Business transactions of several writers at once, with and without an entry each, sealer running."""
    with psycopg2.connect(dsn) as connection, connection.cursor() as cr:
        cr.execute("DROP TABLE IF EXISTS bench_document")
        cr.execute("CREATE TABLE bench_document (id serial PRIMARY KEY, state text, note text)")
        cr.execute(
            "INSERT INTO bench_document (state, note) SELECT 'draft', repeat('x', 500) "
            "FROM generate_series(1, 4000)"
        )
    rates = {False: [], True: []}
    failures = 0
    for _round in range(ROUNDS):
        for audited, found in rates.items():
            done, failed = _round_of_writers(dsn, audited)
            found.append(done / SECONDS)
            failures += failed
    without, with_audit = (statistics.median(rates[audited]) for audited in (False, True))
    print(
        f"\n{WRITERS} writers of plain SQL, REPEATABLE READ, each transaction {STATEMENTS} statements and no Python"
    )
    print(
        f"without audit {without:,.0f}/s, with an entry each {with_audit:,.0f}/s: {with_audit / without:.2f}"
    )
    print(f"serialization failures: {failures}")


def _round_of_writers(dsn, audited):
    context = multiprocessing.get_context("spawn")
    with context.Pool(WRITERS + 1) as pool:
        sealer = pool.apply_async(_sealer, [dsn]) if audited else None
        done = pool.starmap(_write, [(dsn, number, audited) for number in range(WRITERS)])
        if sealer:
            sealer.get()
    return sum(d for d, _f in done), sum(f for _d, f in done)


def _write(dsn, number, audited):
    from tools.benchmarks.audit_stub import stub

    stub()
    connection = psycopg2.connect(dsn)
    connection.set_session(isolation_level="REPEATABLE READ")
    done = failed = 0
    end = time.monotonic() + SECONDS
    with connection.cursor() as cr:
        while time.monotonic() < end:
            document = number * 500 + done % 500 + 1
            try:
                for _statement in range(STATEMENTS // 2):
                    cr.execute("SELECT * FROM bench_document WHERE id = %s", [document])
                    cr.execute(
                        "UPDATE bench_document SET state = 'sent', note = note WHERE id = %s",
                        [document],
                    )
                if audited:
                    _append(cr, document)
                connection.commit()
                done += 1
            except psycopg2.errors.SerializationFailure:
                connection.rollback()
                failed += 1
    return done, failed


def _append(cr, document):
    """One entry, as the addon writes it."""
    from odoo.addons.finance_audit.core import entry
    from odoo.addons.finance_audit.core.schema import QUERIES
    from odoo.addons.finance_audit.core.tree import leaf_hash

    facts = entry.Facts(
        action="exchange.accepted",
        actor=entry.Actor(2, 2, "operator", "cron"),
        outcome="success",
        summary=f"The platform accepted the invoice INV/2026/{document}.",
        record=entry.Subject("finance.exchange", document, f"EX/{document}"),
        company_id=LOG,
        details={"reference": "R-1", "state": {"before": "sending", "after": "accepted"}},
    )
    cr.execute("SELECT clock_timestamp()")
    data = entry.entry_bytes(facts, uuid4(), cr.fetchone()[0])
    cr.execute(QUERIES["append"], {"canonical": [data], "leaf_hash": [leaf_hash(data)]})


def _sealer(dsn):
    from tools.benchmarks.audit_stub import stub

    stub()
    from odoo.addons.finance_audit.core import sealing

    connection = psycopg2.connect(dsn)
    end = time.monotonic() + SECONDS
    with connection.cursor() as cr:
        while time.monotonic() < end:
            sealing.lock(cr, LOG)
            sealing.seal(cr, LOG)
            connection.commit()
            time.sleep(1)


def main(count):
    """Make a database with the tables alone, measure in it, drop it."""
    from tools.benchmarks.audit_stub import stub
    from tools.dev import databases, odoo_run

    from . import audit_orm

    stub()
    with odoo_run.ready() as runtime:
        name = databases.test_database("bench_audit")
        databases.create_empty(runtime, name)
        try:
            dsn = runtime.server.dsn(name)
            with psycopg2.connect(dsn) as connection, connection.cursor() as cr:
                for path in sorted(SQL.glob("0[123]*.sql")):
                    cr.execute(path.read_text(encoding="utf-8"))
            _measure(dsn, count)
        finally:
            databases.drop(runtime, name)
        audit_orm.main(runtime)
    return 0
