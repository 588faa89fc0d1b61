"""Check the dependency rules between addons: imports, `depends`, names and network access.

Imports and `depends` go downwards only, a layer never names a layer above it nor a sibling, the
core does not import Odoo, and one addon opens sockets. The rules are functions over a folder of
addons, so that each is also shown to detect its own violation.
"""

import ast
import re
from pathlib import Path

import pytest

ADDONS = Path(__file__).parents[2] / "addons"

# Addon -> its direct dependencies within this repository; the indirect ones are derived.
LAYERS = {
    "finance_audit": (),
    "finance_connector_base": ("finance_audit",),
    "finance_tax_engine": ("finance_connector_base",),
    "finance_tax_embedded": ("finance_tax_engine",),
    "finance_registry": ("finance_connector_base",),
    "finance_registry_tax": ("finance_registry", "finance_tax_engine"),
    "finance_einvoice": ("finance_connector_base",),
    "finance_einvoice_en16931": ("finance_einvoice",),
    "finance_einvoice_fr": ("finance_einvoice_en16931",),
    "finance_einvoice_afnor": ("finance_einvoice_fr",),
}
NETWORK_ADDON = "finance_connector_base"
# The evidence layer lies below the network addon and is anchored outside without it. It holds what both
# call with: one file parses addresses, one opens sockets, one loads client certificates; the time-stamping
# client names its errors.
NETWORK_EXCEPTIONS = (
    "finance_audit/core/address.py",
    "finance_audit/core/bounded_http.py",
    "finance_audit/core/client_certificate.py",
    "finance_audit/core/timestamp_client.py",
)
SOCKETS = re.compile(
    r"(socket|ssl|requests|urllib3|httpx|aiohttp|zeep|http\.client|urllib\.request|xmlrpc\.client"
    r"|smtplib|ftplib|paramiko|websocket|pycurl)(\.|$)"
)
NAMING_FILES = (".py", ".xml", ".csv", ".js", ".scss", ".sql")


def below(addon):
    """Return the direct and indirect dependencies of `addon` within this repository."""
    direct = LAYERS[addon]
    return set(direct).union(*(below(name) for name in direct))


def addons_in(folder):
    return sorted(manifest.parent for manifest in folder.glob("*/__manifest__.py"))


def python_files(folder):
    return sorted(folder.rglob("*.py"))


