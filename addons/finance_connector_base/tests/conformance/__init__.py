"""Conformance kit: whether an adapter keeps the contract, tried against a simulation of its provider.

A provider addon describes itself by a ``Subject`` and asserts that ``examine(subject)`` finds nothing.
Each ``Problem`` names the property (P1 to P7) and says what is wrong. Imports no Odoo, so it also runs
in tests without a database.
"""

from .examination import examine
from .subject import Problem, Subject

__all__ = ["Problem", "Subject", "examine"]
