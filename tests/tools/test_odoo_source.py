"""Recognising Odoo trees, and the command line."""

import os
from pathlib import Path

import pytest

from tools.dev import chromium, cli, odoo_source, run
from tools.dev.errors import Offline, Problem


def _package(folder: Path, series: str = "19, 0") -> Path:
    (folder / "odoo" / "addons" / "base").mkdir(parents=True)
    (folder / "odoo" / "release.py").write_text(f"version_info = ({series}, 0, FINAL, 0, '')\n")
    return folder / "odoo"


def test_a_checkout_is_recognised_by_any_of_its_folders(tmp_path: Path):
    package = _package(tmp_path)
    (tmp_path / "odoo-bin").touch()
    (tmp_path / "addons" / "web").mkdir(parents=True)
    for given in (tmp_path, package):
        odoo = odoo_source.in_tree(given)
        assert odoo is not None
        assert odoo.script == tmp_path / "odoo-bin"
        assert odoo.addons == [package / "addons", tmp_path / "addons"]


def test_an_unpacked_package_is_recognised_with_its_script(tmp_path: Path):
    _package(tmp_path / "usr/lib/python3/dist-packages")
    (tmp_path / "usr/bin").mkdir()
    (tmp_path / "usr/bin/odoo").touch()
    odoo = odoo_source.in_tree(tmp_path)
    assert odoo is not None
    assert odoo.script == tmp_path / "usr/bin/odoo"


def test_another_series_is_not_taken(tmp_path: Path):
    _package(tmp_path, "18, 0")
    (tmp_path / "odoo-bin").touch()
    assert odoo_source.in_tree(tmp_path) is None


def test_a_wrong_odoo_path_is_an_error_and_not_silently_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ODOO_PATH", str(tmp_path))
    with pytest.raises(Problem, match="not a usable Odoo"):
        odoo_source.ensure()


def test_a_given_chromium_must_be_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROMIUM_PATH", str(tmp_path / "none"))
    with pytest.raises(Problem, match="not a program"):
        chromium.ensure()
    monkeypatch.setenv("CHROMIUM_PATH", "/bin/sh")
    assert chromium.ensure() == Path("/bin/sh")


def test_the_unpacked_chromium_finds_nested_library_folders(tmp_path: Path):
    nested = tmp_path / "usr/lib" / f"{os.uname().machine}-linux-gnu" / "pulseaudio"
    nested.mkdir(parents=True)
    (nested / "libpulsecommon.so").touch()
    assert nested in chromium.library_folders(tmp_path)


def test_a_failed_step_shows_the_end_of_its_output_and_a_hint():
    with pytest.raises(Offline, match="code 7") as caught:
        run.logged("x", ["sh", "-c", "echo 'Temporary failure resolving'; exit 7"])
    assert "Temporary failure resolving" in str(caught.value)
    assert "online" in str(caught.value)


def test_a_full_disk_is_explained():
    assert "XDG_CACHE_HOME" in run.explain("write: No space left on device")


def test_words_after_a_double_dash_go_to_pytest():
    options = cli.parse(["test", "core", "odoo", "--", "-k", "seal"])
    assert options.suites == ["core", "odoo"]
    assert options.extra == ["-k", "seal"]
    assert cli.parse(["test"]).suites == []


def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.parse(["test", "everything"])
    assert "invalid choice" in capsys.readouterr().err
