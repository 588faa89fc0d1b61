"""From a posted invoice to the outbox: check, render, validate with the official rules, enqueue (E2, E4, E8)."""

import base64

from odoo import api, models
from odoo.exceptions import RedirectWarning, UserError

from ..core import lifecycle
from ..core.problems import Problem
from ..core.validation import validate

_SHOWN_PROBLEMS = 12


class EinvoiceBlocked(RedirectWarning):
    """A document may not be posted as an e-invoice; the message names what to change, the button opens it."""

    #: The web client knows exceptions by name; this tells it to show ours as it shows Odoo's own.
    context = {"exception_class": "odoo.exceptions.RedirectWarning"}


class FinanceEinvoice(models.Model):
    _inherit = "finance.einvoice"

    @api.model
    def _for_moves(self, moves):
        """The moves that are to be submitted, each with the model of its regime."""
        pairs = []
        for move in moves:
            regime = move.company_id.finance_einvoice_regime
            if not regime or not move.is_sale_document():
                continue
            model = self.env[f"finance.einvoice.regime.{regime}"]
            if model._applies(move):
                pairs.append((move, model))
        return pairs

    @api.model
    def _check_before_posting(self, pairs):
        """Local checks come first: they need neither a number nor a rendering (T9)."""
        problems = []
        for move, regime in pairs:
            found = self._connection_problems(move) + regime._problems(move)
            problems += [(move, problem) for problem in found]
        self._raise_by_policy(problems)

    @api.model
    def _submit(self, pairs):
        """Render, validate and enqueue each posted move, in the transaction that posts it (X2)."""
        for move, regime in pairs:
            einvoice = self._ensure(move)
            filename, content = regime._render(move)
            rule_sets = regime._rule_sets(move)
            violations = validate(content, rule_sets)
            self._raise_by_policy(
                [(move, self._as_problem(move, regime, item)) for item in violations]
            )
            einvoice._enqueue(filename, content, rule_sets, violations)

    @api.model
    def _ensure(self, move):
        regime = move.company_id.finance_einvoice_regime
        einvoice = self.sudo().search([("move_id", "=", move.id), ("regime", "=", regime)])
        return einvoice or self.sudo().create({"move_id": move.id, "regime": regime})

    def _enqueue(self, filename, content, rule_sets, violations):
        """Store the version and put it into the outbox; a corrected version supersedes the rejected one."""
        self.ensure_one()
        version = self.env["finance.einvoice.version"]._add(self, filename, content, rule_sets)
        self._audit(
            "einvoice.validated",
            self.env._("Checked against the official rules (%s)", version.rule_sets),
            outcome="warning" if violations else "success",
            sha256=version.sha256,
            violations=[f"{item.rule}: {item.message}" for item in violations],
        )
        connection = self.company_id.finance_einvoice_connection_id
        regime = self._regime_model()
        exchange = self.env["finance.exchange"]._enqueue(
            connection,
            regime._operation,
            base64.b64decode(version.content),
            key=version.uuid,
            owner=self,
            document=self.move_id,
            correlation_id=self.correlation_id,
            parameters=regime._submission_parameters(self.move_id),
            payload_name=filename,
            supersedes=self._replaceable_exchange(),
        )
        version.exchange_id = exchange
        self._transition(
            lifecycle.SUBMITTED,
            self.env._(
                "Version %(number)s is on its way to %(name)s",
                number=version.number,
                name=connection.name,
            ),
            exchange_id=exchange.id,
            reasons=False,
        )

    def _replaceable_exchange(self):
        """The exchange of an earlier version that had no effect."""
        old = self.exchange_id
        return old if old.state in ("rejected", "failed") else None

    # -- what may be done to the invoice (E6) -------------------------------------------------------------------

    def _release(self):
        """The invoice is to be changed: allowed only while the authority does not hold it.

        :raises UserError: the authority holds the document or may hold it; says what to do instead.
        """
        for einvoice in self:
            if einvoice.state == lifecycle.ACCEPTED:
                raise UserError(
                    self.env._(
                        "%(invoice)s was accepted as %(reference)s and cannot be changed, cancelled or deleted. "
                        "Correct it with a credit note.",
                        invoice=einvoice.move_id.display_name,
                        reference=einvoice.reference,
                    )
                )
            if einvoice.state in lifecycle.OPEN:
                einvoice._withdraw()
            elif einvoice.state == lifecycle.REJECTED:
                einvoice._transition(
                    lifecycle.REMEDIATION, self.env._("Being corrected; post it to submit it again")
                )

    def _withdraw(self):
        """Take an exchange back that certainly had no effect."""
        exchange = self.exchange_id
        if exchange.maybe_sent or not exchange.try_lock_for_update():
            raise UserError(
                self.env._(
                    "%(invoice)s was sent and the platform has not answered yet (%(state)s). "
                    "Wait for the answer; it is asked for automatically.",
                    invoice=self.move_id.display_name,
                    state=exchange.status_text or exchange.state,
                )
            )
        if exchange.state == "failed":
            self._transition(
                lifecycle.REMEDIATION, self.env._("Being corrected; post it to submit it again")
            )
            return
        exchange._transition(
            "cancelled",
            self.env._("Taken back by %s before it was sent", self.env.user.name),
            next_step_at=False,
        )
        self._transition(lifecycle.DRAFT, self.env._("Taken back before it was sent"))

    # -- problems -----------------------------------------------------------------------------------------------

    def _connection_problems(self, move):
        if move.company_id.finance_einvoice_connection_id:
            return []
        return [
            Problem(
                code="FC-CONNECTION",
                message=self.env._(
                    "No connection to a platform is chosen for %s.", move.company_id.name
                ),
                hint=self.env._("A finance admin chooses it in Settings › Finance Connect."),
                model="res.company",
                record_id=move.company_id.id,
                field="finance_einvoice_connection_id",
                severity="fatal",
            )
        ]

    def _as_problem(self, move, regime, violation):
        model, record_id, field = regime._violation_target(move, violation)
        return Problem(
            code=violation.rule,
            message=violation.message,
            hint=violation.hint,
            model=model,
            record_id=record_id,
            field=field,
            severity=violation.severity,
        )

    @api.model
    def _raise_by_policy(self, problems):
        """Refuse to post where the company's policy says so; other findings stay visible on the e-invoice.

        :raises EinvoiceBlocked: with each problem in words and a button that opens the first record to mend.
        """
        blocking = [
            (move, problem)
            for move, problem in problems
            if problem.severity == "fatal"
            and move.company_id.finance_einvoice_validation == "block"
        ]
        if not blocking:
            return
        lines = [
            f"• {move.display_name}: {problem.message} {problem.hint} [{problem.code}]"
            for move, problem in blocking[:_SHOWN_PROBLEMS]
        ]
        if len(blocking) > _SHOWN_PROBLEMS:
            lines.append(self.env._("… and %s more", len(blocking) - _SHOWN_PROBLEMS))
        first = blocking[0][1]
        message = self.env._("This cannot be posted as an e-invoice yet:") + "\n" + "\n".join(lines)
        raise EinvoiceBlocked(message, self._open_action(first), self.env._("Open and correct"))

    def _open_action(self, problem):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Correct and save, then confirm again"),
            "res_model": problem.model,
            "res_id": problem.record_id,
            "views": [(False, "form")],
            "target": "new" if problem.model != "account.move" else "current",
        }
