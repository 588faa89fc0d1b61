"""Posts the same invoices in several databases in turn. Runs inside Odoo."""

import statistics

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from tools.benchmarks.posting import EINVOICE, INVOICES, Bench

ROUNDS = 12


def main(names):
    """Print the median of each database, and the median of its ratios to the first one, round by round."""
    cursors = [Registry(name).cursor() for name in names]
    benches = [Bench(api.Environment(cr, SUPERUSER_ID, {})) for cr in cursors]
    rounds = [_round(benches, number) for number in range(ROUNDS + 1)][
        1:
    ]  # the first one warms caches
    for place, name in enumerate(names):
        median = statistics.median(taken[place] for taken in rounds)
        ratio = statistics.median(taken[place] / taken[0] for taken in rounds)
        print("|".join([name, f"{1000 * median / INVOICES:.0f}", f"{ratio:.2f}"]))
    for cr in cursors:
        cr.close()


def _round(benches, number):
    """Seconds by place; each round begins with another one, so that none always follows the same neighbour."""
    taken = {}
    for step in range(len(benches)):
        place = (number + step) % len(benches)
        taken[place] = benches[place].run(EINVOICE)
    return taken
