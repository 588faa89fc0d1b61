-- What refuses a change, below the ORM. Re-runnable: repairs a trigger that was dropped or disabled.
-- ENABLE ALWAYS: they also fire under session_replication_role = replica.
CREATE OR REPLACE FUNCTION finance_audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $guard$
BEGIN
    RAISE EXCEPTION
        'Evidence is append-only: % on finance_audit.entry is refused. To correct something, '
        'record a further entry. To free space, export and uninstall as docs/audit.md says.',
        TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$guard$;

-- An INSERT of one's own may not let the columns say something else than the bytes.
CREATE OR REPLACE FUNCTION finance_audit.columns_agree() RETURNS trigger
LANGUAGE plpgsql AS $guard$
DECLARE
    told finance_audit.entry;
BEGIN
    told := jsonb_populate_record(
        NULL::finance_audit.entry, convert_from(NEW.canonical, 'UTF8')::jsonb);
    told.id := NEW.id;
    told.canonical := NEW.canonical;
    told.leaf_hash := NEW.leaf_hash;
    told.sensitive_hash := NEW.sensitive_hash;
    IF told IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION
            'The columns of entry % do not say what its canonical bytes say. Insert through '
            'finance.audit.entry, which reads the columns from the bytes.', NEW.uid
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$guard$;

DROP TRIGGER IF EXISTS entry_columns_agree ON finance_audit.entry;
CREATE TRIGGER entry_columns_agree BEFORE INSERT ON finance_audit.entry
    FOR EACH ROW EXECUTE FUNCTION finance_audit.columns_agree();

DROP TRIGGER IF EXISTS entry_refuse_row ON finance_audit.entry;
CREATE TRIGGER entry_refuse_row BEFORE UPDATE OR DELETE ON finance_audit.entry
    FOR EACH ROW EXECUTE FUNCTION finance_audit.refuse_change();

-- Also when no row matches: an attempt is an attempt.
DROP TRIGGER IF EXISTS entry_refuse_statement ON finance_audit.entry;
CREATE TRIGGER entry_refuse_statement BEFORE UPDATE OR DELETE ON finance_audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION finance_audit.refuse_change();

DROP TRIGGER IF EXISTS entry_refuse_truncate ON finance_audit.entry;
CREATE TRIGGER entry_refuse_truncate BEFORE TRUNCATE ON finance_audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION finance_audit.refuse_change();

ALTER TABLE finance_audit.entry ENABLE ALWAYS TRIGGER entry_columns_agree;
ALTER TABLE finance_audit.entry ENABLE ALWAYS TRIGGER entry_refuse_row;
ALTER TABLE finance_audit.entry ENABLE ALWAYS TRIGGER entry_refuse_statement;
ALTER TABLE finance_audit.entry ENABLE ALWAYS TRIGGER entry_refuse_truncate;

REVOKE ALL ON finance_audit.entry FROM PUBLIC;
REVOKE UPDATE, DELETE, TRUNCATE ON finance_audit.entry FROM CURRENT_USER;
