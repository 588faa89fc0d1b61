"""One process that plays finance providers: real protocols, faults on demand, an oracle.

It imports neither Odoo nor the addons, so it can only know what a client really sent.
"""
