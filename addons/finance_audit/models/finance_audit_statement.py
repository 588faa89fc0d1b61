"""Statements in the language of the reader: the sentence that belongs to a code."""

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

_MISSING = "…"


class FinanceAuditStatement(models.AbstractModel):
    _name = "finance.audit.statement"
    _description = "Texts of statements"

    @api.model
    def _sentences(self):
        """Return code → sentence, translated, with ``%(name)s`` for the arguments; addons extend it.

        Codes are public: retired, never reused.
        """
        return {
            "sentences": "%(all)s",
            **self._tracking_sentences(),
            **self._log_sentences(),
            **self._verification_sentences(),
            **self._proof_sentences(),
            **self._damage_sentences(),
        }

    @api.model
    def _tracking_sentences(self):
        _ = self.env._
        return {
            "record.created": _("%(kind)s “%(name)s” was created."),
            "record.changed": _("%(kind)s “%(name)s” was changed: %(labels)s."),
            "record.deleted": _("%(kind)s “%(name)s” was deleted."),
            "administration.access": _("Access right “%(name)s”: %(fields)s"),
            "administration.rule": _("Record rule “%(name)s”: %(fields)s"),
            "administration.server_action": _("Server action “%(name)s”: %(fields)s"),
            "administration.scheduled_action": _("Scheduled action “%(name)s”: %(fields)s"),
            "administration.parameter": _("System parameter “%(name)s”: %(fields)s"),
            "administration.addon": _("Addon “%(name)s”: %(fields)s"),
            "role.granted": _("Role “%(role)s” granted to %(user)s."),
            "role.withdrawn": _("Role “%(role)s” revoked from %(user)s."),
        }

    @api.model
    def _log_sentences(self):
        _ = self.env._
        return {
            "log.shared": _("No company"),
            "log.company_deleted": _("Deleted company %(number)s"),
            "key.added": _("Checkpoints are signed with a new key."),
            "log.copied": _("This database is a copy. Its log continues under a new origin."),
            "personal_data.erased": _("Personal data erased in entries: %(count)s."),
            "package.exported": _("Evidence package exported. Entries: %(count)s"),
            "protection.lost": _(
                "The database does not protect audit entries any more. Missing guards: %(guards)s"
            ),
            "guards.installed": _(
                "The database guards the evidence of the addons. Guards: %(count)s"
            ),
            "protection.restored": _(
                "The protection of audit entries by the database is restored."
            ),
        }

    @api.model
    def _verification_sentences(self):
        _ = self.env._
        return {
            "verification.intact": _("%(log)s: intact since %(since)s. Entries: %(count)s."),
            "verification.empty": _("%(log)s: nothing to verify yet."),
            "verification.damaged": _("%(log)s: DAMAGED. %(damage)s"),
            "verification.aborted": _(
                "%(log)s: NOT VERIFIED. The verification was aborted; see the server log."
            ),
            "verification.overdue": _(
                "%(log)s: NO SCHEDULED VERIFICATION since %(since)s. The job did not run or was "
                "interrupted."
            ),
            "anchor.never": _("Never anchored outside."),
            "anchor.minutes": _("Last anchored outside %(minutes)s min ago."),
            "anchor.hours": _("Last anchored outside %(hours)s h ago."),
            "entries.unsealed": _("Entries not sealed yet: %(count)s."),
        }

    @api.model
    def _proof_sentences(self):
        """Return the sentences about what the verifier proved and what it could not prove."""
        _ = self.env._
        return {
            "proven.complete": _(
                "All entries (%(entries)s) are unchanged, in order and complete up to the last "
                "checkpoint. Checkpoints: %(checkpoints)s, each continuing the one before."
            ),
            "proven.part": _(
                "The exported entries (%(entries)s) are unchanged parts of the log (%(size)s entries)."
            ),
            "proven.erasable": _("Disclosed personal data matches what was sealed: %(count)s."),
            "proven.anchored": _(
                "The checkpoints stored outside (%(count)s) agree: the log was not rewritten."
            ),
            "proven.signed": _("Checkpoint %(size)s is signed with a key of this server."),
            "proven.time": _(
                "Entries 1 to %(size)s existed on %(time)s. Timestamps of the authority: %(count)s."
            ),
            "unproven.no_entries": _("No entries have been sealed and signed yet."),
            "unproven.key_in_data_dir": _(
                "That copies of the signing key are out of reach: it lies in Odoo's data folder, which backups "
                "include. A system administrator can move it (option finance_audit_key_file)."
            ),
            "unproven.no_keys": _("Who signed: the signing keys of this server cannot be read."),
            "unproven.copy": _(
                "Up to entry %(size)s the log is a copy of %(origin)s, which continues elsewhere or "
                "has ended."
            ),
            "unproven.newer_anchor": _("Checkpoint %(size)s is more recent than the package."),
            "unproven.part": _("That the part is complete: only a complete export proves this."),
            "unproven.anchor": _("That checkpoint %(size)s belongs to this log."),
            "unproven.rewritten": _(
                "That the log was not rewritten as a whole or restored from a backup: no checkpoint "
                "is stored outside."
            ),
            "unproven.unsealed": _("Entries not sealed yet: %(count)s."),
            "unproven.signer": _("Who signed: no trusted key is available."),
            "unproven.authority": _(
                "Who issued the timestamps (%(count)s): the certificate of the authority is missing."
            ),
            "unproven.time": _("When the entries existed: there is no timestamp of an authority."),
        }

    @api.model
    def _damage_sentences(self):
        """Return the sentences of the verifier's codes of damage."""
        _ = self.env._
        return {
            "damage.entry": _("Entry %(number)s (ID %(uid)s): %(damage)s"),
            "damage.entry_id": _("Entry with ID %(uid)s: %(damage)s"),
            "damage.position": _("Entry %(number)s: %(damage)s"),
            "entry.changed": _("An entry was changed after it was recorded."),
            "entry.deleted": _("An entry is missing."),
            "entry.added": _("An entry was added outside the log."),
            "entry.inserted": _("An entry was inserted later."),
            "entry.repeated": _("Entries stand at the same position."),
            "entry.reordered": _("Entries were reordered."),
            "anchor.foreign": _("An anchor of another log is among the anchors of this one."),
            "entry.unsealed": _("An entry was never sealed although later entries are."),
            "columns.changed": _("The displayed values differ from the recorded evidence."),
            "erasable.changed": _("The stored personal data was changed."),
            "leaves.changed": _("The list of hashes was changed; the entries are unchanged."),
            "log.missing": _(
                "The log “%(name)s”, which signed checkpoints state, is not in the database any more."
            ),
            "log.truncated": _("Entries at the end of the log are missing."),
            "log.rolled_back": _(
                "The log is shorter than at an anchored checkpoint: it was shortened, or the database "
                "was restored from an older backup."
            ),
            "root.differs": _("The entries contradict a signed checkpoint."),
            "anchor.contradicts": _(
                "A checkpoint stored outside contradicts the log: the log was rewritten."
            ),
            "checkpoint.missing": _("There is no signed checkpoint."),
            "checkpoint.order": _("The checkpoints are not in order."),
            "checkpoint.unreadable": _("A checkpoint cannot be read."),
            "origin.changed": _("The log was continued without reference to its last checkpoint."),
            "key.foreign": _("A checkpoint is not signed with a key of this server."),
            "key.unreadable": _("A signing key cannot be read."),
            "signature.bad": _("The signature of a checkpoint is invalid."),
            "timestamp.bad": _("A timestamp is invalid."),
            "package.unreadable": _("The evidence cannot be read."),
        }

    # -- rendering -----------------------------------------------------------------------------

    @api.model
    def _render(self, statement, sentences=None):
        """Return the sentence of a stored statement, or "" where no installed addon has its code.

        :param statement: the mapping that ``core.statement.stored`` returned
        :param sentences: the result of ``_sentences``, for several statements in a row
        """
        sentences = self._sentences() if sentences is None else sentences
        sentence = sentences.get(statement.get("code"))
        if not sentence:
            return ""
        args = statement.get("args") or {}
        return sentence % _Shown(
            {name: self._shown(value, sentences) for name, value in args.items()}
        )

    @api.model
    def _shown(self, value, sentences=None):
        """Return one argument as the reader sees it."""
        if isinstance(value, list):
            is_text = any(isinstance(item, dict) and "code" in item for item in value)
            return (" " if is_text else ", ").join(self._shown(item, sentences) for item in value)
        if isinstance(value, bool) or value is None:
            return ""
        if isinstance(value, int):
            return formatLang(self.env, value, digits=0)
        if not isinstance(value, dict):
            return str(value)
        if "code" in value:
            return self._render(value, sentences) or value.get("text") or _MISSING
        if "date" in value:
            return format_date(self.env, fields.Date.to_date(value["date"]))
        if "id" in value:
            return self._name_of(**value)
        return self._label(**value)

    @api.model
    def _name_of(self, model, id, field, name):  # noqa: A002
        """Return the translated name of a record while it is the recorded one, else the recorded name."""
        record = self.env[model].sudo().browse(id).exists() if model in self.env else None
        if record and record.with_context(lang="en_US")[field] == name:
            return record[field]
        return name

    @api.model
    def _label(self, model="", field="", value=None):
        """Return the name of a model, of a field, or of a selection's value."""
        records = self.env.get(model)
        if records is None:
            return model
        if not field and hasattr(records, "_audit_kind"):
            return records._audit_kind()
        if not field:
            return self.env["ir.model"]._get(model).sudo().name or records._description
        definition = records._fields.get(field)
        if definition is None:
            return field
        if value is None:
            return definition._description_string(self.env)
        return dict(definition._description_selection(self.env)).get(value, value)


class _Shown(dict):
    """Arguments of a sentence; one that an older version did not store is shown as an ellipsis."""

    def __missing__(self, key):
        return _MISSING
