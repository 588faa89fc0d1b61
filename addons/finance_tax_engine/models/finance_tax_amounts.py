"""The engine's amounts in Odoo's own tax lines, to the cent, in both currencies (T1).

The slot is ``account.move.line.extra_tax_data`` with ``manual_tax_amounts``. Odoo 19.0 uses it only
while currency, price, discount, quantity and the taxes of the line are those it was written for,
and it does not resynchronise tax lines when nothing but the slot changed: that is added here.
"""

from collections import defaultdict
from decimal import Decimal

from odoo import Command, models

from ..core.answers import by_line, tax_key
from ..core.errors import NoRule, NotCovered, TotalsDiffer
from ..core.rounding import to_company

#: In ``extra_tax_data``: the determination the amounts come from. Odoo ignores unknown keys.
MARK = "finance_determination"
ZERO = Decimal(0)


class FinanceTaxAmounts(models.AbstractModel):
    _name = "finance.tax.amounts"
    _description = "Engine amounts in Odoo's tax lines"

    # -- writing -------------------------------------------------------------------------------

    def _lines(self, move, document, answer):
        """Return product line → (tax ids, slot) for an answer. Missing Odoo taxes are created."""
        taxes = self.env["account.tax"]._finance_taxes_for(move, answer.details)
        details = by_line(answer)
        unit = self.env["finance.tax.engine"]._precision(move.company_id, move.currency_id).company
        records = {str(line.id): line for line in move._finance_lines()}
        lines = {}
        for line in document.lines:
            amounts = _amounts_by_tax(details[line.id], taxes)
            net_company = to_company(line.net_amount, document.currency_rate, unit)
            record = records[line.id]
            slot = {
                **_slot(record, amounts),
                "manual_total_excluded_currency": float(line.net_amount),
                "manual_total_excluded": float(net_company),
                "rate": move.invoice_currency_rate,
            }
            lines[record] = (tuple(tax.id for tax in amounts), slot)
        return lines

    def _native_lines(self, move):
        """Return the same for Odoo's own taxes: the product's, the account's, else the company's.

        A line for which Odoo has none is an error: a fallback must not become zero by accident.
        """
        default = move.company_id.account_sale_tax_id
        lines = {}
        for line in move._finance_lines():
            native = line._get_computed_taxes() or move.fiscal_position_id.map_tax(default)
            if not (native or default):
                raise NoRule("native", target="taxes", line=line.name)
            lines[line] = (tuple(native.ids), False)
        return lines

    def _write(self, outcomes):
        """Put taxes and slots on the product lines of all documents, in few writes.

        Called while Odoo synchronises lines, before it makes the tax lines from them.
        """
        groups, slots = defaultdict(list), {}
        for outcome in outcomes:
            for line, (ids, slot) in (outcome.lines or {}).items():
                if set(line.tax_ids.ids) != set(ids):
                    groups[ids].append(line.id)
                slots[line] = slot and {**slot, MARK: outcome.determination.id}
        lines = self.env["account.move.line"]
        retaxed = {ids: lines.browse(line_ids) for ids, line_ids in groups.items()}
        self._fill(slots, lines.concat(*retaxed.values()))
        for ids, group in retaxed.items():
            group.write({"tax_ids": [Command.set(ids)]})

    def _fill(self, slots, retaxed):
        """Give each line its own slot value.

        Writing lines one by one costs Odoo's whole line machinery a thousand times; filling the
        field and notifying its dependants once is what ``write`` does underneath.

        :param retaxed: lines whose taxes are written next. Their totals depend on both, and would
            be computed once with the new slot and the old taxes.
        """
        lines = self.env["account.move.line"].concat(*slots)
        lines.check_access("write")
        field = lines._fields["extra_tax_data"]
        for line, value in slots.items():
            field.write(line, value)
        (lines - retaxed).modified(["extra_tax_data"])

    def _in_place(self, move):
        """Return whether the lines still carry the amounts of the move's determination."""
        mark = move.finance_tax_determination_id.id
        for line in move._finance_lines():
            data = line.extra_tax_data or {}
            keys = {int(key) for key in data.get("manual_tax_amounts") or ()}
            if not mark or data.get(MARK) != mark or keys != set(line.tax_ids.ids):
                return False
        return True

    def _restore(self, move, determination):
        """Compare; where tax lines differ, as after an edit by hand, make them the engine's again.

        :raises TotalsDiffer: the document differs all the same
        """
        try:
            self._check(move, determination)
        except TotalsDiffer:
            container = {"records": move}
            with move._check_balanced(container), move._sync_dynamic_lines(container):
                self._recompute_tax_lines(move)
            self._check(move, determination)

    # -- keeping tax lines in step with the slot -------------------------------------------------

    def _slots(self, moves):
        """Return slot and taxes of each line of drafts that have an engine, to notice changes."""
        return {
            line: (line.extra_tax_data, line.tax_ids)
            for move in moves
            if move.state == "draft" and move.company_id._finance_has_tax_engine()
            for line in move.line_ids
            if line.display_type == "product"
        }

    def _resync(self, moves, before):
        """Recompute the tax lines of moves where only the slot changed: Odoo does not.

        Documents that have just been determined are compared, and recomputed, at their conclusion.
        """
        determined = self.env["finance.tax.service"]._work().outcomes
        after = self._slots(moves.exists().filtered(lambda move: move.id not in determined))
        changed = {
            line.move_id.id
            for line, (slot, taxes) in after.items()
            if line in before and before[line][0] != slot and before[line][1] == taxes
        }
        for move in moves.browse(changed):
            self._recompute_tax_lines(move)

    def _recompute_tax_lines(self, move):
        taxes, lines = self.env["account.tax"], self.env["account.move.line"]
        base, tax_lines = move._get_rounded_base_and_tax_lines(round_from_tax_lines=False)
        taxes._add_accounting_data_in_base_lines_tax_details(
            base, move.company_id, include_caba_tags=move.always_tax_exigible
        )
        results = taxes._prepare_tax_lines(base, move.company_id, tax_lines=tax_lines)
        for base_line, values in results["base_lines_to_update"]:
            _write_changed(base_line["record"], values)
        for tax_line, _key, values in results["tax_lines_to_update"]:
            _write_changed(tax_line["record"], values)
        gone = lines.concat(*(item["record"] for item in results["tax_lines_to_delete"]))
        gone.with_context(dynamic_unlink=True).unlink()  # Odoo's own permission to do so
        lines.create(
            [
                {**values, "display_type": "tax", "move_id": move.id}
                for values in results["tax_lines_to_add"]
            ]
        )

    # -- checking ------------------------------------------------------------------------------

    def _check(self, move, determination):
        """Refuse unless lines, jurisdictions and document equal the engine's, both currencies."""
        document, answer = determination._document(), determination._answer()
        unit = self.env["finance.tax.engine"]._precision(move.company_id, move.currency_id).company
        found, wanted = _ledger(move), _expected(document, answer, unit)
        wanted.update(_expected_taxes(answer, self._taxes_in_use(move)))
        if found == wanted:
            return
        for key in sorted(wanted.keys() | found.keys(), key=str):
            if wanted.get(key, (ZERO, ZERO)) != found.get(key, (ZERO, ZERO)):
                kind, subject = key if isinstance(key, tuple) else (key, "")
                names = {line.id: line.description for line in document.lines}
                raise TotalsDiffer(
                    kind,
                    subject=names.get(subject, subject),
                    expected=_shown(wanted.get(key)),
                    found=_shown(found.get(key)),
                    currencies=f"{move.currency_id.name} / {move.company_id.currency_id.name}",
                )

    def _taxes_in_use(self, move):
        """Return engine key without country → name, of the engine taxes on the lines."""
        return {
            tax.finance_tax_key.partition("|")[2]: tax.name
            # Of the lines that are compared. Those of the invoice alone would have to be read again.
            for tax in move.line_ids.filtered(_is_product).tax_ids.sudo()
            if tax.finance_tax_key
        }

    def _check_supported(self, move):
        """Refuse what Odoo offers and a tax from outside cannot be combined with."""
        included = move._finance_lines().tax_ids.filtered("price_include")
        if included:
            raise NotCovered("price_included", target="taxes", tax=included[0].name)
        term = move.invoice_payment_term_id
        if term.early_discount and term.early_pay_discount_computation == "mixed":
            raise NotCovered("early_discount", target="payment_term", term=term.name)


