"""Secrets, keys, verification of webhooks, masking."""
