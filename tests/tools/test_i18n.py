"""A catalogue is complete when each text of the template is translated, with the same placeholders."""

import polib
import pytest

from tools.dev.i18n import catalogue_problems

TEMPLATE = polib.POFile()
TEMPLATE.append(polib.POEntry(msgid="Queued %(count)s times"))


def problems(**entry):
    catalogue = polib.POFile()
    if entry:
        catalogue.append(polib.POEntry(msgid="Queued %(count)s times", **entry))
    return catalogue_problems(catalogue, TEMPLATE)


def test_a_translated_text_is_complete():
    assert problems(msgstr="%(count)s Mal eingereiht") == []


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"msgstr": ""},
        {"msgstr": "Mehrmals eingereiht"},
        {"msgstr": "%(number)s Mal eingereiht"},
        {"msgstr": "%(count)s Mal eingereiht", "flags": ["fuzzy"]},
        {"msgstr": "%(count)s Mal eingereiht", "obsolete": True},
    ],
)
def test_an_incomplete_text_is_reported(entry):
    assert len(problems(**entry)) == 1