def _amounts_by_tax(details, taxes):
    """Return tax → (tax, company tax, taxable, company taxable) of one line; equal taxes add up."""
    amounts = defaultdict(lambda: (ZERO, ZERO, ZERO, ZERO))
    for detail in details:
        tax = taxes[tax_key(detail)]
        new = (detail.tax, detail.tax_company, detail.taxable, detail.taxable_company)
        amounts[tax] = tuple(a + b for a, b in zip(amounts[tax], new, strict=True))
    return dict(sorted(amounts.items(), key=lambda item: (item[0].sequence, item[0].id)))


def _slot(line, amounts):
    """Return the value Odoo reads: its floats, and what must not have changed for it to be used."""
    names = ("tax_amount_currency", "tax_amount", "base_amount_currency", "base_amount")
    return {
        "manual_tax_amounts": {
            str(tax.id): dict(zip(names, map(float, values), strict=True))
            for tax, values in amounts.items()
        },
        "currency_id": line.currency_id.id,
        "price_unit": line.price_unit,
        "discount": line.discount,
        "quantity": line.quantity,
    }


def _write_changed(record, values):
    """Write only what differs: most base lines stay as they are."""
    fields = record._fields
    if any(
        fields[name].convert_to_write(record[name], record) != value
        for name, value in values.items()
    ):
        record.write(values)


