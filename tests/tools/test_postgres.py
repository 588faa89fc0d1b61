"""Which PostgreSQL server is used, and how it is reached."""

import subprocess
import sys

import pytest

from tools.dev import postgres
from tools.dev.errors import Problem

SERVER = postgres.Server("db.example", 5433, "odoo", "s3cret", None)


def test_a_given_server_is_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.delenv("FINANCE_USE_PG", raising=False)
    assert postgres.given() is None
    monkeypatch.setenv("FINANCE_USE_PG", "1")
    monkeypatch.setenv("PGPORT", "5433")
    monkeypatch.setattr(postgres.shutil, "which", lambda _name: "/usr/bin/psql")
    given = postgres.given()
    assert given is not None
    assert (given.host, given.port, given.user) == ("db.example", 5433, "odoo")


def test_the_role_that_odoo_refuses_is_refused_with_a_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FINANCE_USE_PG", "1")
    monkeypatch.setenv("PGUSER", "postgres")
    with pytest.raises(Problem, match="CREATEDB"):
        postgres.given()


def test_a_password_is_handed_on_and_an_empty_one_left_out():
    assert SERVER.odoo_options()["db_password"] == "s3cret"
    assert SERVER.dsn("x").endswith("dbname=x password=s3cret")
    silent = postgres.Server("/run/pg", 5432, "odoo", "", None)
    assert "db_password" not in silent.odoo_options()
    assert silent.dsn("x") == "host=/run/pg port=5432 user=odoo dbname=x"


@pytest.fixture
def embedded() -> postgres.Embedded:
    server = postgres.Embedded()
    server.data = server.home = postgres.cache() / "pg"
    server.data.mkdir()
    return server


def test_a_pid_file_of_a_killed_server_is_forgotten(embedded: postgres.Embedded):
    file = embedded.data / "postmaster.pid"
    # Process 1 exists, but it is not a server on this data folder.
    file.write_text(f"1\n{embedded.data}\n")
    embedded.forget_stale_pid()
    assert not file.exists()


def test_a_pid_file_of_a_living_server_is_kept(embedded: postgres.Embedded):
    file = embedded.data / "postmaster.pid"
    # Ends when its input does; its word shows that it has its own command line by now.
    command = [sys.executable, "-c", "print('up', flush=True); input()", str(embedded.data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout.readline() == b"up\n"
        file.write_text(f"{living.pid}\n")
        embedded.forget_stale_pid()
        living.communicate(b"\n")
    assert file.exists()
