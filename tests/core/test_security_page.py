"""The page of attacks names tests that exist, and several in each kind of attack that a user or a provider makes."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "security-tests.md"
_NAME = re.compile(r"`(test_\w+)`")


def written_tests():
    """Return the names of all tests of the project."""
    files = [*PROJECT.glob("addons/*/tests/**/*.py"), *PROJECT.glob("tests/**/*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return set(re.findall(r"^\s*def (test_\w+)\(", text, re.MULTILINE))


def test_each_kind_of_attack_names_tests_that_exist():
    written, rows = written_tests(), 0
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| kind of attack"):
            named = _NAME.findall(line.rsplit("|", 2)[1])
            assert named, line
            assert not set(named) - written, line[:80]
            rows += 1
    assert rows > 20


def test_the_page_is_linked():
    for name in ("SECURITY.md", "docs/index.md"):
        assert "security-tests.md" in (PROJECT / name).read_text(encoding="utf-8")
