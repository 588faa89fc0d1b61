"""Choose one of several configured candidates for a document: routes and code mappings.

A candidate matches when each of its criteria equals the fact of the same name; a criterion that is
absent matches everything. Of the matching candidates the most specific one is chosen (most
criteria), among equally specific ones that with the lowest sequence. Two that are equal in both
are ambiguous: nothing is chosen, because a plausible choice would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .finding import ERROR, INFO, Finding

#: Codes of the findings. Public: retired, never reused.
TAKEN = "route.taken"
NO_MATCH = "route.no_match"
AMBIGUOUS = "route.ambiguous"
UNMAPPED = "mapping.missing"
MAPPING_AMBIGUOUS = "mapping.ambiguous"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configured route or mapping; ``criteria`` holds only what the administrator has filled in."""

    id: int
    name: str
    sequence: int = 10
    criteria: Mapping[str, str] = field(default_factory=dict[str, str])

    def matches(self, facts: Mapping[str, str]) -> bool:
        """Return whether every criterion equals the fact of its name."""
        return all(facts.get(name) == value for name, value in self.criteria.items())

    @property
    def rank(self) -> tuple[int, int]:
        """Return what candidates are compared by, the best first."""
        return -len(self.criteria), self.sequence


class Ambiguity(Exception):
    """Several candidates match equally well."""

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        """Keep the candidates between which nothing decides."""
        super().__init__(", ".join(one.name for one in candidates))
        self.candidates = candidates


def choose(candidates: Iterable[Candidate], facts: Mapping[str, str]) -> Candidate | None:
    """Return the best matching candidate, or None where none matches.

    :raises Ambiguity: several are equally specific and have the same sequence
    """
    matching = [one for one in candidates if one.matches(facts)]
    if not matching:
        return None
    best = min(one.rank for one in matching)
    first, *rivals = sorted((one for one in matching if one.rank == best), key=lambda one: one.id)
    if rivals:
        raise Ambiguity((first, *rivals))
    return first


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a document, and why: a finding in either case."""

    candidate: Candidate | None
    finding: Finding


def route(candidates: Iterable[Candidate], facts: Mapping[str, str], model: str) -> Choice:
    """Return the route for these facts with its explanation.

    :param model: the model that the finding names as the place to correct
    """
    try:
        chosen = choose(candidates, facts)
    except Ambiguity as error:
        args = {"routes": ", ".join(one.name for one in error.candidates), **facts}
        place = error.candidates[0].id
        return Choice(None, Finding(AMBIGUOUS, ERROR, args, model, place, "sequence"))
    if chosen is None:
        return Choice(None, Finding(NO_MATCH, ERROR, dict(facts), model))
    args = {"route": chosen.name, "criteria": ",".join(sorted(chosen.criteria)), **facts}
    return Choice(chosen, Finding(TAKEN, INFO, args, model, chosen.id))


def overlapping(candidates: Iterable[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Return pairs of equal rank that match some document both: those that can be ambiguous."""
    listed = list(candidates)
    return [
        (one, two)
        for position, one in enumerate(listed)
        for two in listed[position + 1 :]
        if one.rank == two.rank and _compatible(one.criteria, two.criteria)
    ]


def _compatible(one: Mapping[str, str], two: Mapping[str, str]) -> bool:
    return all(one[name] == two[name] for name in one.keys() & two.keys())


def map_code(
    levels: Iterable[tuple[Candidate, ...]], facts: Mapping[str, str]
) -> Candidate | Ambiguity | None:
    """Return the mapping of the first level that has a matching one.

    :param levels: candidates from the record itself to the shared default, nearest first
    """
    for candidates in levels:
        try:
            chosen = choose(candidates, facts)
        except Ambiguity as error:
            return error
        if chosen is not None:
            return chosen
    return None
