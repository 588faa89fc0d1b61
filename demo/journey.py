"""The sample run, unattended: one row per invoice; exit code 0 only if each is as expected."""

from sandbox.client import ControlClient

from .sample_run import SampleRun

_COLUMNS = (
    ("invoice", 20),
    ("company", 26),
    ("tax", 12),
    ("e-invoice", 10),
    ("authority's reference", 36),
    ("attempts", 8),
    ("audit", 5),
    ("", 4),
)


def main(stack) -> int:
    """Process the sample on a started installation and print the table."""
    sample = SampleRun(stack)
    sample.run()
    _print(*(title for title, _width in _COLUMNS))
    wrong = []
    for item, values in sample.rows():
        problems = _problems(item, values)
        wrong += [f"{values['name']}: {problem}" for problem in problems]
        _print(
            values["name"],
            values["company_id"][1],
            f"{values['amount_tax']} {values['currency_id'][1]}",
            values["einvoice_state"] or "–",
            values["einvoice_reference"] or "–",
            str(sample.attempts(values["id"]) or "–"),
            str(values["audit_entry_count"]),
            "ok" if not problems else "BAD",
        )
    wrong += _check_oracle(sample)
    for line in wrong:
        print(f"✗ {line}")
    if not wrong:
        print("✓ every invoice is as expected; the platform holds each filed one exactly once")
    return 1 if wrong else 0


def _problems(item, values):
    """Return how an invoice differs from what the sample expects."""
    problems = []
    if values["amount_tax"] != item.tax:
        problems.append(f"tax is {values['amount_tax']}, expected {item.tax}")
    if (values["einvoice_state"] or None) != item.state:
        problems.append(f"e-invoice is {values['einvoice_state']}, expected {item.state}")
    if item.state and not values["einvoice_reference"]:
        problems.append("the platform's reference is missing")
    if not values["audit_entry_count"]:
        problems.append("nothing in the audit log")
    return problems


def _check_oracle(sample):
    """Return the platform's own record: each submitted invoice once, the filed ones held."""
    control: ControlClient = sample.control
    submitted = [values for _item, values in sample.rows() if values["einvoice_state"]]
    names = {values["name"] for values in submitted}
    received = [item for item in control.oracle("afnor") if item["number"] in names]
    wrong = [
        f"the platform received {item['number']} {item['times_received']} times"
        for item in received
        if item["times_received"] != 1
    ]
    held = {item["reference"] for item in received if item["held"]}
    filed = {
        values["einvoice_reference"] for values in submitted if values["einvoice_state"] == "filed"
    }
    if held != filed:
        wrong.append(
            f"held by the platform and not by Odoo, or the other way round: {held ^ filed}"
        )
    return wrong


def _print(*cells):
    widths = [width for _title, width in _COLUMNS]
    print(
        "  ".join(
            str(cell)[:width].ljust(width) for cell, width in zip(cells, widths, strict=True)
        ).rstrip()
    )
