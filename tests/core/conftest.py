"""Makes `odoo.addons.<addon>.core` importable without Odoo.

Core code may import only the core of a lower addon. Empty stand-ins for the packages above it
let Python find the files without running the `__init__` of an addon, which would need Odoo.
"""

import sys
from pathlib import Path
from types import ModuleType

ADDONS = Path(__file__).parents[2] / "addons"
TEST_ADDONS = Path(__file__).parents[1] / "addons"


def _package(name, path=()):
    module = ModuleType(name)
    module.__path__ = [str(place) for place in path]
    sys.modules[name] = module
    return module


if "odoo" not in sys.modules:
    _package("odoo").addons = _package("odoo.addons")
    for manifest in sorted(
        [*ADDONS.glob("*/__manifest__.py"), *TEST_ADDONS.glob("*/__manifest__.py")]
    ):
        addon = manifest.parent
        package = _package(f"odoo.addons.{addon.name}", [addon])
        setattr(sys.modules["odoo.addons"], addon.name, package)
        if (addon / "tests" / "conformance").is_dir():
            package.tests = _package(f"{package.__name__}.tests", [addon / "tests"])
