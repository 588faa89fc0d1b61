"""Faults and verdicts: rules added before the requests they are about, and decisions after."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from ..checks import Field
from ..core import Core
from ..documents import Document
from ..faults import fault_problems
from ..provider import Provider
from ..verdicts import ACCEPTED, OUTCOMES, PENDING, VerdictRule, rule_problems
from .common import Refused, answer, body_of, check_known, core_of, provider_of, refuse

DECISION = {
    "outcome": Field(required=True, choices=("accept", "reject")),
    "reasons": Field(list, items=Field(dict)),
}


async def add_fault(request: web.Request) -> web.Response:
    core, spec = core_of(request), await body_of(request)
    refuse(fault_problems(spec))
    check_known(core, spec.get("provider", "*"))
    return answer(core.faults.add(spec).report(), 201)


async def list_faults(request: web.Request) -> web.Response:
    return answer([fault.report() for fault in core_of(request).faults.faults])


async def clear_faults(request: web.Request) -> web.Response:
    core_of(request).faults.clear()
    return web.Response(status=204)


async def remove_fault(request: web.Request) -> web.Response:
    return removed(core_of(request).faults.remove(int(request.match_info["id"])))


async def add_verdict(request: web.Request) -> web.Response:
    core = core_of(request)
    rule = core.verdicts.add(await verdict_of(request))
    core.save()
    return answer(asdict(rule), 201)


async def set_default_verdict(request: web.Request) -> web.Response:
    core = core_of(request)
    core.verdicts.default = VerdictRule(**await verdict_of(request))
    core.save()
    return answer(asdict(core.verdicts.default))


async def list_verdicts(request: web.Request) -> web.Response:
    return answer(core_of(request).verdicts.dump())


async def clear_verdicts(request: web.Request) -> web.Response:
    core = core_of(request)
    core.verdicts.clear()
    core.save()
    return web.Response(status=204)


async def remove_verdict(request: web.Request) -> web.Response:
    core = core_of(request)
    found = core.verdicts.remove(int(request.match_info["id"]))
    core.save()
    return removed(found)


async def decide(request: web.Request) -> web.Response:
    """Decide one waiting document now, whatever its rule said."""
    core, provider = core_of(request), provider_of(request)
    spec = await body_of(request, DECISION)
    core.oracle.settle()
    document = core.oracle.get(provider.name, request.match_info["reference"])
    outcome = OUTCOMES[spec["outcome"]]
    check_decidable(core, document, outcome)
    reasons = chosen_reasons(provider, spec, outcome)
    return answer(core.oracle.decide(document, outcome, reasons).report())


def check_decidable(core: Core, document: Document | None, outcome: str) -> None:
    if document is None:
        raise Refused(404, "no such document")
    if document.state != PENDING:
        raise Refused(409, f"already {document.state}")
    if outcome == ACCEPTED and core.oracle.rival(document):
        raise Refused(409, "another document with the same natural key is held")


def chosen_reasons(provider: Provider, spec: dict[str, Any], outcome: str) -> list[dict[str, Any]]:
    reasons = spec.get("reasons", [])
    refuse(provider.reason_problems(reasons))
    if not reasons and outcome != ACCEPTED:
        return [dict(provider.default_reason)]
    return reasons


async def verdict_of(request: web.Request) -> dict[str, Any]:
    core, spec = core_of(request), await body_of(request)
    refuse(rule_problems(spec))
    wanted, reasons = spec.get("provider", "*"), spec.get("reasons", [])
    check_known(core, wanted)
    addressed = [each for name, each in core.providers.items() if wanted in ("*", name)]
    found = [provider.reason_problems(reasons) for provider in addressed]
    # A rule for all may speak the language of one: the others then give a general reason.
    if all(found):
        refuse(found[0])
    return spec


def removed(found: bool) -> web.Response:
    if not found:
        raise Refused(404, "no such rule")
    return web.Response(status=204)


ROUTES = (
    web.post("/control/faults", add_fault),
    web.get("/control/faults", list_faults),
    web.delete("/control/faults", clear_faults),
    web.delete(r"/control/faults/{id:\d+}", remove_fault),
    web.post("/control/verdicts", add_verdict),
    web.get("/control/verdicts", list_verdicts),
    web.delete("/control/verdicts", clear_verdicts),
    web.put("/control/verdicts/default", set_default_verdict),
    web.delete(r"/control/verdicts/{id:\d+}", remove_verdict),
    web.post("/control/decisions/{provider}/{reference}", decide),
)
