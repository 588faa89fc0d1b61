"""A published Schematron sheet, prepared for Saxon: the same assertions fail, in the same order, in less time.

What is left out is never a rule:

* the parts of a report that say which rules were tried, which are not used;
* the walk of each pattern through the whole document in search of the contexts of its rules. The French sheet has 59
  patterns, so that it visited every element 59 times. Where the contexts of a pattern are named, it is given the
  elements of these names, which Saxon finds without running a template.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from .xml_input import Element

_XSL = "{http://www.w3.org/1999/XSL/Transform}"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_UNREAD = (f"{_SVRL}fired-rule", f"{_SVRL}active-pattern")
#: Templates by which a pattern passes over what no rule of it is about.
_PASSING = frozenset({"text()", "@*|node()"})
#: How a template goes on to what is below its node.
_BELOW = frozenset({"*", "@*|*"})
#: What depends on how a node was reached, and not on the node alone.
_OF_THE_WALK = re.compile(r"position\s*\(|last\s*\(|next-match|apply-imports")
#: The last step of a match: a qualified name, and conditions behind it.
_NAMED = re.compile(r"([\w.-]+:[\w.-]+)\s*(\[.*)?", re.DOTALL)


def prepare(sheet: Any) -> None:
    """Change a parsed sheet; its assertions, their texts and the order of the report stay as they are."""
    etree.strip_elements(sheet, *_UNREAD, with_tail=False)
    templates: dict[str, list[Element]] = {}
    entries: dict[str, list[Element]] = {}
    for template in sheet.iter(f"{_XSL}template"):
        templates.setdefault(template.get("mode") or "", []).append(template)
    for call in sheet.iter(f"{_XSL}apply-templates"):
        if call.get("select") == "/":
            entries.setdefault(call.get("mode") or "", []).append(call)
    for mode, calls in entries.items():
        if mode and len(calls) == 1:
            _seek(calls[0], templates.get(mode, []))


def _seek(entry: Element, templates: list[Element]) -> None:
    """Give a pattern the elements that its rules may be about, in the order of the document.

    It stays as it is where that could make a difference: a context without a name, a rule that depends on how its node
    was reached, or one that goes on otherwise than to all elements below, at its end.
    """
    mode = entry.get("mode")
    names: set[str] = set()
    descents: list[Element] = []
    for template in templates:
        descent = template[-1] if len(template) else None
        if descent is not None and _descends(descent, mode):
            descents.append(descent)
        if template.get("match") in _PASSING:
            continue
        found = context_names(template.get("match") or "")
        if not found or _OF_THE_WALK.search(etree.tostring(template, encoding="unicode")):
            return
        if any(_namespace(entry, name) != _namespace(template, name) for name in found):
            return
        names |= found
    within = sum(call.get("mode") == mode for item in templates for call in _calls(item))
    if names and within == len(descents):
        entry.set("select", " | ".join(f"//{name}" for name in sorted(names)))
        for descent in descents:
            parent: Any = descent.getparent()
            parent.remove(descent)


def context_names(match: str) -> set[str]:
    """Return the names of the elements that a match pattern may be about; empty if any of them is not named."""
    names: set[str] = set()
    for alternative in _split(match, "|"):
        step = _split(alternative, "/")[-1].strip()
        if named := _NAMED.fullmatch(step):
            found = {named[1]}
        elif group := _grouped(step):
            found = context_names(group)
        else:
            return set()
        if not found:
            return set()
        names |= found
    return names


def _grouped(step: str) -> str:
    """Return what is in the parentheses of a step that has nothing but conditions behind them, else nothing."""
    inner = _split(step, ")")[0]
    behind = step[len(inner) + 1 :].strip()
    return inner[1:] if step.startswith("(") and (not behind or behind.startswith("[")) else ""


def _split(text: str, separator: str) -> list[str]:
    """Split where the separator is outside of brackets and quotes; a closing parenthesis ends its own pair."""
    parts, depth, quote = [""], 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character in "([") - (character in ")]")
            if character == separator and not depth:
                parts.append("")
                continue
        parts[-1] += character
    return parts


def _descends(call: Element, mode: str | None) -> bool:
    return (
        call.tag == f"{_XSL}apply-templates"
        and call.get("mode") == mode
        and call.get("select") in _BELOW
    )


def _calls(template: Element) -> list[Element]:
    return list(template.iter(f"{_XSL}apply-templates"))


def _namespace(element: Element, name: str) -> str | None:
    return element.nsmap.get(name.partition(":")[0])
