"""What administrators change outside of the addons is recorded: rights, rules, automation, modules, parameters.

Each of these can take away what the addons rely on, or act in their name. Nothing is refused here but the removal of
the addons themselves, which the configuration file of the server must allow (`finance_connect_allow_uninstall`). What
an installation or upgrade loads is recorded as one change of the addon, not record by record.
"""

import hashlib

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config, str2bool

from ..core.statement import Statement

OPTION = "finance_connect_allow_uninstall"
_SUITE = "finance_"
_MODELS = "finance."
_INSTALLED = ("installed", "to upgrade")
#: Parameters on which the addons rely, and those of the addons.
_PARAMETERS = ("database.uuid", "database.is_neutralized")
#: Longest code of a server action that is kept in an entry; of a longer one the hash remains.
_MAX_CODE = 8000


def uninstall_is_allowed():
    """Return whether the administrator of the server allows that addons and their evidence are removed."""
    return str2bool(str(config.get(OPTION) or ""), default=False)


class FinanceAuditAdministration(models.AbstractModel):
    _name = "finance.audit.administration"
    _description = "Audit of administration"

    @api.model
    def _note(self, action, records, snapshots, outcome="warning"):
        """Record one entry per record that changed; ``snapshots`` are (before, after) by record."""
        entries = []
        for record in records:
            before, after = snapshots[record]
            changes = {
                name: {"before": before.get(name), "after": after.get(name)}
                for name in {**before, **after}
                if before.get(name) != after.get(name)
            }
            if not changes:
                continue
            name = str((after or before).get("name") or record.id)
            entries.append(
                {
                    "action": f"administration.{action}",
                    "record": record if after else None,
                    "outcome": outcome,
                    "statement": Statement(
                        f"administration.{action}",
                        {
                            "name": name,
                            "fields": [
                                {"model": record._name, "field": field} for field in sorted(changes)
                            ],
                        },
                    ),
                    "details": {"model": record._name, "id": str(record.id), "changes": changes},
                }
            )
        self.env["finance.audit.entry"]._record_many(entries)


class _Watched(models.AbstractModel):
    """Records create, write and unlink of the records that concern the addons."""

    _name = "finance.audit.administration.mixin"
    _description = "Recorded administration"

    #: Last part of the action id.
    _administration = ""

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._administered({record: ({}, {}) for record in records})
        return records

    def write(self, vals):
        before = self._administration_before()
        result = super().write(vals)
        self._administered(before)
        return result

    def unlink(self):
        before = self._administration_before()
        records = self.env[self._name].browse([record.id for record in before])
        result = super().unlink()
        self._administration_note(records, {record: (before[record][0], {}) for record in records})
        return result

    def _administration_before(self):
        """Return record → (facts, nothing yet) of the records that concern the addons."""
        if not self.pool.ready:
            return {}
        found = {}
        for record in self:
            facts = record.sudo()._administration_facts()
            found[record] = (facts or {}, {})
        return found

    def _administered(self, before):
        if not self.pool.ready:
            return
        snapshots = {}
        for record, (old, _none) in before.items():
            facts = record.sudo()._administration_facts() or {}
            if old or facts:
                snapshots[record] = (old, facts or {**old, "concerned": "no longer"})
        records = self.browse([record.id for record in snapshots])
        self._administration_note(records, snapshots)

    def _administration_note(self, records, snapshots):
        concerned = records.filtered(lambda record: any(snapshots[record]))
        self.env["finance.audit.administration"]._note(self._administration, concerned, snapshots)

    def _administration_facts(self):
        """Return what is recorded of one record as JSON values, or None where it is none of the addons' concern."""
        return


def _names(records):
    return sorted(record.display_name or str(record.id) for record in records)


class IrRule(models.Model):
    _name = "ir.rule"
    _inherit = ["ir.rule", "finance.audit.administration.mixin"]
    _administration = "rule"

    def _administration_facts(self):
        if not (self.model_id.model or "").startswith(_MODELS):
            return None
        rights = ("perm_read", "perm_write", "perm_create", "perm_unlink")
        return {
            "name": self.name or "",
            "model": self.model_id.model,
            "active": self.active,
            "domain": self.domain_force or "",
            "groups": _names(self.groups),
            **{name: self[name] for name in rights},
        }


class IrModelAccess(models.Model):
    _name = "ir.model.access"
    _inherit = ["ir.model.access", "finance.audit.administration.mixin"]
    _administration = "access"

    def _administration_facts(self):
        if not (self.model_id.model or "").startswith(_MODELS):
            return None
        rights = ("perm_read", "perm_write", "perm_create", "perm_unlink")
        return {
            "name": self.name or "",
            "model": self.model_id.model,
            "active": self.active,
            "group": self.group_id.display_name or "",
            **{name: self[name] for name in rights},
        }


