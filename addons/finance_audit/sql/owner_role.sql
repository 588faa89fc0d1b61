-- Protection by a second role: the evidence belongs to finance_audit_owner, a role without login. Odoo's role can
-- read and insert, and delete erasable parts, but not drop, disable or replace anything. To be run once by an
-- administrator of PostgreSQL, and again after an upgrade that adds tables:
--
--     psql -d DATABASE -c "SET finance_audit.application_role = 'odoo'" -f owner_role.sql
DO $owner$
DECLARE
    application text := current_setting('finance_audit.application_role');
    item record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'finance_audit_owner') THEN
        CREATE ROLE finance_audit_owner NOLOGIN;
    END IF;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = application) THEN
        RAISE WARNING 'Role % is a superuser of PostgreSQL: no privilege restricts it.', application;
    END IF;
    ALTER SCHEMA finance_audit OWNER TO finance_audit_owner;
    EXECUTE format('REVOKE ALL ON SCHEMA finance_audit FROM PUBLIC, %I', application);
    EXECUTE format('GRANT USAGE ON SCHEMA finance_audit TO %I', application);
    FOR item IN
        SELECT oid::regclass AS name, relname FROM pg_class
         WHERE relnamespace = 'finance_audit'::regnamespace AND relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO finance_audit_owner', item.name);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %I', item.name, application);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO %I', item.name, application);
        IF item.relname = 'erasable' THEN
            EXECUTE format('GRANT DELETE ON %s TO %I', item.name, application);
        END IF;
    END LOOP;
    FOR item IN
        SELECT oid::regprocedure AS name FROM pg_proc
         WHERE pronamespace = 'finance_audit'::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO finance_audit_owner', item.name);
    END LOOP;
END
$owner$;
