"""Credentials that a provider needs, declared as data by its adapter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential of a connection; declared, it is entered in the form without a field or view.

    ``name`` is part of what the ciphertext is bound to and never changes. ``label`` and ``help`` are
    translatable (lazy translations); the label names it in the form and in the list of what is still
    required. ``secret`` values are never displayed again; others, an account for instance, are shown
    to finance admins. ``field`` names a field of the connection by which the adapter has it entered
    in a view of its own.
    """

    name: str
    label: object
    required: bool = True
    secret: bool = True
    help: object = ""
    field: str = ""
