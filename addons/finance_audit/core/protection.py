"""How well the database protects the evidence, assessed from its catalogue.

Levels: triggers only (Odoo's role is a superuser of PostgreSQL), triggers and revoked privileges (one role,
which owns the tables), and a second role that owns the tables, so that Odoo's role cannot drop or disable
anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from .evidence_rows import Guard

ALWAYS = "A"
ROW_FUNCTION = "finance_audit.guard_row"

TABLES = ("entry", "seal", "checkpoint", "signing_key", "anchor", "erasable")
# Trigger -> the guard function it must call.
TRIGGERS = {
    "entry_columns_agree": "columns_agree",
    **{
        f"{table}_refuse_{what}": "refuse_change"
        for table in TABLES
        for what in ("row", "statement", "truncate")
    },
}
CONSTRAINTS = (
    "entry_leaf_hash_true",
    "entry_outcome_known",
    "entry_uid_unique",
    "seal_size_unique",
    "seal_first_unique",
    "seal_counts",
)


@dataclass(frozen=True)
class Trigger:
    """A trigger in the catalogue: the function it calls and when it fires."""

    function: str
    enabled: str


@dataclass(frozen=True)
class Catalogue:
    """The guards in the catalogue of the database."""

    triggers: Mapping[str, Trigger]
    functions: Mapping[str, str]  # name -> source
    constraints: frozenset[str]
    privileges: frozenset[str]  # of changing entries, held by the application's own role
    superuser: bool  # the application's own role: it holds every privilege, granted or not
    owner: bool = True  # the application's role owns the tables, or may act as their owner
    #: (table, trigger) -> of the guards of evidence in tables of other addons
    rows: Mapping[tuple[str, str], Trigger] = field(default_factory=dict[tuple[str, str], Trigger])


@dataclass(frozen=True)
class Protection:
    """The assessment: what is missing, by stable id, and whether privileges apply at all."""

    weaknesses: tuple[str, ...]
    superuser: bool
    owner: bool = True

    @property
    def level(self) -> str:
        """Return the level that the guards amount to."""
        if self.weaknesses:
            return "lost"
        if self.superuser:
            return "triggers"
        return "triggers_privileges" if self.owner else "owner_role"


def judge(
    catalogue: Catalogue, bodies: Mapping[str, str], rows: Collection[Guard] = ()
) -> Protection:
    """Compare the catalogue with the guards that must be there.

    :param rows: the guards of evidence in tables of other addons
    """
    weaknesses = (
        *(f"trigger_{fault}" for fault in _trigger_faults(catalogue.triggers)),
        *(f"rows_{fault}" for fault in row_faults(catalogue.rows, rows)),
        *(
            f"function_replaced:{name}"
            for name, body in bodies.items()
            if catalogue.functions.get(name) != body
        ),
        *(f"constraint_missing:{c}" for c in CONSTRAINTS if c not in catalogue.constraints),
        *(f"privilege_held:{p}" for p in sorted(catalogue.privileges) if not catalogue.superuser),
    )
    return Protection(weaknesses, catalogue.superuser, catalogue.owner)


def _trigger_faults(found: Mapping[str, Trigger]) -> Iterator[str]:
    for name, function in TRIGGERS.items():
        trigger = found.get(name)
        if trigger is None:
            yield f"missing:{name}"
        elif trigger.enabled != ALWAYS:
            yield f"disabled:{name}"
        elif trigger.function != function:
            yield f"redirected:{name}"


def row_faults(
    found: Mapping[tuple[str, str], Trigger], expected: Collection[Guard]
) -> Iterator[str]:
    """Return what is wrong with the guards of rows: the name of a guard contains the hash of its definition."""
    for guard in expected:
        trigger = found.get((guard.table, guard.name))
        if trigger is None:
            yield f"unguarded:{guard.key}"
        elif trigger.enabled != ALWAYS:
            yield f"disabled:{guard.key}"
        elif trigger.function != ROW_FUNCTION:
            yield f"redirected:{guard.key}"
