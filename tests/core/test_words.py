"""The words of the glossary: retired ones are in no code, text, screen or page."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FOLDERS = ("addons", "demo", "docs", "sandbox", "tests", "tools", ".ci")
SUFFIXES = {".py", ".xml", ".md", ".sql", ".csv", ".toml", ".yml", ".conf", ".sh", ".js", ".pot"}
GLOSSARY = "docs/glossary.md"

#: Each pattern is one kind of retired word, as it would stand in code or text.
RETIRED = {
    "callback": r"callbacks?",
    "courier": r"couriers?|courierpool",
    "crew": r"crews?",
    "desk": r"desks?|tokendesk",
    "doom": r"dooms?",
    "door": r"doors?",
    "fate": r"fates?",
    "floor": r"floors?",
    "gate": r"gates?",
    "house": r"houses?",
    "lane": r"lanes?",
    "mend": r"mend(?:s|ed|ing)?",
    "news": r"news|callbacknews",
    "nobody": r"nobody|nobodys",
    "nursery": r"nurser(?:y|ies)",
    "office": r"offices?",
    "plant": r"plants?",
    "roster": r"rosters?",
    "stopgap": r"stopgaps?",
    "storm": r"storms?",
    "story": r"stor(?:y|ies)",
    "stranger": r"strangers?",
    "told": r"told",
    "twin": r"twins?",
    "wall": r"walls?",
    "weather": r"weather",
}
#: Where such a word is the right one: the file, and the text around it.
ALLOWED = (
    # What earlier releases called it: migrations, stored evidence, URLs that providers still use.
    (r"/migrations/", r"callback|connection[._]gate|\blane\b|unique_news"),
    (r"finance_connector_base/models/former_names\.py", r"finance\.callback"),
    (r"finance_connector_base/models/finance_audit_entry\.py", r"\"callback(_address)?\.\w+\":"),
    (
        r"docs/(audit|webhooks)\.md",
        r"callback\.…|finance\.callback|/finance/\(?(webhook\|)?callback",
    ),
    (
        r"finance_connection\.py|test_webhook_http\.py|security/masking\.py",
        r"/finance/callback|webhook\|callback|\"webhook\", \"callback\"",
    ),
    (r"tests/integration/test_upgrade\.py", r"callback|finance[._]connection[._]gate|story"),
    # The purpose of a secret is part of what its ciphertext is bound to.
    (
        r"secret_store\.py|connector_reference/tests/test_webhook\.py",
        r"\"callback(_previous)?\"",
    ),
    # Trigger functions and columns of the protected schema stay as they were installed.
    (r"finance_audit/sql/03_guards\.sql", r"\btold\b|-- Nobody chooses the transaction"),
    (r"finance_audit/(core/sealing\.py|sql/|tests/test_sealing\.py)", r"floor_id"),
    # Names of others: the AFNOR specification, Python's libraries, the system user.
    (r"flow_service\.py|docs/sandbox\.md|test_sandbox_webhooks\.py", r"WebhookCallback"),
    (r"sandbox/webhooks\.py|tools/(benchmarks|chaos)/", r"(closing|stack|add_done_)\.?callback\("),
    (r"tools/dev/postgres\.py", r"getpwnam\(\"nobody\"\)"),
)


def words_of(text):
    """Yield (line number, line, word) for every word of a text; identifiers are split."""
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", line).lower()):
            yield number, line, word


def retired(text):
    """Return (line number, kind, line) of each retired word in a text."""
    kinds = {kind: re.compile(f"(?:{pattern})\\Z") for kind, pattern in RETIRED.items()}
    return [
        (number, kind, line.strip())
        for number, line, word in words_of(text)
        for kind, pattern in kinds.items()
        if pattern.match(word)
    ]


def is_allowed(path, line):
    return any(
        re.search(where, path) and re.search(what, line, re.IGNORECASE) for where, what in ALLOWED
    )


def project_files():
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*")):
            relative = path.relative_to(PROJECT).as_posix()
            if path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                yield relative, path
    for path in sorted(PROJECT.glob("*.*")):
        if path.is_file() and path.suffix in SUFFIXES:
            yield path.name, path


def test_retired_words_are_in_no_file():
    own = {GLOSSARY, Path(__file__).relative_to(PROJECT).as_posix(), "CHANGELOG.md"}
    found = [
        f"{relative}:{number} [{kind}] {line[:110]}"
        for relative, path in project_files()
        if relative not in own
        for number, kind, line in retired(path.read_text(encoding="utf-8"))
        if not is_allowed(relative, line)
    ]
    assert not found, f"{len(found)} retired words:\n" + "\n".join(found[:60])


def test_file_names_hold_no_retired_words():
    found = [
        relative
        for relative, _path in project_files()
        if retired(relative.rsplit(".", 1)[0].replace("/", " ")) and not is_allowed(relative, "")
    ]
    assert not found


@pytest.mark.parametrize("text", ["_tell = told", "class CallbackNews:", "a stranger", "TokenDesk"])
def test_a_retired_word_is_noticed(text):
    assert retired(text)


@pytest.mark.parametrize("text", ["history", "delegates", "mandate", "amended", "recommended"])
def test_other_words_are_not(text):
    assert not retired(text)


def test_the_glossary_names_each_retired_word():
    table = (PROJECT / GLOSSARY).read_text(encoding="utf-8").split("## Retired words", 1)[1]
    assert [kind for kind in RETIRED if not re.search(rf"\b{kind}", table)] == []


def test_the_files_named_in_the_glossary_exist():
    text = (PROJECT / GLOSSARY).read_text(encoding="utf-8")
    named = re.findall(r"`(core/[\w/]+\.py)`", text)
    assert named
    assert [name for name in named if not list((PROJECT / "addons").glob(f"*/{name}"))] == []
