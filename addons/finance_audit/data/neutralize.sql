-- A copy must neither anchor on behalf of the original nor send emails to its auditors.
UPDATE finance_audit_anchor_target SET active = false;
