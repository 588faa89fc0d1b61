"""The house rules as tests: who may import, depend on and name whom.

Imports and `depends` go downwards only, a floor never names a floor above it nor a neighbour, the
core knows no Odoo, and only one addon opens sockets. The rules are functions over a folder of
addons, so that each is also shown to catch a break of itself.
"""

import ast
import re
from pathlib import Path

import pytest

ADDONS = Path(__file__).parents[2] / "addons"

# Addon -> the addons of ours directly below it; further down follows.
FLOORS = {
    "finance_audit": (),
    "finance_connector_base": ("finance_audit",),
    "finance_tax_engine": ("finance_connector_base",),
    "finance_einvoice": ("finance_connector_base",),
    "finance_einvoice_en16931": ("finance_einvoice",),
    "finance_einvoice_fr": ("finance_einvoice_en16931",),
    "finance_einvoice_afnor": ("finance_einvoice_fr",),
}
THE_DOOR = "finance_connector_base"
# The ground lies below the door and must be anchored outside without it: one file asks a time-stamping
# authority, by the door's rules (TLS always verified, no redirects, limits).
SIDE_DOORS = ("finance_audit/core/timestamp_client.py",)
SOCKETS = re.compile(
    r"(socket|ssl|requests|urllib3|httpx|aiohttp|zeep|http\.client|urllib\.request|xmlrpc\.client"
    r"|smtplib|ftplib|paramiko|websocket|pycurl)(\.|$)"
)
NAMING_FILES = (".py", ".xml", ".csv", ".js", ".scss", ".sql")


def below(addon):
    """Return every addon of ours under `addon`."""
    direct = FLOORS[addon]
    return set(direct).union(*(below(name) for name in direct))


def ours(folder):
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


def climbs(path, root):
    """Tell whether a relative import leaves `root`: the core may not reach for the shell."""
    depth = len(path.parent.relative_to(root).parts) + 1
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.ImportFrom) and node.level > depth for node in ast.walk(tree))


# -- the rules: each returns its violations as sentences ---------------------------------------


def unknown_addons(folder):
    return [
        f"{addon.name} has no floor in FLOORS" for addon in ours(folder) if addon.name not in FLOORS
    ]


def core_that_knows_odoo(folder):
    allowed = re.compile(r"odoo\.addons\.(\w+)\.core(\.|$)")
    faults = []
    for addon in ours(folder):
        core = addon / "core"
        for path in python_files(core):
            faults += [
                f"{path.relative_to(folder)} imports {name}"
                for name in imports(path)
                if re.match(r"odoo(\.|$)", name) and not allowed.match(name)
            ]
            if climbs(path, core):
                faults.append(f"{path.relative_to(folder)} imports from outside its core")
    return faults


def upward_depends(folder):
    faults = []
    for addon in ours(folder):
        manifest = ast.literal_eval((addon / "__manifest__.py").read_text(encoding="utf-8"))
        named = FLOORS.keys() & set(manifest["depends"])
        faults += [f"{addon.name} depends on {name}" for name in sorted(named - below(addon.name))]
    return faults


def upward_imports(folder):
    faults = []
    for addon in ours(folder):
        for path in python_files(addon):
            for name in imports(path):
                found = re.match(r"odoo\.addons\.(\w+)", name)
                target = found and found.group(1)
                if target in FLOORS.keys() - below(addon.name) - {addon.name}:
                    faults.append(f"{path.relative_to(folder)} imports {name}")
    return faults


def upward_names(folder):
    faults = []
    for addon in ours(folder):
        above = sorted(FLOORS.keys() - below(addon.name) - {addon.name})
        pattern = re.compile(rf"\b({'|'.join(above)})\b") if above else None
        for path in sorted(addon.rglob("*")):
            # What moved to another addon is renamed in a migration, which has to name both.
            moved = "migrations" in path.relative_to(addon).parts
            if pattern and path.suffix in NAMING_FILES and not moved:
                faults += [
                    f"{path.relative_to(folder)} names {name}"
                    for name in sorted(set(pattern.findall(path.read_text(encoding="utf-8"))))
                ]
    return faults


def sockets_elsewhere(folder):
    faults = []
    for addon in ours(folder):
        for path in python_files(addon):
            is_test = "tests" in path.relative_to(addon).parts
            allowed = path.relative_to(folder).as_posix() in SIDE_DOORS
            if addon.name == THE_DOOR or is_test or allowed:
                continue
            faults += [
                f"{path.relative_to(folder)} imports {name}"
                for name in imports(path)
                if SOCKETS.match(name)
            ]
    return faults


