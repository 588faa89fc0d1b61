"""Database-free tax determination: facts in, a tax answer out. No Odoo import in here."""
