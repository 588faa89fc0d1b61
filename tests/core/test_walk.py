"""The way of one invoice in docs/architecture.md: every step is a method that can be opened."""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "architecture.md"
MOST_STEPS = 20
MOST_FILES_OF_DELIVERY = 14
STEP = re.compile(r"^\| (\d+) \| `([\w/]+\.py)` \| `(\w+)` \|", re.MULTILINE)


def functions_of(path):
    """Return the names of all functions and methods of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_step_is_a_method_and_there_are_at_most_twenty():
    steps = STEP.findall(PAGE.read_text(encoding="utf-8"))
    assert [int(number) for number, _file, _method in steps] == list(range(1, len(steps) + 1))
    assert 0 < len(steps) <= MOST_STEPS
    missing = [
        f"{file}: {method}"
        for _number, file, method in steps
        if not (PROJECT / "addons" / file).is_file()
        or method not in functions_of(PROJECT / "addons" / file)
    ]
    assert missing == []


def test_delivery_crosses_few_files():
    text = PAGE.read_text(encoding="utf-8").split("crosses these files:", 1)[1].split("\n\n", 1)[0]
    names = re.findall(r"`([\w/.]+)`", text.replace("`core/delivery`", ""))
    assert 0 < len(names) <= MOST_FILES_OF_DELIVERY
    addon = PROJECT / "addons" / "finance_connector_base"
    known = {path.stem for path in addon.rglob("*.py")} | {"queries.sql"}
    assert [name for name in names if name.rsplit("/", 1)[-1] not in known] == []
