"""Eight real processes of Odoo that create invoices at the same time, with and without the entries an e-invoice leaves.

The two ways take turns, so that a machine that slows down slows both; a ninth process seals while entries are written.
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

WRITERS, SECONDS, ROUNDS = 8, 10, 3
#: What posting one e-invoice leaves in the log.
ENTRIES = 4
PAUSE = 1.0
_POLL, _PATIENCE = 0.05, 60
# Nothing but Odoo and the entries: the suite's own work leaves entries of its own.
_PLAIN = """
env["res.company"].search([]).write({"finance_tax_engine": "none", "finance_einvoice_regime": False})
env.cr.commit()
"""
_CHILD = """
import sys; sys.path.insert(0, {project!r})
from tools.benchmarks.audit_orm import work
work(env, {folder!r}, {number})
"""


def main(runtime):
    """Print transactions a second of both ways, their ratio, and the serialization failures."""
    from tools.dev import databases, paths

    name = databases.test_database("bench_writers")
    databases.copy_database(runtime, "sample", name)
    try:
        databases.shell(runtime, name, _PLAIN)
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WRITERS + 1) as pool:
            codes = [
                _CHILD.format(project=str(paths.PROJECT), folder=folder, number=number)
                for number in range(WRITERS + 1)
            ]
            outputs = list(pool.map(lambda code: databases.shell(runtime, name, code), codes))
    finally:
        databases.drop(runtime, name)
    _print([line.split("|") for text in outputs for line in text.splitlines() if "|" in line])


def _print(rows):
    done = [0] * (2 * ROUNDS)
    failed = [0, 0]
    for slot, number, failures in rows:
        done[int(slot)] += int(number)
        failed[int(slot) % 2] += int(failures)
    without, audited = (statistics.median(done[way::2]) / SECONDS for way in (0, 1))
    print(f"\n{WRITERS} processes of Odoo, each transaction creates an invoice of five lines")
    print(
        f"without audit {without:,.1f}/s, with {ENTRIES} entries each {audited:,.1f}/s: {audited / without:.2f}"
    )
    print(f"serialization failures: {failed[0]} without, {failed[1]} with")


# -- inside Odoo -------------------------------------------------------------------------------------------


def work(env, folder, number):
    """One process: a writer, or the sealer as the last one. Prints slot, transactions, serialization failures."""
    from tools.benchmarks.posting import Bench

    bench = Bench(env)
    _write(env, bench, time.time(), is_audited=False)
    start = _meet(Path(folder), number)
    for slot in range(2 * ROUNDS):
        begin = start + slot * (SECONDS + PAUSE)
        time.sleep(max(0.0, begin - time.time()))
        if number == WRITERS:
            _seal(env, begin + SECONDS, is_on=slot % 2)
        else:
            print("|".join(map(str, (slot, *_write(env, bench, begin + SECONDS, slot % 2)))))


def _meet(folder, number):
    """Wait for the others; the time at which all begin."""
    (folder / str(number)).touch()
    deadline = time.monotonic() + _PATIENCE
    while len(files := list(folder.iterdir())) <= WRITERS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(files)} of {WRITERS + 1} processes came")
        time.sleep(_POLL)
    return max(file.stat().st_mtime for file in files) + PAUSE


def _write(env, bench, end, is_audited):
    from psycopg2.errors import SerializationFailure

    done = failed = 0
    while True:
        try:
            move = bench._invoice()
            for number in range(ENTRIES if is_audited else 0):
                env["finance.audit.entry"]._record(
                    action="bench.done",
                    document=move,
                    outcome="success",
                    summary=f"Step {number} of the invoice was done",
                    details={"state": {"before": "draft", "after": "posted"}, "reference": "R-1"},
                )
            env.cr.commit()
            done += 1
        except SerializationFailure:
            env.cr.rollback()
            failed += 1
        if time.time() >= end:
            return done, failed


def _seal(env, end, is_on):
    while is_on and time.time() < end:
        env["finance.audit.sealer"]._seal_all()
        env.cr.commit()
        time.sleep(PAUSE)