def imports(path):
    """Yield the absolute name of every module a file imports, and of what it takes from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def leaves_root(path, root):
    """Return whether a relative import leaves `root`: the core does not import the shell."""
    depth = len(path.parent.relative_to(root).parts) + 1
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.ImportFrom) and node.level > depth for node in ast.walk(tree))


# -- the rules: each returns its violations as sentences ---------------------------------------


def unknown_addons(folder):
    return [
        f"{addon.name} is missing from LAYERS"
        for addon in addons_in(folder)
        if addon.name not in LAYERS
    ]


def core_imports_odoo(folder):
    allowed = re.compile(r"odoo\.addons\.(\w+)\.core(\.|$)")
    violations = []
    for addon in addons_in(folder):
        core = addon / "core"
        for path in python_files(core):
            violations += [
                f"{path.relative_to(folder)} imports {name}"
                for name in imports(path)
                if re.match(r"odoo(\.|$)", name) and not allowed.match(name)
            ]
            if leaves_root(path, core):
                violations.append(f"{path.relative_to(folder)} imports from outside its core")
    return violations


def upward_depends(folder):
    violations = []
    for addon in addons_in(folder):
        manifest = ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))
        named = LAYERS.keys() & set(manifest["depends"])
        violations += [
            f"{addon.name} depends on {name}" for name in sorted(named - below(addon.name))
        ]
    return violations


def upward_imports(folder):
    violations = []
    for addon in addons_in(folder):
        for path in python_files(addon):
            for name in imports(path):
                found = re.match(r"odoo\.addons\.(\w+)", name)
                target = found and found.group(1)
                if target in LAYERS.keys() - below(addon.name) - {addon.name}:
                    violations.append(f"{path.relative_to(folder)} imports {name}")
    return violations


def upward_names(folder):
    violations = []
    for addon in addons_in(folder):
        above = sorted(LAYERS.keys() - below(addon.name) - {addon.name})
        pattern = re.compile(rf"\b({'|'.join(above)})\b") if above else None
        for path in sorted(addon.rglob("*")):
            # A migration names the addon that took over a part of this one.
            migrates = "migrations" in path.relative_to(addon).parts
            if pattern and path.suffix in NAMING_FILES and not migrates:
                violations += [
                    f"{path.relative_to(folder)} names {name}"
                    for name in sorted(set(pattern.findall(path.read_text(encoding="utf-8"))))
                ]
    return violations


def sockets_elsewhere(folder):
    violations = []
    for addon in addons_in(folder):
        for path in python_files(addon):
            is_test = "tests" in path.relative_to(addon).parts
            allowed = path.relative_to(folder).as_posix() in NETWORK_EXCEPTIONS
            if addon.name == NETWORK_ADDON or is_test or allowed:
                continue
            violations += [
                f"{path.relative_to(folder)} imports {name}"
                for name in imports(path)
                if SOCKETS.match(name)
            ]
    return violations


# What belongs to one format or one country must not come back to the addon that is neutral.
NEUTRAL = {
    "finance_einvoice": re.compile(
        r"siren|siret|\bUBL\b|afnor|schematron|xslt|lxml|\bVATEX", re.IGNORECASE
    ),
    "finance_einvoice_en16931": re.compile(r"siren|siret|afnor_|br_fr|l10n_", re.IGNORECASE),
}


def words_of_another_layer(folder):
    violations = []
    for addon in addons_in(folder):
        pattern = NEUTRAL.get(addon.name)
        for path in sorted(addon.rglob("*")):
            inside = path.relative_to(addon).parts
            if (
                not pattern
                or path.suffix not in NAMING_FILES
                or {"migrations", "i18n"} & set(inside)
            ):
                continue
            found = set(pattern.findall(path.read_text(encoding="utf-8")))
            violations += [f"{path.relative_to(folder)} says {word}" for word in sorted(found)]
    return violations


RULES = (
    unknown_addons,
    words_of_another_layer,
    core_imports_odoo,
    upward_depends,
    upward_imports,
    upward_names,
    sockets_elsewhere,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_addons_follow_the_rule(rule):
    assert addons_in(ADDONS), "no addon found: nothing would be checked"
    assert rule(ADDONS) == []


# -- each rule detects its own violation --------------------------------------------------------


def addon_folder(tmp_path, addon, files, depends=()):
    for name, content in {"__manifest__.py": repr({"depends": list(depends)}), **files}.items():
        path = tmp_path / addon / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def test_an_unlisted_addon_is_reported(tmp_path):
    assert unknown_addons(addon_folder(tmp_path, "finance_attic", {}))


@pytest.mark.parametrize(
    "line",
    [
        "import odoo",
        "from odoo import models",
        "from odoo.addons.finance_audit.models import x",
        "from ..models import x",
        "def f():\n    from odoo import api",
    ],
)
def test_a_core_imports_odoo_is_noticed(tmp_path, line):
    assert core_imports_odoo(addon_folder(tmp_path, "finance_audit", {"core/a.py": line}))


@pytest.mark.parametrize(
    "line",
    ["from odoo.addons.finance_audit.core.leaf import leaf_hash", "from . import b", "import re"],
)
def test_a_core_may_use_a_lower_core_and_itself(tmp_path, line):
    folder = addon_folder(
        tmp_path, "finance_connector_base", {"core/a.py": line, "core/sub/c.py": line}
    )
    assert core_imports_odoo(folder) == []
    assert upward_imports(folder) == []


@pytest.mark.parametrize(
    ("addon", "other"),
    [
        ("finance_audit", "finance_connector_base"),
        ("finance_tax_engine", "finance_einvoice"),
        ("finance_einvoice", "finance_tax_engine"),
        ("finance_einvoice_afnor", "finance_tax_engine"),
        ("finance_einvoice_en16931", "finance_einvoice_fr"),
        ("finance_einvoice_fr", "finance_einvoice_afnor"),
    ],
)
def test_an_upward_or_sideways_dependency_is_reported(tmp_path, addon, other):
    line = f"from odoo.addons.{other} import models"
    folder = addon_folder(tmp_path, addon, {"models/a.py": line, "views/v.xml": other}, [other])
    assert upward_depends(folder) == [f"{addon} depends on {other}"]
    assert upward_imports(folder) == [f"{addon}/models/a.py imports odoo.addons.{other}.models"]
    assert f"{addon}/views/v.xml names {other}" in upward_names(folder)


def test_a_migration_may_name_where_something_moved(tmp_path):
    line = "UPDATE ir_model_data SET module = 'finance_einvoice_fr'"
    folder = addon_folder(
        tmp_path, "finance_einvoice", {"migrations/19.0.2.0.0/pre-migrate.py": line}
    )
    assert upward_names(folder) == []


def test_a_downward_dependency_is_allowed(tmp_path):
    line = "from odoo.addons.finance_audit.core import leaf"
    folder = addon_folder(
        tmp_path, "finance_einvoice_afnor", {"models/a.py": line}, ["finance_audit"]
    )
    assert [rule(folder) for rule in RULES] == [[]] * len(RULES)


@pytest.mark.parametrize(
    "line", ["import requests", "from socket import create_connection", "import http.client"]
)
def test_network_access_in_another_addon_is_reported(tmp_path, line):
    assert sockets_elsewhere(
        addon_folder(tmp_path, "finance_einvoice_afnor", {"models/a.py": line})
    )
    assert not sockets_elsewhere(addon_folder(tmp_path / "x", NETWORK_ADDON, {"models/a.py": line}))
    assert not sockets_elsewhere(
        addon_folder(tmp_path / "y", "finance_audit", {"tests/a.py": line})
    )


def test_the_network_exceptions_are_named_files(tmp_path):
    line = "import requests"
    assert not sockets_elsewhere(
        addon_folder(tmp_path, "finance_audit", {"core/timestamp_client.py": line})
    )
    assert sockets_elsewhere(addon_folder(tmp_path / "x", "finance_audit", {"core/other.py": line}))
    assert sockets_elsewhere(
        addon_folder(tmp_path / "y", "finance_audit", {"timestamp_client.py": line})
    )


def test_a_country_in_the_neutral_addon_is_noticed(tmp_path):
    folder = addon_folder(
        tmp_path, "finance_einvoice", {"core/a.py": "SIREN = 9", "views/v.xml": "UBL"}
    )
    assert len(words_of_another_layer(folder)) == 2


def test_odoos_own_http_module_is_allowed(tmp_path):
    assert not sockets_elsewhere(
        addon_folder(tmp_path, "finance_audit", {"models/a.py": "from odoo import http"})
    )


# -- what is shown of texts from outside is text ---------------------------------------------------


def unescaped(path):
    """Yield what would show a text from outside as markup: the lines of a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        for number, line in enumerate(text.splitlines(), 1):
            if UNESCAPED.search(line):
                yield number
        return
    for node in ast.walk(ast.parse(text)):
        name = isinstance(node, ast.Call) and getattr(
            node.func, "id", getattr(node.func, "attr", "")
        )
        # A constant is ours, and what is put into it by ``%`` or ``format`` is escaped.
        if name == "Markup" and any(not isinstance(item, ast.Constant) for item in node.args):
            yield node.lineno


UNESCAPED = re.compile(r"t-raw|innerHTML|outerHTML|insertAdjacentHTML|\bmarkup\(|DOMParser")


@pytest.mark.parametrize("addon", sorted(LAYERS))
def test_texts_from_outside_are_never_markup(addon):
    files = [
        path
        for kind in ("*.py", "*.xml", "*.js", "*.html")
        for path in sorted((ADDONS / addon).rglob(kind))
        if "tests" not in path.parts
    ]
    assert files
    assert [f"{path}:{line}" for path in files for line in unescaped(path)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "Markup(provider_text)"),
        ("a.py", 'Markup(f"<p>{reason}</p>")'),
        ("a.py", 'Markup("<p>" + reason)'),
        ("a.xml", '<div t-raw="reason"/>'),
        ("a.js", "node.innerHTML = reason;"),
        ("a.js", "const shown = markup(reason);"),
    ],
)
def test_markup_of_texts_from_outside_is_detected(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert list(unescaped(tmp_path / name))
