"""Reading the machine's package sources."""

from pathlib import Path

from tools.dev import apt_sources
from tools.dev.apt_sources import Source

DEB822 = """\
Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
 -----END PGP PUBLIC KEY BLOCK-----

Enabled: no
Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://mirror.example/commented bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # here
deb-src http://mirror.example/debian bookworm main
deb http://tools.example/apt stable-tools main
deb http://mirror.example/security bookworm-security main
"""

KEYED = "/usr/share/keyrings/archive.gpg"


def test_deb822_stanzas_are_read_and_disabled_or_source_ones_left_out():
    assert apt_sources.parse_deb822(DEB822) == [
        Source(
            "http://mirror.example/debian",
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
            KEYED,
        ),
        Source("http://mirror.example/security", ("bookworm-security",), ("main",), ""),
    ]


def test_one_line_entries_are_read_with_their_key():
    first, tools, security = apt_sources.parse_one_line(ONE_LINE)
    assert first == Source(
        "http://mirror.example/debian", ("bookworm",), ("main", "contrib"), "/k.gpg"
    )
    assert tools.suites == ("stable-tools",)
    assert security.signed_by == ""


def test_both_formats_of_a_machine_are_found(tmp_path: Path):
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian trixie main\n")
    (parts / "b.list").write_text("deb http://b.example/debian trixie main\n")
    (parts / "c.sources").write_text(DEB822)
    (parts / "d.list.disabled").write_text("deb http://d.example/debian trixie main\n")
    uris = [source.uri for source in apt_sources.configured(tmp_path)]
    assert uris == [
        "http://a.example/debian",
        "http://b.example/debian",
        "http://mirror.example/debian",
        "http://mirror.example/security",
    ]


def test_a_machine_without_sources_has_none(tmp_path: Path):
    assert apt_sources.configured(tmp_path) == []


def test_the_mirror_is_the_one_of_the_release_and_keeps_its_key():
    sources = [
        Source("http://tools.example/apt", ("stable-tools",), ("main",)),
        Source("http://mirror.example/security", ("bookworm-security",), ("main",)),
        *apt_sources.parse_deb822(DEB822)[:1],
    ]
    mirror = apt_sources.debian_mirror(sources, "bookworm")
    assert mirror is not None
    assert mirror.line("sid") == f"deb [signed-by={KEYED}] http://mirror.example/debian sid main"


def test_no_mirror_when_only_other_vendors_are_configured():
    tools = [Source("http://tools.example/apt", ("stable-tools",), ("main",))]
    assert apt_sources.debian_mirror(tools, "bookworm") is None


def test_updates_and_security_belong_to_the_release_and_other_vendors_do_not():
    sources = apt_sources.parse_deb822(DEB822) + apt_sources.parse_one_line(ONE_LINE)[1:2]
    suites = [
        line.split()[-3 if "contrib" in line else -2]
        for line in apt_sources.debian_lines(sources, "bookworm")
    ]
    assert suites == ["bookworm", "bookworm-updates", "bookworm-security"]
