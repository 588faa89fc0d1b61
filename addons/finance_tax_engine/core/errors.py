"""Why a determination has no answer: typed errors with a stable code and named arguments.

An indeterminate tax is never zero tax. Engines raise these errors; what is stored of them is a
``Finding``, what is shown is rendered from it in the reader's language. Codes are public: retired,
never reused.
"""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.finding import Finding


class TaxError(Exception):
    """Common ancestor of the reasons why no tax could be determined.

    ``reason`` distinguishes the sentences of one code (``FT001.kinds``); ``text`` as reason shows
    the argument ``text`` as it is, for what a remote engine says in its own words. ``target`` names
    the screen on which it is corrected: partner, taxes, payment_term, company, a name an engine
    has registered with ``finance.tax.service._correction_actions``, or "" for none.
    """

    code = "FT000"
    target = ""

    def __init__(self, reason: str = "", *, target: str = "", **arguments: object) -> None:
        self.reason = reason
        self.target = target or self.target
        self.arguments = {name: str(value) for name, value in arguments.items()}
        super().__init__(self.finding_code)

    @property
    def finding_code(self) -> str:
        """Return the code of the sentence: the public code and the reason."""
        return f"{self.code}.{self.reason}" if self.reason else self.code

    def finding(self) -> Finding:
        """Return what is stored of the error."""
        return Finding(self.finding_code, args=self.arguments)

    def __str__(self) -> str:
        """Return code and arguments, for logs."""
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.finding_code} {arguments}".strip()


class NoRule(TaxError):
    """No rule states what tax is due."""

    code = "FT001"
    target = "rules"


class AmbiguousRule(TaxError):
    """Two rules fit equally well."""

    code = "FT002"
    target = "rules"


class MissingFact(TaxError):
    """The document lacks something the place of supply depends on."""

    code = "FT003"
    target = "partner"


class TotalsDiffer(TaxError):
    """The document's totals are not the engine's."""

    code = "FT004"


class IncompleteAnswer(TaxError):
    """The engine's answer cannot be used: gaps, another document, amounts no ledger can hold."""

    code = "FT005"


class EngineUnavailable(TaxError):
    """A remote engine could not be reached. Repeating the request later may succeed."""

    code = "FT006"


class NoTaxAccount(TaxError):
    """The company has no account to book the tax on."""

    code = "FT007"
    target = "taxes"


class NotCovered(TaxError):
    """A situation the engine has no rules for, or that an engine's amounts cannot be used in."""

    code = "FT008"


class RefusedByEngine(TaxError):
    """A remote engine refused the document on its merits."""

    code = "FT009"
