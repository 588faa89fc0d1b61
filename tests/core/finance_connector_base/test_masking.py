"""No secret and no whole identifier reaches a log."""

import io
import logging

import pytest
from odoo.addons.finance_connector_base.core.security.masking import (
    SECRET_NAMES,
    MaskingFilter,
    StatementFilter,
    mask,
)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "form", ["{n}: {s}", "{n}={s}", '"{n}": "{s}"', "'{n}': '{s}'", "a=1&{n}={s}&b=2"]
)
def test_values_of_secret_names_are_hidden(name, form):
    secret = "s3cr3t-Value.42"
    assert secret not in mask(form.format(n=name, s=secret))
    assert secret not in mask(form.format(n=name.upper(), s=secret))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic"])
def test_authorization_headers_are_hidden(scheme):
    masked = mask(f"Authorization: {scheme} eyJhbGciOi.abc_def-123")
    assert "eyJhbGciOi" not in masked
    assert "abc_def" not in masked


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("iban FR7630006000011234567890189", "FR7630006000011234567890189"),
        ("vat FR32123456782 of", "FR32123456782"),
        ("vat DE136695976", "DE136695976"),
        ("siren 732829320", "732829320"),
        ("siret 73282932000074", "73282932000074"),
    ],
)
def test_identifiers_are_shortened(text, whole):
    masked = mask(text)
    assert whole not in masked
    assert masked.split()[0] == text.split()[0]


def test_ordinary_words_stay():
    text = "exchange 42 of INV/2026/00007 was accepted after 3 tries in 120 ms"
    assert mask(text) == text


def test_a_logger_with_the_filter_masks_its_arguments(caplog):
    logger = logging.getLogger("masking-test")
    logger.addFilter(MaskingFilter())
    with caplog.at_level(logging.INFO, "masking-test"):
        logger.info("token endpoint said %s", {"access_token": "abcdef123456"})
    assert "abcdef123456" not in caplog.text
    assert "token endpoint said" in caplog.text


def test_f21_tracebacks_are_masked_too():
    seen = io.StringIO()
    logger = logging.getLogger("test.f21")
    handler = logging.StreamHandler(seen)
    logger.addHandler(handler)
    logger.addFilter(MaskingFilter())
    try:
        raise ValueError("client_secret=hunter2-hunter2")
    except ValueError:
        logger.exception("failed")
    assert "ValueError" in seen.getvalue()
    assert "hunter2" not in seen.getvalue()


def test_f21_lines_about_refused_statements_are_masked():
    record = logging.LogRecord(
        "odoo.sql_db",
        logging.ERROR,
        "",
        0,
        "bad query: %s",
        ("INSERT finance_x token=abcdef12",),
        None,
    )
    assert StatementFilter().filter(record)
    assert "abcdef12" not in record.getMessage()
