"""The file of named statements: its format, and the statements that the code uses."""

import re
from pathlib import Path

import pytest
from odoo.addons.finance_audit.core import schema
from odoo.addons.finance_audit.core.queries import QueryFileError, UnknownQuery, load

ADDON = Path(schema.__file__).parents[1]
GOOD = """\
-- A file may begin with remarks.

-- name: first
-- Return one.
SELECT 1

-- name: second
-- Return two, which takes
-- two lines to describe.
SELECT 2 -- a remark of the statement
"""


def written(folder, text):
    path = folder / "queries.sql"
    path.write_text(text)
    return path


def test_statements_are_found_by_name_without_their_description(tmp_path):
    queries = load(written(tmp_path, GOOD))
    assert dict(queries) == {"first": "SELECT 1", "second": "SELECT 2 -- a remark of the statement"}


def test_a_file_is_read_once(tmp_path):
    path = written(tmp_path, GOOD)
    queries = load(path)
    path.unlink()
    assert load(path) is queries


def test_an_unknown_name_is_reported_with_the_file(tmp_path):
    with pytest.raises(UnknownQuery, match="queries.sql.*'third'"):
        load(written(tmp_path, GOOD))["third"]


@pytest.mark.parametrize(
    "text",
    [
        "-- name: x\nSELECT 1",
        "-- name: x\n--\nSELECT 1",
        "-- name: x\n-- Return one.\n",
        "-- name: X y\n-- Return one.\nSELECT 1",
        GOOD + "-- name: first\n-- Again.\nSELECT 3",
    ],
)
def test_a_malformed_file_is_refused(tmp_path, text):
    with pytest.raises(QueryFileError):
        load(written(tmp_path, text))


def test_every_statement_of_the_addon_is_used_and_every_use_exists():
    code = "".join(path.read_text() for path in ADDON.rglob("*.py") if "tests" not in path.parts)
    used = set(re.findall(r'QUERIES\["(\w+)"\]', code))
    assert used <= set(schema.QUERIES)
    unused = {name for name in schema.QUERIES if f'"{name}"' not in code}
    assert unused == set()
