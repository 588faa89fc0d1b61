"""Reads the machine's own package sources, both formats (see sources.list(5)), to find its Debian mirror."""

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path

ETC = Path("/etc/apt")
_ONE_LINE = re.compile(r"^(?P<kinds>deb(?:-src)?)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<rest>\S.*)$")
_RELEASES = ("stable", "testing", "unstable", "sid")


@dataclasses.dataclass(frozen=True)
class Source:
    """One mirror with its suites, as apt knows it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def line(self, suite: str) -> str:
        """Return the same source for one suite, in the one-line format."""
        option = f"[signed-by={self.signed_by}] " if self.signed_by else ""
        return f"deb {option}{self.uri} {suite} {' '.join(self.components)}"


def parse_one_line(text: str) -> list[Source]:
    """Return sources of a `.list` file."""
    found = []
    for raw in text.splitlines():
        match = _ONE_LINE.match(raw.split("#", 1)[0].strip())
        if not match or match["kinds"] != "deb":
            continue
        options = dict(
            word.split("=", 1) for word in (match["options"] or "").split() if "=" in word
        )
        uri, suite, *components = match["rest"].split()
        found.append(Source(uri, (suite,), tuple(components), options.get("signed-by", "")))
    return found


def _stanzas(text: str) -> Iterable[dict[str, str]]:
    """Paragraphs of a deb822 file; a continued field (an inline key) is joined by newlines."""
    lines = [raw for raw in text.splitlines() if not raw.startswith("#")]
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for raw in paragraph.splitlines():
            if raw[:1].isspace():
                fields[name] = f"{fields.get(name, '')}\n{raw.strip()}".strip()
            elif ":" in raw:
                name, value = raw.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def parse_deb822(text: str) -> list[Source]:
    """Return sources of a `.sources` file."""
    found = []
    for fields in _stanzas(text):
        disabled = fields.get("enabled", "yes").lower() in ("no", "false", "0")
        if disabled or "deb" not in fields.get("types", "").split():
            continue
        signed_by = fields.get("signed-by", "")
        # A key written into the file itself cannot be named in the one-line format.
        path = signed_by if signed_by.startswith("/") else ""
        suites = tuple(fields.get("suites", "").split())
        components = tuple(fields.get("components", "").split())
        found += [Source(uri, suites, components, path) for uri in fields.get("uris", "").split()]
    return found


def configured(etc: Path = ETC) -> list[Source]:
    """Every enabled source of the machine."""
    parts = etc / "sources.list.d"
    one_line = [etc / "sources.list", *sorted(parts.glob("*.list"))]
    sources = [s for path in one_line if path.is_file() for s in parse_one_line(path.read_text())]
    for path in sorted(parts.glob("*.sources")):
        sources += parse_deb822(path.read_text())
    return sources


def debian_mirror(sources: Iterable[Source], codename: str) -> Source | None:
    """Return the source that carries the machine's own Debian release (not its updates or security fixes)."""
    releases = {codename, *_RELEASES} - {""}
    for source in sources:
        if releases & set(source.suites) and "main" in source.components:
            return dataclasses.replace(source, components=("main",))
    return None


def debian_lines(sources: Iterable[Source], codename: str) -> list[str]:
    """All of the release's sources, updates and security fixes included, as one-line entries."""
    wanted = re.compile(
        rf"^({'|'.join([*_RELEASES, re.escape(codename)])})([-/](updates|security))?$"
    )
    return [
        source.line(suite)
        for source in sources
        for suite in source.suites
        if "main" in source.components and wanted.match(suite)
    ]
