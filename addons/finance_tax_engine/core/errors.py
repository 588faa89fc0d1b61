"""Why a determination has no answer: typed, with a stable code and what to do about it.

"Could not find out" is never zero tax. Engines raise these; the models turn them into words and a
way to the screen named by ``target``. Codes are public: retired, never reused.
"""

from __future__ import annotations


class TaxError(Exception):
    """Common ancestor. ``str(error)`` is the sentence, ``hint`` what to do, ``target`` where to do
    it.
    """

    code = "FT000"
    #: Screen that mends it: rules, registrations, taxes, partner, company or "" for none.
    target = ""
    hint = ""
    #: Whether asking again later, with nothing changed, may help.
    temporary = False

    def __init__(self, message: str, *, hint: str = "", target: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.hint
        self.target = target or self.target

    def as_text(self) -> str:
        """The sentence, the hint and the code, for people."""
        return " ".join(part for part in (str(self), self.hint, f"[{self.code}]") if part)


class NoRule(TaxError):
    """No rule says what tax is due."""

    code = "FT001"
    target = "rules"
    hint = "Add a tax rule for this jurisdiction, tax category and date."


class AmbiguousRule(TaxError):
    """Two rules fit equally well."""

    code = "FT002"
    target = "rules"
    hint = "Make one of them more specific or end its validity."


class MissingFact(TaxError):
    """The document lacks something the place of supply depends on."""

    code = "FT003"
    target = "partner"
    hint = "Complete the address."


class TotalsDiffer(TaxError):
    """The document's totals are not the engine's."""

    code = "FT004"
    hint = "Nothing was posted. Determine the tax again; if it stays so, tell your administrator."


class IncompleteAnswer(TaxError):
    """The engine answered, but not for every line."""

    code = "FT005"
    hint = "Determine the tax again; if it stays so, tell your administrator."


class EngineUnavailable(TaxError):
    """A remote engine could not be asked."""

    code = "FT006"
    temporary = True
    hint = "Try again in a few minutes."


class NoTaxAccount(TaxError):
    """The company has no account to book the tax on."""

    code = "FT007"
    target = "taxes"
    hint = "Set the tax account on at least one of the company's sales taxes."


class NotCovered(TaxError):
    """A cross-border situation the engine has no rules of place of supply for."""

    code = "FT008"
    target = "rules"
    hint = "Choose another engine for this company, or Odoo's own taxes for this kind of sale."


class RefusedByEngine(TaxError):
    """A remote engine refused the document on its merits."""

    code = "FT009"
    hint = "Correct the document as the engine says."
