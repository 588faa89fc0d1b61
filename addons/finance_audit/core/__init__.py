"""The part of the audit addon without Odoo: bytes, hashes, keys, seals and the verifier."""
