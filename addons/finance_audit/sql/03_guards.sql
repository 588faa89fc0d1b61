-- What refuses changes, independently of the ORM. Re-runnable: repairs a trigger that was dropped or disabled.
-- The bodies of the functions are compared with the database at every start; a change is reported as one.
-- ENABLE ALWAYS: they also fire under session_replication_role = replica.
CREATE OR REPLACE FUNCTION finance_audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $guard$
BEGIN
    RAISE EXCEPTION
        'Evidence is append-only: % on finance_audit.% is refused. To correct something, '
        'record a further entry. To free space, export and uninstall as docs/audit.md says.',
        TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$guard$;

-- No INSERT may store columns that contradict the bytes.
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
    -- Nobody chooses the transaction: the sealer finds new entries by it.
    NEW.xact := pg_current_xact_id();
    told.xact := NEW.xact;
    IF told IS DISTINCT FROM NEW THEN
        RAISE EXCEPTION
            'The columns of entry % do not say what its canonical bytes say. Insert through '
            'finance.audit.entry, which reads the columns from the bytes.', NEW.uid
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$guard$;

-- Refuses a change of evidence in tables of the other addons; core/evidence_rows.py derives the triggers that call it,
-- and their WHEN clauses say what is refused. Two changes pass: retention empties purgeable columns, provided that an
-- entry of this transaction names the record; and PostgreSQL empties a reference whose target was deleted.
CREATE OR REPLACE FUNCTION finance_audit.guard_row() RETURNS trigger
LANGUAGE plpgsql AS $guard$
DECLARE
    purgeable text[] := TG_ARGV[0]::text[];
    detachable text[] := TG_ARGV[1]::text[];
    before jsonb;
    after jsonb;
    changed text[];
BEGIN
    IF TG_OP = 'UPDATE' AND cardinality(purgeable || detachable) > 0 THEN
        before := to_jsonb(OLD) - ARRAY['write_uid', 'write_date', 'purged_at'];
        after := to_jsonb(NEW) - ARRAY['write_uid', 'write_date', 'purged_at'];
        changed := ARRAY(SELECT key FROM jsonb_each(before) WHERE value IS DISTINCT FROM after -> key);
        IF changed <@ detachable AND pg_trigger_depth() > 1
           AND NOT EXISTS (SELECT FROM unnest(changed) AS name WHERE after -> name <> 'null'::jsonb) THEN
            RETURN NEW;
        END IF;
        IF changed <@ purgeable
           AND NOT EXISTS (SELECT FROM unnest(changed) AS name WHERE after -> name <> 'null'::jsonb)
           AND EXISTS (SELECT FROM finance_audit.entry
                        WHERE record_model = TG_ARGV[2] AND record_id = (before ->> TG_ARGV[3])::bigint
                          AND action = 'retention.purged' AND xact = pg_current_xact_id()) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION
        'Evidence is append-only: % on %.% is refused (%).',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$guard$;

DROP TRIGGER IF EXISTS entry_columns_agree ON finance_audit.entry;
CREATE TRIGGER entry_columns_agree BEFORE INSERT ON finance_audit.entry
    FOR EACH ROW EXECUTE FUNCTION finance_audit.columns_agree();

ALTER TABLE finance_audit.entry ENABLE ALWAYS TRIGGER entry_columns_agree;

-- Refuses rows, statements (also those that match no row) and TRUNCATE. Erasable parts may be deleted, but not
-- replaced.
DO $guards$
DECLARE
    guarded text;
    row_events text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['entry', 'seal', 'checkpoint', 'signing_key', 'anchor', 'erasable']
    LOOP
        row_events := CASE guarded WHEN 'erasable' THEN 'UPDATE' ELSE 'UPDATE OR DELETE' END;
        EXECUTE format(
            'DROP TRIGGER IF EXISTS %1$I_refuse_row ON finance_audit.%1$I;
             DROP TRIGGER IF EXISTS %1$I_refuse_statement ON finance_audit.%1$I;
             DROP TRIGGER IF EXISTS %1$I_refuse_truncate ON finance_audit.%1$I;
             CREATE TRIGGER %1$I_refuse_row BEFORE %2$s ON finance_audit.%1$I
                 FOR EACH ROW EXECUTE FUNCTION finance_audit.refuse_change();
             CREATE TRIGGER %1$I_refuse_statement BEFORE %2$s ON finance_audit.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION finance_audit.refuse_change();
             CREATE TRIGGER %1$I_refuse_truncate BEFORE TRUNCATE ON finance_audit.%1$I
                 FOR EACH STATEMENT EXECUTE FUNCTION finance_audit.refuse_change();
             ALTER TABLE finance_audit.%1$I ENABLE ALWAYS TRIGGER %1$I_refuse_row;
             ALTER TABLE finance_audit.%1$I ENABLE ALWAYS TRIGGER %1$I_refuse_statement;
             ALTER TABLE finance_audit.%1$I ENABLE ALWAYS TRIGGER %1$I_refuse_truncate;
             REVOKE ALL ON finance_audit.%1$I FROM PUBLIC;
             REVOKE UPDATE, TRUNCATE ON finance_audit.%1$I FROM CURRENT_USER;',
            guarded, row_events);
        IF guarded <> 'erasable' THEN
            EXECUTE format('REVOKE DELETE ON finance_audit.%I FROM CURRENT_USER', guarded);
        END IF;
    END LOOP;
END
$guards$;
