"""Database-free part of the audit floor: bytes, hashes, words. Imports nothing of Odoo."""