class IrActionsServer(models.Model):
    _name = "ir.actions.server"
    _inherit = ["ir.actions.server", "finance.audit.administration.mixin"]
    _administration = "server_action"

    def _administration_facts(self):
        if self.state != "code" and not (self.model_name or "").startswith(_MODELS):
            return None
        code = self.code or ""
        return {
            "name": self.name or "",
            "model": self.model_name or "",
            "kind": self.state or "",
            "code": code[:_MAX_CODE],
            "code_sha256": hashlib.sha256(code.encode()).hexdigest(),
            "names_addons": "finance" in code,
            "groups": _names(self.group_ids),
        }


class IrCron(models.Model):
    _name = "ir.cron"
    _inherit = ["ir.cron", "finance.audit.administration.mixin"]
    _administration = "scheduled_action"

    def _administration_facts(self):
        if not (self.model_name or "").startswith(_MODELS):
            return None
        return {
            "name": self.cron_name or "",
            "model": self.model_name,
            "active": self.active,
            "user": self.user_id.login or "",
            "interval": f"{self.interval_number} {self.interval_type}",
            # A job postponed by years is as good as switched off.
            "next_year": str(self.nextcall.year) if self.nextcall else "",
            "code": (self.code or "")[:_MAX_CODE],
        }


class IrConfigParameter(models.Model):
    _name = "ir.config_parameter"
    _inherit = ["ir.config_parameter", "finance.audit.administration.mixin"]
    _administration = "parameter"

    def _administration_facts(self):
        key = self.key or ""
        if not key.startswith((_SUITE, _MODELS)) and key not in _PARAMETERS:
            return None
        return {"name": key, "value": self.value or ""}


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def write(self, vals):
        mine = self.filtered(lambda module: module.name.startswith(_SUITE))
        if vals.get("state") in ("to remove", "uninstalled"):
            mine.filtered(lambda module: module.state != "uninstalled")._finance_check_uninstall()
        before = {module: _module_facts(module) for module in mine if "state" in vals}
        result = super().write(vals)
        self.flush_recordset(["state"])
        snapshots = {module: (facts, _module_facts(module)) for module, facts in before.items()}
        self.env["finance.audit.administration"]._note(
            "addon", self.browse([module.id for module in snapshots]), snapshots, outcome="info"
        )
        return result

    def module_uninstall(self):
        """Refuse to remove an addon together with its evidence.

        :raises UserError: the configuration of the server does not allow it.
        """
        self.filtered(lambda module: module.name.startswith(_SUITE))._finance_check_uninstall()
        return super().module_uninstall()

    def _finance_check_uninstall(self):
        """Refuse where the configuration of the server does not allow that evidence is removed.

        :raises UserError: names the option.
        """
        if self and not uninstall_is_allowed():
            raise refused_uninstall(self.env, ", ".join(self.mapped("shortdesc")))


class IrModel(models.Model):
    _inherit = "ir.model"

    def unlink(self):
        """Refuse to drop a table of the addons; the key with which Odoo allows it can come from any RPC caller.

        :raises UserError: the configuration of the server does not allow it.
        """
        mine = self.filtered(
            lambda model: model.model.startswith(_MODELS) and model.state != "manual"
        )
        if mine and self.pool.ready and not uninstall_is_allowed():
            # Not ``ondelete``: Odoo skips it where a caller sends the key of an uninstallation.
            raise refused_uninstall(self.env, ", ".join(mine.mapped("name")))  # pylint: disable=no-raise-unlink
        return super().unlink()


class IrModelFields(models.Model):
    _inherit = "ir.model.fields"

    def unlink(self):
        """Refuse to drop a column of the addons, as for tables.

        :raises UserError: the configuration of the server does not allow it.
        """
        mine = self.filtered(
            lambda field: field.model.startswith(_MODELS) and field.state != "manual"
        )
        if mine and self.pool.ready and not uninstall_is_allowed():
            names = ", ".join(mine.mapped("field_description"))
            raise refused_uninstall(self.env, names)  # pylint: disable=no-raise-unlink
        return super().unlink()


def refused_uninstall(env, names):
    """Return why addons, tables or columns with evidence are not removed, and who can allow it."""
    return UserError(
        env._(
            "%(names)s contains evidence and cannot be removed. The administrator of the server allows it with "
            "the option %(option)s = True in the configuration file, after an export of the evidence.",
            names=names,
            option=OPTION,
        )
    )


def _module_facts(module):
    return {
        "name": module.name,
        "state": module.state or "",
        "version": module.latest_version or "",
    }
