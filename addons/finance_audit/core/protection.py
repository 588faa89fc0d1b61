"""Which protection the database gives the evidence, judged from its catalogue.

Levels: one database role with triggers and withdrawn privileges is the first. A second role that
owns the tables would be the next; it is not built yet, so it is never claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ALWAYS = "A"

# Trigger -> the guard function it must call.
TRIGGERS = {
    "entry_columns_agree": "columns_agree",
    "entry_refuse_row": "refuse_change",
    "entry_refuse_statement": "refuse_change",
    "entry_refuse_truncate": "refuse_change",
}
CONSTRAINTS = ("entry_leaf_hash_true", "entry_outcome_known", "entry_uid_unique")


@dataclass(frozen=True)
class Trigger:
    """A trigger as PostgreSQL has it: the function it calls and when it fires."""

    function: str
    enabled: str


@dataclass(frozen=True)
class Catalogue:
    """What the database says about the guards."""

    triggers: Mapping[str, Trigger]
    functions: Mapping[str, str]  # name -> source
    constraints: frozenset[str]
    privileges: frozenset[str]  # of changing entries, held by the application's own role
    superuser: bool  # the application's own role: it holds every privilege, given or not


@dataclass(frozen=True)
class Protection:
    """The judgement: what is missing, by stable id, and whether privileges bind at all."""

    weaknesses: tuple[str, ...]
    superuser: bool

    @property
    def level(self) -> str:
        if self.weaknesses:
            return "lost"
        return "triggers" if self.superuser else "triggers_privileges"


def judge(catalogue: Catalogue, bodies: Mapping[str, str]) -> Protection:
    """Compare the catalogue with the guards that must be there."""
    weaknesses = (
        *(f"trigger_{fault}" for fault in _trigger_faults(catalogue.triggers)),
        *(
            f"function_replaced:{name}"
            for name, body in bodies.items()
            if catalogue.functions.get(name) != body
        ),
        *(f"constraint_missing:{c}" for c in CONSTRAINTS if c not in catalogue.constraints),
        *(f"privilege_held:{p}" for p in sorted(catalogue.privileges) if not catalogue.superuser),
    )
    return Protection(weaknesses, catalogue.superuser)


def _trigger_faults(found: Mapping[str, Trigger]):
    for name, function in TRIGGERS.items():
        trigger = found.get(name)
        if trigger is None:
            yield f"missing:{name}"
        elif trigger.enabled != ALWAYS:
            yield f"disabled:{name}"
        elif trigger.function != function:
            yield f"redirected:{name}"
