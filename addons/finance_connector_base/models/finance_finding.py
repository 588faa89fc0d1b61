"""Findings in the language of the reader: the sentence and the hint that belong to a code."""

import re

from odoo import api, models
from odoo.tools import ormcache

from ..core.finding import Finding
from ..core.routing import TAKEN

# RFC 9110, sections 15.5 and 15.6.
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_HTTP_REASON = re.compile(r"HTTP (\d{3})\b")
#: Facts of a document whose field on a route has another name.
_FIELDS_OF_FACTS = {"country": "country_id"}


class FinanceFinding(models.AbstractModel):
    _name = "finance.finding"
    _description = "Texts of findings"

    @api.model
    def _messages(self):
        """Return code → (sentence, hint), both translated, with ``%(name)s`` for the arguments.

        Addons that define codes extend this. A code without an entry is shown by its ``text``
        argument.
        """
        return {
            **self._connection_messages(),
            **self._stall_messages(),
            **self._webhook_messages(),
            **self._inbound_messages(),
            **self._posting_messages(),
            **self._route_messages(),
            **self._evidence_messages(),
        }

    @api.model
    def _evidence_messages(self):
        _ = self.env._
        investigate = _("Find out who changed the database, and restore the record from a backup.")
        return {
            "evidence.not_recorded": (
                _("The audit log has no entry about %(record)s (%(state)s)."),
                investigate,
            ),
            "evidence.state_differs": (
                _("%(record)s: the state is “%(state)s”, the audit log states “%(recorded)s”."),
                investigate,
            ),
            "evidence.value_differs": (
                _("%(record)s: “%(name)s” differs from what the audit log states."),
                investigate,
            ),
            "evidence.content_differs": (
                _("%(record)s: the stored content does not match its checksum."),
                investigate,
            ),
            "storage.payload_too_large": (
                _("The document has %(size)s MB; at most %(limit)s MB can be sent."),
                _(
                    "Shorten the document, or ask the administrator of the server for a higher limit."
                ),
            ),
            "storage.limit_exceeded": (
                _("The stored content uses %(used)s MB; the limit of the company is %(limit)s MB."),
                _("Set a retention period or raise the limit in the settings."),
            ),
        }

    @api.model
    def _route_messages(self):
        _ = self.env._
        return {
            "route.taken": (
                _("Route “%(route)s”, chosen by these conditions: %(conditions)s."),
                "",
            ),
            "route.taken.always": (
                _("Route “%(route)s”, which has no conditions; no more specific one applies."),
                "",
            ),
            "route.no_match": (
                _("No route applies to this document."),
                _(
                    "A finance admin adds a route, or one that says “Do not send”, under "
                    "Finance Connect › Configuration › Routes."
                ),
            ),
            "route.ambiguous": (
                _("Several routes apply equally well to this document: %(routes)s."),
                _("A finance admin changes their order or conditions under Routes."),
            ),
            "mapping.missing": (
                _("%(mapped)s: “%(record)s” has no code."),
                _("A finance admin adds it under Finance Connect › Configuration › Code mappings."),
            ),
            "mapping.ambiguous": (
                _("%(mapped)s: several codes apply equally well to “%(record)s”: %(codes)s."),
                _("A finance admin changes their order or conditions under Code mappings."),
            ),
        }

    @api.model
    def _posting_messages(self):
        _ = self.env._
        return {
            "posting.refused": (
                _("The draft could not be posted: %(reasons)s"),
                _("Correct the document and confirm it. The case closes automatically."),
            ),
            "evidence.several": (
                _("The document was posted without several of the checks that apply to it."),
                _(
                    "Reset the document to draft and confirm it again, or dismiss the case with a reason."
                ),
            ),
        }

    @api.model
    def _connection_messages(self):
        _ = self.env._
        return {
            "connection.works": (_("The provider responded and accepted the credentials."), ""),
            "connection.settings_missing": (_("Required: %(fields)s."), ""),
            "connection.credentials_refused": (
                _("The provider refused the credentials (%(reason)s)."),
                _(
                    "Check client ID and secret on the connection, then test it. The case closes automatically."
                ),
            ),
            "connection.unexpected_response": (
                _(
                    "The address responds, but not with the provider's API (%(reason)s). Check the address."
                ),
                "",
            ),
            "connection.unavailable": (
                _(
                    "The provider is currently unavailable (%(reason)s). Check the address or try again later."
                ),
                "",
            ),
            "connection.provider_missing": (
                _(
                    "The addon of the provider “%(provider)s” is not installed; the connection is paused."
                ),
                _("Install the provider's addon again, or cancel the queued exchanges."),
            ),
            "connection.adapter_failed": (
                _("Unexpected error in the provider addon. See the server log."),
                _("Contact the system administrator. Queued exchanges are kept."),
            ),
            "connection.unblocked": (_("The connection is sending again"), ""),
            "query.not_active": (
                _("The connection “%(connection)s” is not active."),
                _("Ask a finance admin to activate it."),
            ),
            "query.throttled": (
                _("Calls to %(connection)s are suspended or limited at the moment."),
                _("Try again later."),
            ),
            "query.no_answer": (
                _("The provider gave no usable answer."),
                _("Try again later."),
            ),
            "query.valid": (_("%(value)s is valid. Proof number: %(proof)s"), ""),
            "query.invalid": (_("%(value)s is not valid. Proof number: %(proof)s"), ""),
            "query.unknown": (_("%(value)s could not be checked"), ""),
            "connection.breaker_opened": (
                _("Calls to %(connection)s are suspended until the provider responds again"),
                "",
            ),
            "connection.breaker_closed": (
                _("Calls to %(connection)s are resumed: the provider responds again"),
                "",
            ),
            "connection.breaker_reset": (_("Circuit breaker reset by %(user)s"), ""),
            "webhook_url.generated": (_("A new webhook URL was generated"), ""),
            "webhook_url.removed": (_("The webhook URL was removed"), ""),
            "connection.database_copy": (
                _(
                    "This database is a copy: the connection was activated in a different database. "
                    "Activate it here if this database is meant to send."
                ),
                _(
                    "A finance admin activates the connection, or an operator cancels the queued exchanges."
                ),
            ),
            "connection.address_refused": (
                _("An address of the connection may not be called: %(reason)s."),
                _(
                    "Correct the address, or ask the administrator of the server to allow it in the configuration file."
                ),
            ),
            "connection.certificate_expired": (
                _("The client certificate expired on %(date)s."),
                _(
                    "A finance admin selects a renewed certificate on the connection. Queued exchanges are kept."
                ),
            ),
            "connection.certificate_missing": (
                _("The provider requires a client certificate."),
                _("A finance admin selects a certificate on the connection."),
            ),
            "connection.database_neutralized": (
                _("This database is neutralized and does not send to production."),
                "",
            ),
        }

    @api.model
    def _stall_messages(self):
        _ = self.env._
        return {
            "stall.verdict_waiting": (
                _("The provider has not decided within %(hours)s hours."),
                "",
            ),
            "stall.verdict_unknown": (
                _("The outcome could not be determined within %(hours)s hours."),
                "",
            ),
            "stall.receipt": (
                _("The signed receipt has been missing for more than %(hours)s hours."),
                _("Finance Connect keeps requesting it. Contact the provider's support."),
            ),
            "stall.connection_paused": (
                _("The connection is paused while exchanges are queued."),
                _(
                    "Resume the connection, or cancel the queued exchanges. The case closes automatically."
                ),
            ),
            "stall.connection_draft": (
                _("The connection is not activated while exchanges are queued."),
                _(
                    "A finance admin tests and activates the connection. The case closes automatically."
                ),
            ),
            "stall.certificate_expires": (
                _("The client certificate of the connection expires on %(date)s."),
                _(
                    "Obtain a renewed certificate from the provider or the issuer and select it on the connection. The "
                    "case closes automatically."
                ),
            ),
            "case.manual": (_("Decided by %(user)s without an open case."), ""),
            "stall.ended": (_("The cause no longer exists."), ""),
        }

    @api.model
    def _webhook_messages(self):
        _ = self.env._
        return {
            "webhook.received": (_("Webhook event of %(connection)s received"), ""),
            "webhook.unreadable": (_("The message cannot be read."), ""),
            "webhook.no_exchange_named": (_("No exchange referenced."), ""),
            "webhook.body_damaged": (_("The stored body does not match its hash."), ""),
            "webhook.exchange_unknown": (_("No matching exchange on this connection."), ""),
            "webhook.exchange_not_yet_known": (_("The exchange is not yet known."), ""),
            "webhook.exchange_busy": (_("A step of the exchange is still in progress."), ""),
            "webhook.contradiction": (
                _(
                    "The event “%(event)s” contradicts the final status “%(state)s”. Review required."
                ),
                "",
            ),
            "webhook.exchange_settled": (_("The exchange was already settled (%(state)s)."), ""),
            "webhook.applied": (_("Applied; the exchange is now: %(state)s."), ""),
            "webhook.documents_stored": (_("The documents of the message were stored."), ""),
            "webhook.feed_requested": (_("The provider's feed is read now."), ""),
            "webhook.documents_not_signed": (
                _(
                    "The message is not signed, and the provider offers no feed; nothing was stored."
                ),
                "",
            ),
            "webhook.status_check": (_("Status check with the provider scheduled."), ""),
            "webhook.no_status_check": (
                _("The provider offers no status check; kept for the operator's decision."),
                "",
            ),
            "webhook.failed": (_("Processing failed; see the server log."), ""),
            "webhook.retrying": (_("Processing failed; it will be retried."), ""),
            "webhook.reprocess": (_("Processing requested again by %(user)s."), ""),
        }

    @api.model
    def _inbound_messages(self):
        _ = self.env._
        again = _("Resolve the cause, then process the document again under Inbound documents.")
        return {
            "feed.read": (_("Read successfully."), ""),
            "feed.not_read": (_("Not read yet."), ""),
            "feed.failed": (_("The feed could not be read (%(reason)s)."), ""),
            "feed.not_stored": (_("What was read could not be stored; see the server log."), ""),
            "feed.day_limit": (_("The daily limit of this connection has been reached."), ""),
            "feed.suspended": (
                _("The feed “%(feed)s” has delivered more than the daily limit of its connection."),
                _(
                    "Check with the provider whether this volume is correct. The rest remains at the "
                    "provider and is read later; a higher limit can be set in the configuration file "
                    "of the server. The case closes automatically."
                ),
            ),
            "feed.stopped": (
                _("The feed “%(feed)s” has failed several times in a row (%(reason)s)."),
                _(
                    "Check the connection or contact the provider's support. Reading continues at a "
                    "reduced rate, nothing is skipped, and the case closes automatically."
                ),
            ),
            "inbound.stored": (_("Document of %(connection)s stored"), ""),
            "inbound.processed": (_("The document was processed."), ""),
            "inbound.unhandled": (_("No addon processes this kind of document."), ""),
            "inbound.kind_unhandled": (
                _("No addon processes documents of the kind “%(kind_label)s” from %(connection)s."),
                _(
                    "Install the addon that processes them, then process the documents again under "
                    "Inbound documents. If they are handled otherwise, dismiss the case with a reason."
                ),
            ),
            "inbound.failed": (_("Processing failed; see the server log."), again),
            "inbound.handler_ended": (
                _("Processing did not finish in several attempts; see the server log."),
                again,
            ),
            "inbound.retrying": (_("Processing failed; it will be retried."), ""),
            "inbound.reprocess": (_("Processing requested again by %(user)s."), ""),
            "inbound.too_large": (
                _("The document has %(size)s MB; at most %(limit)s MB are stored."),
                _("Fetch the document from the provider's portal, then dismiss the case."),
            ),
            "inbound.others": (
                _(
                    "Beyond the %(limit)s documents of “%(connection)s” with a case of their own, "
                    "more documents are affected."
                ),
                _(
                    "Check with the provider. The inbound documents of the connection, filtered by "
                    "status, list all of them; then dismiss the case."
                ),
            ),
            "inbound.not_received": (
                _(
                    "The document is larger than the %(limit)s MB that are stored, and its transfer "
                    "was ended. Its size and checksum are not known."
                ),
                _("Fetch the document from the provider's portal, then dismiss the case."),
            ),
            "inbound.differs": (
                _("The provider sent “%(document)s” again with different content."),
                _(
                    "The first content is kept. Ask the provider which one is valid, then dismiss "
                    "the case with the result."
                ),
            ),
        }

    @api.model
    def _render(self, finding):
        """Return (sentence, hint) of one finding in the language of the environment.

        :param finding: a ``core.finding.Finding`` or the JSON it was stored as
        """
        if not isinstance(finding, Finding):
            finding = Finding.from_json(finding)
        code = finding.code
        if code == TAKEN and not finding.args.get("criteria"):
            code = f"{TAKEN}.always"
        sentence, hint = self._messages_of_language().get(code, (None, ""))
        args = {"code": finding.code, **finding.args, **self._labels_of(finding.args)}
        if sentence is None:
            return args.get("text") or finding.code, args.get("hint", "")
        return sentence % _Known(args), (hint or "") % _Known(args)

    @ormcache("self.env.lang")
    def _messages_of_language(self):
        """Return all sentences in the language of the environment, which is all they depend on."""
        return self._messages()

    @api.model
    def _reason_of(self, text):
        """Return the sentence for a technical reason of a call; "" where the provider worded it.

        The transport names what happened by the class of its error, adapters by the HTTP status.
        """
        _ = self.env._
        rest = text.removeprefix("token endpoint: ")
        status = _HTTP_REASON.match(rest)
        if status:
            sentence = self._status_sentence(int(status[1]))
        elif rest.endswith("could not connect"):
            sentence = _("No connection to the provider could be established.")
        elif rest.endswith("Timeout"):
            sentence = _("The provider did not respond in time.")
        elif rest.endswith("Error") and rest.isidentifier():
            sentence = _("The connection was interrupted before a usable response arrived.")
        elif rest == "the provider has no record of it":
            sentence = _("The provider has no record of the document.")
        else:
            return ""
        return sentence

    def _status_sentence(self, status):
        _ = self.env._
        sentences = {
            400: _("The provider could not process the request."),
            401: _("The provider does not accept the credentials."),
            403: _("The provider denies access."),
            404: _("The provider does not offer this address."),
            408: _("The provider did not respond in time."),
            429: _("The provider receives too many requests."),
            503: _("The provider is temporarily unavailable."),
        }
        if status in sentences:
            return sentences[status]
        if status >= _SERVER_ERROR:
            return _("The provider reports an internal error.")
        if status >= _CLIENT_ERROR:
            return _("The provider refused the request.")
        return _("The provider's response could not be read.")

    @api.model
    def _labels_of(self, args):
        """Return what readers see of arguments that are codes: states of an exchange, reasons."""
        found = {}
        if stated := [name for name in ("state", "event") if args.get(name)]:
            states = self.env["finance.exchange"]._fields["state"]
            labels = dict(states._description_selection(self.env))
            found = {name: labels[args[name]] for name in stated if args[name] in labels}
        for name in ("reason", "error", "findings", "text"):
            if args.get(name) and (reason := self._reason_of(str(args[name]))):
                found[name] = reason.removesuffix(".") if name == "reason" else reason
        if criteria := args.get("criteria"):
            found["conditions"] = self._conditions(criteria.split(","), args)
        if kind := args.get("inbound_kind"):
            kinds = self.env["finance.inbound"]._fields["kind"]._description_selection(self.env)
            found["kind_label"] = dict(kinds).get(kind, kind)
        if kind := args.get("mapping_kind"):
            titles = dict(self.env["finance.mapping"]._kind_selection())
            found["mapped"] = titles.get(kind, kind)
        return found

    @api.model
    def _conditions(self, criteria, facts):
        """Return the conditions by which a route was chosen, as field and value in the reader's language."""
        route, country = self.env["finance.route"]._fields, facts.get("country", "")
        values = {
            name: dict(route[name]._description_selection(self.env))
            for name in ("document_kind", "customer_kind")
        }
        named = self.env["res.country"].search([("code", "=", country)]) if country else False
        values["country"] = {country: named.name} if named else {}
        labels = {name: route[_FIELDS_OF_FACTS.get(name, name)] for name in criteria}
        return "; ".join(
            self.env._(
                "%(condition)s: %(value)s",
                condition=field._description_string(self.env),
                value=values.get(name, {}).get(facts.get(name), facts.get(name, "")),
            )
            for name, field in labels.items()
        )


class _Known(dict):
    """Arguments of a sentence; one that an older version did not store is shown as an ellipsis."""

    def __missing__(self, key):
        return "…"
