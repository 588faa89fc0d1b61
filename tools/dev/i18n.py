"""Translation templates and catalogues of the addons: write them, and check that they are current and complete.

A template is Odoo's own export of an addon. A catalogue of each shipped language follows its template: new texts come in
untranslated, texts that are gone leave. The check fails on a template that differs from the export, and on a text that a
catalogue lacks, leaves untranslated or fuzzy, or translates with other placeholders.
"""

import re
import tempfile
from pathlib import Path

import polib

from . import console, databases, odoo_run, paths

LANGUAGES = ("fr", "de", "pl", "es")
_DATES = ("POT-Creation-Date", "PO-Revision-Date")
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdrf]")
# One shell exports all: starting Odoo takes longer than an export.
_EXPORT = """
import pathlib
from odoo.tools.translate import trans_export
for module in {modules!r}:
    with open(pathlib.Path({folder!r}, module + ".pot"), "wb") as out:
        trans_export(None, [module], out, "po", env)
"""


def _exported(folder: Path) -> dict[str, polib.POFile]:
    """Return the current template of each addon, by its name."""
    with odoo_run.ready() as runtime:
        database = databases.test_database("i18n")
        databases.copy_database(runtime, "suite", database)
        try:
            modules = databases.suite(runtime).modules
            code = _EXPORT.format(modules=modules, folder=str(folder))
            databases.shell(runtime, database, code)
        finally:
            databases.drop(runtime, database)
    return {name: polib.pofile(str(folder / f"{name}.pot")) for name in modules}


def _template(addon: str) -> Path:
    return paths.ADDONS / addon / "i18n" / f"{addon}.pot"


def _catalogue(addon: str, language: str) -> Path:
    return paths.ADDONS / addon / "i18n" / f"{language}.po"


def _text(template: polib.POFile) -> str:
    """Return what is compared: everything but the dates."""
    return "\n".join(
        line for line in str(template).splitlines() if not line.strip('"').startswith(_DATES)
    )


# -- writing -----------------------------------------------------------------------------------


def _write_template(addon: str, fresh: polib.POFile) -> None:
    target = _template(addon)
    target.parent.mkdir(exist_ok=True)
    if target.exists() and _text(polib.pofile(str(target))) == _text(fresh):
        return
    fresh.save(str(target))
    console.line(f"✓ {target.relative_to(paths.PROJECT)}")


def _follow(addon: str, language: str, fresh: polib.POFile) -> None:
    """Bring a catalogue up to its template; what is translated already stays."""
    target = _catalogue(addon, language)
    known = polib.pofile(str(target)) if target.exists() else polib.POFile()
    before = str(known)
    known.wrapwidth = fresh.wrapwidth
    known.metadata = {**fresh.metadata, **known.metadata, "Language": language}
    known.merge(fresh)
    for entry in known.obsolete_entries():
        known.remove(entry)
    if str(known) != before:
        known.save(str(target))
        missing = len(known.untranslated_entries())
        console.line(f"✓ {target.relative_to(paths.PROJECT)}: {missing} untranslated")


def update() -> int:
    """Write the templates and bring the catalogues up to them."""
    with tempfile.TemporaryDirectory() as folder:
        for addon, fresh in _exported(Path(folder)).items():
            _write_template(addon, fresh)
            for language in LANGUAGES:
                _follow(addon, language, fresh)
    return 0


# -- checking ----------------------------------------------------------------------------------


def _placeholders(text: str) -> list[str]:
    return sorted(_PLACEHOLDER.findall(text))


def catalogue_problems(catalogue: polib.POFile, template: polib.POFile) -> list[str]:
    """Return what keeps a catalogue from being complete, one sentence each."""
    known = {entry.msgid: entry for entry in catalogue if not entry.obsolete}
    problems = []
    for wanted in template:
        entry = known.get(wanted.msgid)
        if entry is None or not entry.msgstr:
            problems.append(f"untranslated: {wanted.msgid!r}")
        elif entry.fuzzy:
            problems.append(f"fuzzy: {wanted.msgid!r}")
        elif _placeholders(entry.msgstr) != _placeholders(entry.msgid):
            problems.append(f"other placeholders: {wanted.msgid!r}")
    return problems


def _problems(addon: str, fresh: polib.POFile) -> list[str]:
    template = _template(addon)
    found = []
    if not template.exists() or _text(polib.pofile(str(template))) != _text(fresh):
        found.append(f"{template.name} is not what the addon exports")
    for language in LANGUAGES:
        path = _catalogue(addon, language)
        if not path.exists():
            found.append(f"{path.name} is missing")
            continue
        missing = catalogue_problems(polib.pofile(str(path)), fresh)
        found += [f"{path.name}: {problem}" for problem in missing[:_SHOWN]]
        if len(missing) > _SHOWN:
            found.append(f"{path.name}: and {len(missing) - _SHOWN} more")
    return found


_SHOWN = 5


def check() -> int:
    """Return 1 when a template or a catalogue is not current; say which."""
    with tempfile.TemporaryDirectory() as folder:
        found = {addon: _problems(addon, fresh) for addon, fresh in _exported(Path(folder)).items()}
    for addon, problems in found.items():
        for problem in problems:
            print(f"{addon}: {problem}")
    wrong = sum(map(len, found.values()))
    print(f"i18n: {wrong} problems; `make i18n` renews the files" if wrong else "i18n: current")
    return 1 if wrong else 0