def _expected(document, answer, unit):
    """Return net and gross of lines and document, (document currency, company currency)."""
    expected, details = {}, by_line(answer)
    net_sum = net_company_sum = ZERO
    for line in document.lines:
        net_company = to_company(line.net_amount, document.currency_rate, unit)
        tax = sum((detail.tax for detail in details[line.id]), ZERO)
        expected["line", line.id] = (line.net_amount, net_company)
        expected["gross", line.id] = (line.net_amount + tax,)
        net_sum, net_company_sum = net_sum + line.net_amount, net_company_sum + net_company
    tax_company = sum((detail.tax_company for detail in answer.details), ZERO)
    expected["net"] = (net_sum, net_company_sum)
    expected["tax"] = (answer.total_tax(), tax_company)
    return expected


def _expected_taxes(answer, names):
    """Return the tax of each jurisdiction (and category and rate), by the name of its Odoo tax."""
    expected = defaultdict(lambda: (ZERO, ZERO))
    for detail in answer.details:
        key = "|".join(tax_key(detail))
        name = names.get(key, key)
        total, company = expected["jurisdiction", name]
        expected["jurisdiction", name] = (total + detail.tax, company + detail.tax_company)
    return expected


def _ledger(move):
    """Return the amounts of the document's own lines, in the shape of ``_expected``."""
    found = defaultdict(lambda: (ZERO, ZERO))
    sign = move.direction_sign
    for line in move.line_ids:
        amounts = (_exact(sign * line.amount_currency), _exact(sign * line.balance))
        if _is_product(line):
            found["line", str(line.id)] = amounts
            found["gross", str(line.id)] = (_exact(line.price_total),)
            _add(found, "net", amounts)
        elif line.display_type == "tax":
            _add(found, ("jurisdiction", line.tax_line_id.name), amounts)
            _add(found, "tax", amounts)
    return found


def _is_product(line):
    return line.display_type == "product"


def _add(found, key, amounts):
    found[key] = tuple(a + b for a, b in zip(found[key], amounts, strict=True))


def _exact(amount):
    """Return the amount Odoo's float stands for; no currency has more than six decimals."""
    return round(Decimal(amount), 6).normalize() + ZERO


def _shown(pair):
    return " / ".join(format(amount, "f") for amount in pair or (ZERO, ZERO))
