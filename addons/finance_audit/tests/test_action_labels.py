"""Every action that an installed addon records has a label, so that its id is never shown."""

import ast
import re
from pathlib import Path

from odoo.modules import get_module_path
from odoo.tests import tagged

from .common import FixtureCase

ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
# Functions whose first argument is an action.
RECORDERS = re.compile(r"_audit(_\w+)?")


def recorded_actions(source):
    """Yield every action that a source text records: (text, whether it is only the beginning)."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "action":
            yield from _texts(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "action":
                    yield from _texts(value)
        elif isinstance(node, ast.Call) and node.args:
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if RECORDERS.fullmatch(name):
                for argument in node.args:
                    yield from _texts(argument)


def _texts(node):
    """Yield the constant texts of an expression that look like actions."""
    if isinstance(node, ast.Constant) and ACTION.fullmatch(str(node.value)):
        yield node.value, False
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        beginning = str(node.values[0].value)
        if re.fullmatch(r"[a-z][a-z0-9_.]*\.", beginning):
            yield beginning, True


def sources(env):
    """Yield the source texts of finance_audit and of every installed addon above it."""
    modules = env["ir.module.module"].search([("state", "=", "installed")])
    audit = modules.filtered(lambda module: module.name == "finance_audit")
    above = audit.downstream_dependencies(exclude_states=("uninstalled", "uninstallable"))
    for module in audit | above:
        root = Path(get_module_path(module.name))
        for path in root.rglob("*.py"):
            if "tests" not in path.relative_to(root).parts:
                yield path, path.read_text(encoding="utf-8")


@tagged("post_install", "-at_install")
class TestActionLabels(FixtureCase):
    def test_every_recorded_action_has_a_label(self):
        labels = self.entries._action_labels()
        found = {
            (action, partial)
            for path, text in sources(self.env)
            for action, partial in recorded_actions(text)
            if path.name != "verify_audit.py"
        }
        self.assertIn(("audit.exported", False), found)
        missing = sorted(
            action
            for action, partial in found
            if not (any(a.startswith(action) for a in labels) if partial else action in labels)
        )
        self.assertEqual(missing, [])

    def test_changes_of_tracked_models_are_labelled_by_the_model(self):
        labels = self.entries._action_labels()
        for name in self.registry.descendants(["finance.audit.tracked.mixin"], "_inherit"):
            if not self.env[name]._abstract:
                topic = self.env[name]._audit_topic
                for verb in ("created", "changed", "deleted"):
                    self.assertIn(f"{topic}.{verb}", labels)
        self.assertIn("Fixture setting", labels["setting.changed"])

    def test_every_result_of_a_verification_has_a_label(self):
        states = self.env["finance.audit.verification"]._fields["state"].get_values(self.env)
        labels = self.entries._action_labels()
        self.assertEqual([s for s in states if f"audit.verification.{s}" not in labels], [])

    def test_the_scan_finds_each_way_of_recording(self):
        text = """
self._record(action="a.one" if x else "a.two")
entries.append({"action": f"b.{state}"})
self._audit("c.three", words)
record(action=action or f"d.e.{state}")
other(action="open_window")
"""
        self.assertEqual(
            sorted(recorded_actions(text)),
            [("a.one", False), ("a.two", False), ("b.", True), ("c.three", False), ("d.e.", True)],
        )
