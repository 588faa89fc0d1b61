"""Texts of e-invoicing: status lines, refusals of the neutral checks, and lists of findings for a reader."""

import re

from odoo import api, models

from ..core import stored

#: A business term or group of EN 16931; other places in a document, such as an XPath, are not shown.
_BUSINESS_TERM = re.compile(r"B[TG]-\d")


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _render(self, finding):
        """Explain a code in the catalogue of its source first: two providers may use one code."""
        if not hasattr(finding, "args"):
            finding = stored.finding(finding)
        if source := finding.args.get("source"):
            texts = self._source_texts(source, finding)
            if texts:
                return texts
        return super()._render(finding)

    @api.model
    def _source_texts(self, source, finding):
        """Return (sentence, hint) of a code of this source in the reader's language, or None."""
        return self._source_messages(source).get(finding.code)

    @api.model
    def _source_messages(self, source):
        """Return code → (sentence, hint) of one source, such as a provider. Addons extend it."""
        return {}

    @api.model
    def _rule_set_labels(self):
        """Return code → name of rule sets. Addons that bring rule sets extend it."""
        return {}

    @api.model
    def _rule_set_names(self, codes):
        """Return the names of rule sets that are stored as codes separated by commas."""
        labels = self._rule_set_labels()
        return ", ".join(labels.get(code, code) for code in codes.split(", "))

    @api.model
    def _labels_of(self, args):
        labels = super()._labels_of(args)
        if "rule_sets" in args:
            labels["rule_sets"] = self._rule_set_names(args["rule_sets"])
        return labels

    @api.model
    def _listed(self, findings):
        """Return findings as a reader sees them: dicts with code, severity, sentence, text, hint and item."""
        _ = self.env._
        labels = {"error": _("Error"), "warning": _("Warning"), "info": _("Note")}
        listed = []
        for values in findings or ():
            finding = stored.finding(values) if isinstance(values, dict) else values
            sentence, hint = self._render(finding)
            text = finding.args.get("text", "")
            listed.append(
                {
                    "code": finding.code,
                    "label": labels[finding.severity],
                    "severity": finding.severity,
                    "sentence": sentence,
                    "text": text if text not in {sentence, finding.code} else "",
                    "hint": hint,
                    "item": finding.item if _BUSINESS_TERM.match(finding.item) else "",
                }
            )
        return listed

    @api.model
    def _as_html(self, findings):
        """Return findings as a list for the screen, or False."""
        if not findings:
            return False
        return self.env["ir.qweb"]._render(
            "finance_einvoice.findings", {"findings": self._listed(findings)}
        )

    @api.model
    def _messages(self):
        """Add the status lines of e-invoices. Codes are public: retired, never reused."""
        _ = self.env._
        return {
            **super()._messages(),
            "route.taken": (
                _("E-invoicing route: “%(route)s”, because of its conditions (%(conditions)s)."),
                "",
            ),
            "route.taken.always": (
                _("E-invoicing route: “%(route)s”. No more specific route applies."),
                "",
            ),
            "einvoice.other_route": (
                _(
                    "This document is not submitted to %(platform)s: it left by another route "
                    "(%(route)s)."
                ),
                "",
            ),
            "einvoice.other_route_unnamed": (
                _(
                    "This document is not submitted to the platform of its regime: it left by another "
                    "route (%(route)s)."
                ),
                "",
            ),
            "route.skipped": (
                _("Not submitted as an e-invoice: excluded by the route “%(route)s”."),
                "",
            ),
            "route.not_covered": (
                _(
                    "Not submitted as an e-invoice: the regime of “%(route)s” does not cover this "
                    "kind of document or customer."
                ),
                "",
            ),
            "route.left": (
                _(
                    "Not submitted as an e-invoice: the document left by %(sender)s, or is about to."
                ),
                "",
            ),
            "route.regime_missing": (
                _("The regime “%(regime)s” of the route “%(route)s” is not installed."),
                _("Install its addon, or change the route."),
            ),
            "FC-CONNECTION": (
                _("%(company)s has no connection for e-invoicing."),
                _("A finance administrator selects it in Settings › Finance Connect."),
            ),
            "einvoice.validated": (_("Checked against %(rule_sets)s"), ""),
            "einvoice.submitted": (_("Version %(version)s submitted to %(connection)s"), ""),
            "einvoice.queued": (_("Waiting to be sent to %(connection)s."), ""),
            "einvoice.sending": (_("Being sent to %(connection)s."), ""),
            "einvoice.checking": (
                _("Sent; %(connection)s has been checking it since %(since)s."),
                "",
            ),
            "einvoice.retrying": (
                _("Not delivered yet; the next attempt is scheduled for %(at)s."),
                "",
            ),
            "einvoice.on_hold": (_("On hold: it is sent when an operator releases it."), ""),
            "einvoice.paused": (
                _("Cannot be sent at the moment: the connection %(connection)s is not active."),
                "",
            ),
            "einvoice.blocked": (
                _(
                    "Cannot be sent at the moment: the connection %(connection)s needs the attention of a "
                    "finance administrator."
                ),
                "",
            ),
            "einvoice.unknown": (
                _(
                    "Sent, but no response was received. The status is being checked with %(connection)s; "
                    "no action is needed."
                ),
                "",
            ),
            "einvoice.filed": (
                _("Filed with %(connection)s. Corrections require a credit note."),
                "",
            ),
            "einvoice.accepted": (
                _("Accepted. Corrections require a credit note."),
                "",
            ),
            "einvoice.rejected": (
                _("Rejected. Correct the invoice and confirm it again."),
                "",
            ),
            "einvoice.failed": (
                _("Not delivered. An operator decides how to continue."),
                "",
            ),
            "einvoice.withdrawn": (
                _("Withdrawn before transmission. Confirm the invoice to submit it."),
                "",
            ),
            "exchange.withdrawn": (_("Withdrawn before transmission by %(user)s"), ""),
            "einvoice.not_sent": (
                _(
                    "Not sent: the submission was cancelled. To send the invoice, reset it to draft and "
                    "confirm it again."
                ),
                "",
            ),
            "einvoice.remediation": (_("Being corrected. Confirm the invoice to resubmit it."), ""),
            "einvoice.cancelled": (_("The invoice was cancelled."), ""),
            "einvoice.reclassified": (
                _(
                    "Status renamed from Accepted to Filed: the platform has taken the document; "
                    "acceptance is a matter of the buyer."
                ),
                "",
            ),
            "evidence.einvoice": (
                _("The posted document was not submitted as an e-invoice."),
                _(
                    "Reset the document to draft and confirm it again, or dismiss the case with a reason."
                ),
            ),
            "einvoice.differs": (
                _("The document differs from its e-invoice."),
                _(
                    "The e-invoice is legally binding. Identify the change in the document and "
                    "restore it, or correct the document with a credit note."
                ),
            ),
            "route.other": (
                _("“%(sender)s” is set up to send this document electronically as well."),
                _("Switch it off on the journal: each document leaves by one route."),
            ),
        }
