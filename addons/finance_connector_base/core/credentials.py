"""Secrets that a provider needs, declared as data by its adapter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """One secret of a connection.

    ``name`` is part of what the ciphertext is bound to and never changes. ``label`` is translatable (a lazy
    translation); it names the secret in the form and in the list of what is still required.
    """

    name: str
    label: object
    required: bool = True