# What belongs to one format or one country must not come back to the addon that is neutral.
NEUTRAL = {
    "finance_einvoice": re.compile(
        r"siren|siret|\bUBL\b|afnor|schematron|xslt|lxml|\bVATEX", re.IGNORECASE
    ),
    "finance_einvoice_en16931": re.compile(r"siren|siret|afnor_|br_fr|l10n_", re.IGNORECASE),
}


def words_of_another_layer(folder):
    faults = []
    for addon in ours(folder):
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
            faults += [f"{path.relative_to(folder)} says {word}" for word in sorted(found)]
    return faults


RULES = (
    unknown_addons,
    words_of_another_layer,
    core_that_knows_odoo,
    upward_depends,
    upward_imports,
    upward_names,
    sockets_elsewhere,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule):
    assert ours(ADDONS), "no addon found: the rules would hold of nothing"
    assert rule(ADDONS) == []


# -- each rule catches a break of itself --------------------------------------------------------


def house(tmp_path, addon, files, depends=()):
    for name, content in {"__manifest__.py": repr({"depends": list(depends)}), **files}.items():
        path = tmp_path / addon / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path


def test_an_addon_without_a_floor_is_noticed(tmp_path):
    assert unknown_addons(house(tmp_path, "finance_attic", {}))


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
def test_a_core_that_knows_odoo_is_noticed(tmp_path, line):
    assert core_that_knows_odoo(house(tmp_path, "finance_audit", {"core/a.py": line}))


@pytest.mark.parametrize(
    "line",
    ["from odoo.addons.finance_audit.core.leaf import leaf_hash", "from . import b", "import re"],
)
def test_a_core_may_use_a_lower_core_and_itself(tmp_path, line):
    folder = house(tmp_path, "finance_connector_base", {"core/a.py": line, "core/sub/c.py": line})
    assert core_that_knows_odoo(folder) == []
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
def test_looking_upwards_or_sideways_is_noticed(tmp_path, addon, other):
    line = f"from odoo.addons.{other} import models"
    folder = house(tmp_path, addon, {"models/a.py": line, "views/v.xml": other}, [other])
    assert upward_depends(folder) == [f"{addon} depends on {other}"]
    assert upward_imports(folder) == [f"{addon}/models/a.py imports odoo.addons.{other}.models"]
    assert f"{addon}/views/v.xml names {other}" in upward_names(folder)


def test_a_migration_may_name_where_something_moved(tmp_path):
    line = "UPDATE ir_model_data SET module = 'finance_einvoice_fr'"
    folder = house(tmp_path, "finance_einvoice", {"migrations/19.0.2.0.0/pre-migrate.py": line})
    assert upward_names(folder) == []


def test_looking_downwards_is_allowed(tmp_path):
    line = "from odoo.addons.finance_audit.core import leaf"
    folder = house(tmp_path, "finance_einvoice_afnor", {"models/a.py": line}, ["finance_audit"])
    assert [rule(folder) for rule in RULES] == [[]] * len(RULES)


@pytest.mark.parametrize(
    "line", ["import requests", "from socket import create_connection", "import http.client"]
)
def test_a_second_door_is_noticed(tmp_path, line):
    assert sockets_elsewhere(house(tmp_path, "finance_einvoice_afnor", {"models/a.py": line}))
    assert not sockets_elsewhere(house(tmp_path / "x", THE_DOOR, {"models/a.py": line}))
    assert not sockets_elsewhere(house(tmp_path / "y", "finance_audit", {"tests/a.py": line}))


def test_the_side_door_is_one_file(tmp_path):
    line = "import requests"
    assert not sockets_elsewhere(
        house(tmp_path, "finance_audit", {"core/timestamp_client.py": line})
    )
    assert sockets_elsewhere(house(tmp_path / "x", "finance_audit", {"core/other.py": line}))
    assert sockets_elsewhere(house(tmp_path / "y", "finance_audit", {"timestamp_client.py": line}))


def test_a_country_in_the_neutral_addon_is_noticed(tmp_path):
    folder = house(tmp_path, "finance_einvoice", {"core/a.py": "SIREN = 9", "views/v.xml": "UBL"})
    assert len(words_of_another_layer(folder)) == 2


def test_odoos_own_http_is_no_door(tmp_path):
    assert not sockets_elsewhere(
        house(tmp_path, "finance_audit", {"models/a.py": "from odoo import http"})
    )
