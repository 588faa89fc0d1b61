"""Addons of the tests are seen by databases made for tests, and by no other."""

import configparser
from pathlib import Path

import pytest

from tools.dev import databases, odoo_run, postgres
from tools.dev.odoo_source import Odoo
from tools.dev.paths import TEST_ADDONS


@pytest.fixture
def runtime(tmp_path: Path) -> odoo_run.Runtime:
    package = tmp_path / "odoo"
    package.mkdir()
    (package / "release.py").write_text("version = '19.0'\n")
    odoo = Odoo(package, tmp_path / "odoo-bin")
    return odoo_run.Runtime(odoo, postgres.Server("host", 5432, "odoo", "", None))


def folders(config: Path) -> list[str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(config)
    return parser["options"]["addons_path"].split(",")


@pytest.mark.parametrize("kind", sorted(databases.KINDS))
def test_only_databases_of_tests_see_the_test_addons(runtime: odoo_run.Runtime, kind: str):
    chosen = databases.runtime_of(kind, runtime)
    seen = str(TEST_ADDONS) in folders(chosen.write_config("some"))
    assert seen == (kind == "reference")


def test_commands_that_end_do_not_share_a_file_with_those_of_the_product(
    runtime: odoo_run.Runtime,
):
    paths = [each.write_config(each.alone) for each in (runtime, odoo_run.testing(runtime))]
    assert paths[0] != paths[1]
    assert str(TEST_ADDONS) not in folders(paths[0])


def test_templates_of_the_product_install_no_test_addon(runtime: odoo_run.Runtime):
    test_addons = {manifest.parent.name for manifest in TEST_ADDONS.glob("*/__manifest__.py")}
    assert test_addons
    for kind in ("base", "suite", "sample"):
        assert not test_addons & set(databases.KINDS[kind](runtime).modules)


def test_further_folders_of_addons_are_seen(runtime: odoo_run.Runtime, monkeypatch, tmp_path: Path):
    monkeypatch.setenv(odoo_run.FURTHER, str(tmp_path))
    assert folders(runtime.write_config("some"))[-1] == str(tmp_path)
    monkeypatch.delenv(odoo_run.FURTHER)
    assert str(tmp_path) not in folders(runtime.write_config("some"))
