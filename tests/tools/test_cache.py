"""The cache: hashes that tell a change, builds that are never half there, locks that do not outlive a process."""

import fcntl
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from tools.dev import build, console, keyring, locks, paths
from tools.dev.errors import Problem


def test_the_hash_changes_with_content_and_name_and_not_with_byte_code(tmp_path: Path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "a.py").write_text("x = 1")
    first = paths.content_hash(tmp_path)
    (tmp_path / "models" / "__pycache__").mkdir()
    (tmp_path / "models" / "__pycache__" / "a.pyc").write_text("changed")
    assert paths.content_hash(tmp_path) == first
    (tmp_path / "models" / "a.py").write_text("x = 2")
    second = paths.content_hash(tmp_path)
    (tmp_path / "models" / "a.py").rename(tmp_path / "models" / "b.py")
    assert len({first, second, paths.content_hash(tmp_path)}) == 3


def test_skipped_folders_leave_no_trace_in_the_hash(tmp_path: Path):
    skip = frozenset({"tests"})
    (tmp_path / "tests").mkdir()
    empty = paths.content_hash(tmp_path, skip)
    (tmp_path / "tests" / "test_a.py").write_text("")
    assert paths.content_hash(tmp_path, skip) == empty
    assert paths.content_hash(tmp_path) != empty


def test_digest_parts_do_not_run_into_each_other():
    assert paths.digest("ab", "c") != paths.digest("a", "bc")


def test_the_cache_follows_xdg_cache_home(cache_home: Path):
    assert paths.cache() == cache_home / "finance-connect"


def test_a_long_socket_address_is_replaced_by_a_short_one(tmp_path: Path):
    long = tmp_path / ("x" * paths.LONGEST_SOCKET_FOLDER)
    assert len(str(paths.socket_folder(long))) <= paths.LONGEST_SOCKET_FOLDER
    assert paths.socket_folder(Path("/run/short")) == Path("/run/short")


def test_a_folder_is_built_once(tmp_path: Path):
    calls = []
    for _ in range(2):
        build.once(tmp_path / "tool", "Tool", 1, calls.append)
    assert len(calls) == 1


def test_a_build_that_fails_leaves_nothing_and_is_done_again(tmp_path: Path):
    target = tmp_path / "tool"

    def breaks(folder: Path) -> None:
        (folder / "half").touch()
        raise Problem("broken")

    with pytest.raises(Problem, match="broken"):
        build.once(target, "Tool", 1, breaks)
    assert not target.exists()
    build.once(target, "Tool", 1, lambda folder: (folder / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_two_builders_at_once_build_only_once(tmp_path: Path):
    calls = []
    started = threading.Event()
    release = threading.Event()

    def slow(folder: Path) -> None:
        calls.append(folder)
        started.set()
        release.wait(30)

    def second() -> None:
        started.wait(30)
        release.set()
        build.once(tmp_path / "tool", "Tool", 1, slow)

    other = threading.Thread(target=second)
    other.start()
    build.once(tmp_path / "tool", "Tool", 1, slow)
    other.join()
    assert len(calls) == 1


def test_too_little_space_is_reported_with_both_numbers(tmp_path: Path):
    with pytest.raises(Problem, match=r"needs 1024\.0 GB|needs \d+\.\d GB free .* only") as caught:
        console.need_space(tmp_path, 10**9, "A test")
    assert "XDG_CACHE_HOME" in str(caught.value)


def _hold(path: Path, held: object, release: object) -> None:
    users = locks.Users(path)
    users.enter()
    held.set()
    release.wait(30)
    os._exit(9)  # as a killed process: nothing is tidied up


def test_a_killed_user_does_not_keep_a_server_alive(tmp_path: Path):
    path = tmp_path / "users.lock"
    context = multiprocessing.get_context("fork")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(path, held, release))
    other.start()
    assert held.wait(30)
    mine = locks.Users(path)
    mine.enter()
    assert not mine.leave()
    release.set()
    other.join()
    mine.enter()
    assert mine.leave()
    mine.close()


def test_an_exclusive_lock_is_given_back(tmp_path: Path):
    path = tmp_path / "x.lock"
    with locks.exclusive(path, "test"), path.open("a") as other:
        assert not locks.try_lock(other, fcntl.LOCK_EX)
    with path.open("a") as other:
        assert locks.try_lock(other, fcntl.LOCK_EX)


def test_the_key_file_is_private_and_never_replaced():
    path = keyring.ensure()
    text = path.read_text()
    name, _colon, key = text.strip().partition(":")
    assert name
    assert len(key) == 44
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyring.ensure().read_text() == text
