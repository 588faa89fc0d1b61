"""Records that are evidence: what they prove is never changed, duplicated or deleted through the ORM."""

from odoo import api, models

from ..exceptions import EvidenceIsAppendOnly


class FinanceEvidenceMixin(models.AbstractModel):
    _name = "finance.evidence.mixin"
    _description = "Immutable evidence"

    #: Names of the fields that may change after creation; None: see ``_evidence_fixed``.
    _evidence_open: frozenset[str] | None = None
    #: Names of the fields that never change; used where ``_evidence_open`` is None.
    _evidence_fixed: frozenset[str] = frozenset()

    def write(self, vals):
        """Refuse a change of what the record proves, whoever writes.

        :raises EvidenceIsAppendOnly: a field that is evidence would change.
        """
        if self._evidence_open is not None:
            touched = set(vals) - self._evidence_open
        else:
            touched = set(vals) & self._evidence_fixed
        if touched and self:
            labels = sorted(
                self._fields[name]._description_string(self.env)
                for name in touched
                if name in self._fields
            )
            raise EvidenceIsAppendOnly(
                self.env._(
                    "%(records)s is evidence and cannot be changed (%(fields)s).",
                    records=self.env["ir.model"]._get(self._name).sudo().name,
                    fields=", ".join(labels or sorted(touched)),
                )
            )
        return super().write(vals)

    # Not at_uninstall=False: the key with which Odoo marks an uninstallation can come from any RPC caller.
    @api.ondelete(at_uninstall=True)
    def _unlink_except_evidence(self):
        raise EvidenceIsAppendOnly(
            self.env._(
                "%(records)s is evidence and cannot be deleted.",
                records=self.env["ir.model"]._get(self._name).sudo().name,
            )
        )

    def copy_data(self, default=None):
        """Refuse to duplicate a record that proves one event.

        :raises EvidenceIsAppendOnly: for any record.
        """
        if self:
            raise EvidenceIsAppendOnly(
                self.env._(
                    "%(records)s is evidence and cannot be duplicated.",
                    records=self.env["ir.model"]._get(self._name).sudo().name,
                )
            )
        return super().copy_data(default)
