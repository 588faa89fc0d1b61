-- A copy must not anchor in the name of the original, nor send mails to its auditors.
UPDATE finance_audit_anchor_target SET active = false;
