-- Statements of the audit addon at run time. What creates and guards the tables is in the numbered files.
-- A log is the entries of one company (its id) or, as log 0, of no company.

-- ENTRIES --------------------------------------------------------------------------------------------

-- name: append
-- Insert entries, one for each pair of two parallel arrays. The columns are read from the canonical bytes.
INSERT INTO finance_audit.entry (
    uid, created_at, company_id, user_id, real_user_id, user_login, source, action, outcome,
    summary, record_model, record_id, record_name, document_model, document_id, document_name,
    correlation_id, sensitive_hash, canonical, leaf_hash
)
SELECT
    stated.uid, stated.created_at, stated.company_id, stated.user_id, stated.real_user_id,
    stated.user_login, stated.source, stated.action, stated.outcome, stated.summary,
    stated.record_model, stated.record_id, stated.record_name, stated.document_model,
    stated.document_id, stated.document_name, stated.correlation_id, stated.sensitive_hash,
    given.canonical, given.leaf_hash
FROM unnest(%(canonical)s::bytea[], %(leaf_hash)s::bytea[])
    WITH ORDINALITY AS given(canonical, leaf_hash, place)
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::finance_audit.entry, convert_from(given.canonical, 'UTF8')::jsonb
) AS stated
ORDER BY given.place

-- name: clock
-- Return the time of the database, and whether the table of entries exists.
SELECT clock_timestamp(), to_regclass('finance_audit.entry') IS NOT NULL

-- name: is_uninstalling
-- Tell whether the addon is being uninstalled in this transaction.
SELECT EXISTS (
    SELECT FROM ir_module_module
     WHERE name = 'finance_audit' AND state IN ('to remove', 'uninstalled'))

-- name: logs
-- Return all logs that have entries. The recursion leaps from one log to the next through the index.
WITH RECURSIVE logs AS (
    SELECT min(COALESCE(company_id, 0)) AS log_id FROM finance_audit.entry
    UNION ALL
    SELECT (SELECT min(COALESCE(company_id, 0)) FROM finance_audit.entry
             WHERE COALESCE(company_id, 0) > logs.log_id)
      FROM logs WHERE logs.log_id IS NOT NULL
)
SELECT log_id FROM logs WHERE log_id IS NOT NULL ORDER BY log_id

-- name: first_entry_time
-- Return when the first entry of a log was written, in the order of sealing: one step into the index.
SELECT created_at AT TIME ZONE 'UTC' FROM finance_audit.entry
 WHERE COALESCE(company_id, 0) = %(log_id)s ORDER BY COALESCE(company_id, 0), xact, id LIMIT 1

-- name: oldest_entry_time
-- Return the time of the oldest entry of a log, whatever its position. Reads the whole log.
SELECT min(created_at AT TIME ZONE 'UTC') FROM finance_audit.entry
 WHERE COALESCE(company_id, 0) = %(log_id)s

-- name: role_holders
-- Return (role id, user id) of all active users who hold a role of the suite, directly or by another group.
WITH RECURSIVE granting AS (
    SELECT res_id AS role_id, res_id AS group_id FROM ir_model_data
     WHERE model = 'res.groups' AND module LIKE 'finance\_%'
    UNION
    SELECT granting.role_id, implied.gid
      FROM granting JOIN res_groups_implied_rel AS implied ON implied.hid = granting.group_id
)
SELECT DISTINCT granting.role_id, membership.uid
  FROM granting
  JOIN res_groups_users_rel AS membership ON membership.gid = granting.group_id
  JOIN res_users AS member ON member.id = membership.uid AND member.active
 WHERE EXISTS (SELECT FROM res_groups WHERE id = granting.role_id)

-- SEALS ----------------------------------------------------------------------------------------------

-- name: lock_log
-- Take a log for sealing until the transaction ends; false if another sealer has it.
SELECT pg_try_advisory_xact_lock(%(lock)s, %(log_id)s)

-- name: cluster
-- Return what distinguishes this cluster of PostgreSQL from the one a dump came from.
SELECT system_identifier::text FROM pg_control_system()

-- name: last_seal
-- Return where the last seal of a log ended.
SELECT size, frontier, resume_xact::text, resume_id, floor_id, cluster
  FROM finance_audit.seal WHERE log_id = %(log_id)s ORDER BY size DESC LIMIT 1

-- name: highest_sealed_id
-- Return the highest entry id that a seal of the log contains.
SELECT COALESCE(max(high_id), 0) FROM finance_audit.seal WHERE log_id = %(log_id)s

-- name: read_index_in_order
-- Make the planner read the index in its own order. Without statistics it would rather sort all that is
-- unsealed for every seal.
SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off

-- name: unsealed
-- Return the entries that the next seal takes, how many there are and since when, and up to which
-- transaction everything had ended when this statement ran. One statement, one snapshot. What is excluded
-- was sealed although an older transaction was open; NOT IN is looked up in a hash table and keeps the order
-- of the index, so that LIMIT ends the scan. The sealing lag is read without the entries themselves.
SELECT
    CASE WHEN %(with_entries)s THEN array_agg(fresh.id ORDER BY fresh.xact, fresh.id)::text END,
    CASE WHEN %(with_entries)s
         THEN string_agg(fresh.leaf_hash, ''::bytea ORDER BY fresh.xact, fresh.id) END,
    count(*),
    min(fresh.id),
    max(fresh.id),
    min(fresh.created_at AT TIME ZONE 'UTC'),
    pg_snapshot_xmin(pg_current_snapshot())::text
FROM (
    SELECT entry.id, entry.xact, entry.leaf_hash, entry.created_at FROM finance_audit.entry
     WHERE COALESCE(entry.company_id, 0) = %(log_id)s
       AND (entry.xact, entry.id) > (%(resume_xact)s::text::xid8, %(resume_id)s)
       AND entry.id > %(floor_id)s
       AND entry.id NOT IN (
           SELECT unnest(entry_ids) FROM finance_audit.seal
            WHERE log_id = %(log_id)s AND newest_xact >= %(resume_xact)s::text::xid8
              AND (newest_xact, entry_ids[size - first_position])
                  > (%(resume_xact)s::text::xid8, %(resume_id)s)
              AND (cluster = %(cluster)s OR %(moved)s))
     ORDER BY entry.xact, entry.id
     LIMIT %(limit)s
) AS fresh

-- name: transaction_of_entry
-- Return the transaction that wrote an entry.
SELECT xact::text FROM finance_audit.entry WHERE id = %(entry_id)s

-- name: add_seal
-- Store a seal.
INSERT INTO finance_audit.seal (
    log_id, first_position, size, entry_ids, leaf_hashes, frontier, root, low_id, high_id,
    newest_xact, resume_xact, resume_id, floor_id, cluster
) VALUES (
    %(log_id)s, %(first_position)s, %(size)s, %(entry_ids)s::bigint[], %(leaf_hashes)s, %(frontier)s,
    %(root)s, %(low_id)s, %(high_id)s, %(newest_xact)s::text::xid8, %(resume_xact)s::text::xid8,
    %(resume_id)s, %(floor_id)s, %(cluster)s
)

-- CHECKPOINTS AND ANCHORS ----------------------------------------------------------------------------

-- name: tree_head
-- Return size and root of a log as sealed last.
SELECT size, root FROM finance_audit.seal WHERE log_id = %(log_id)s ORDER BY size DESC LIMIT 1

-- name: sealed_sizes
-- Return the sealed size of logs; what is not sealed yet is left out.
SELECT wanted.log_id, head.size
  FROM unnest(%(logs)s) AS wanted(log_id)
 CROSS JOIN LATERAL (SELECT size FROM finance_audit.seal
                      WHERE seal.log_id = wanted.log_id ORDER BY size DESC LIMIT 1) AS head
 ORDER BY wanted.log_id

-- name: last_checkpoint
-- Return the head of a log as signed last.
SELECT size, origin, key_ids, root, note FROM finance_audit.checkpoint
 WHERE log_id = %(log_id)s ORDER BY id DESC LIMIT 1

-- name: add_checkpoint
-- Store a signed checkpoint.
INSERT INTO finance_audit.checkpoint (log_id, size, root, origin, key_ids, note, signed_at)
VALUES (%(log_id)s, %(size)s, %(root)s, %(origin)s, %(key_ids)s, %(note)s, %(signed_at)s)

-- name: add_signing_key
-- Store a public key; return a row only when the key is new.
INSERT INTO finance_audit.signing_key (log_id, origin, verifier_key)
VALUES (%(log_id)s, %(origin)s, %(verifier_key)s)
ON CONFLICT DO NOTHING RETURNING id

-- name: checkpoint_to_anchor
-- Return the newest checkpoint of a log unless the target has it already.
SELECT newest.id, newest.origin, newest.size, newest.note
  FROM (SELECT * FROM finance_audit.checkpoint WHERE log_id = %(log_id)s ORDER BY id DESC LIMIT 1) AS newest
 WHERE NOT EXISTS (
       SELECT FROM finance_audit.anchor
        WHERE checkpoint_id = newest.id AND target_id = %(target_id)s)

-- name: add_anchor
-- Store that a checkpoint was copied to a target, with the timestamp of the authority if there is one.
INSERT INTO finance_audit.anchor
    (checkpoint_id, log_id, size, kind, target_id, target, token, stated_at)
VALUES (%(checkpoint_id)s, %(log_id)s, %(size)s, %(kind)s, %(target_id)s, %(target)s, %(token)s, %(stated_at)s)

-- name: last_anchor_time
-- Return when a log was anchored last.
SELECT max(created_at AT TIME ZONE 'UTC') FROM finance_audit.anchor WHERE log_id = %(log_id)s

-- READING A LOG --------------------------------------------------------------------------------------

-- name: signed_head
-- Return size and origin of a log as signed last.
SELECT size, origin FROM finance_audit.checkpoint WHERE log_id = %(log_id)s ORDER BY id DESC LIMIT 1

-- name: sealed_bytes
-- Return the canonical bytes of the seals that touch a range of positions, in order; NULL where an entry is missing.
SELECT entry.canonical
  FROM finance_audit.seal
 CROSS JOIN LATERAL unnest(seal.entry_ids) WITH ORDINALITY AS placed(id, place)
  LEFT JOIN finance_audit.entry ON entry.id = placed.id
 WHERE seal.log_id = %(log_id)s AND seal.size > %(start)s AND seal.first_position < %(end)s
 ORDER BY seal.size, placed.place

-- name: sealed_hashes
-- Return the leaf hashes of the seals that touch a range of positions.
SELECT first_position, leaf_hashes FROM finance_audit.seal
 WHERE log_id = %(log_id)s AND size > %(start)s AND first_position < %(end)s ORDER BY size

-- name: notes
-- Return the signed checkpoints of a log, in order.
SELECT note FROM finance_audit.checkpoint WHERE log_id = %(log_id)s ORDER BY id

-- name: anchored_notes
-- Return the anchored checkpoints of a log with their timestamps, smallest first.
SELECT anchor.kind, anchor.target, anchor.stated_at, checkpoint.note,
       encode(anchor.token, 'base64') AS token
  FROM finance_audit.anchor JOIN finance_audit.checkpoint ON checkpoint.id = anchor.checkpoint_id
 WHERE anchor.log_id = %(log_id)s ORDER BY anchor.size, anchor.id

-- name: verifier_keys
-- Return the public keys that signed a log, in the order of their first use.
SELECT verifier_key FROM finance_audit.signing_key WHERE log_id = %(log_id)s ORDER BY id

-- name: origins
-- Return the origins of a log: more than one after the database was copied.
SELECT origin FROM finance_audit.checkpoint WHERE log_id = %(log_id)s GROUP BY origin ORDER BY min(id)

-- name: entries_in_scope
-- Return the sealed entries of a log that an export is about, with their positions.
SELECT seal.first_position + array_position(seal.entry_ids, entry.id) - 1 AS position,
       entry.canonical, entry.uid::text
  FROM finance_audit.entry
  JOIN finance_audit.seal ON seal.log_id = COALESCE(entry.company_id, 0)
   AND seal.high_id >= entry.id AND seal.low_id <= entry.id AND entry.id = ANY (seal.entry_ids)
 WHERE COALESCE(entry.company_id, 0) = %(log_id)s AND seal.size <= %(size)s
   AND (%(scope)s = 'everything'
        OR (%(scope)s = 'period' AND entry.created_at >= %(from)s::timestamptz AND entry.created_at < %(to)s::timestamptz)
        OR (%(scope)s = 'document' AND entry.document_model = %(model)s::text AND entry.document_id = %(number)s::bigint))
 ORDER BY position

-- name: counts_in_scope
-- Return how many entries of a log an export is about, by action and outcome.
SELECT action, outcome, count(*), min(created_at), max(created_at) FROM finance_audit.entry
 WHERE COALESCE(company_id, 0) = %(log_id)s
   AND (%(scope)s = 'everything'
        OR (%(scope)s = 'period' AND entry.created_at >= %(from)s::timestamptz AND entry.created_at < %(to)s::timestamptz)
        OR (%(scope)s = 'document' AND entry.document_model = %(model)s::text AND entry.document_id = %(number)s::bigint))
 GROUP BY action, outcome ORDER BY action, outcome

-- VERIFICATION ---------------------------------------------------------------------------------------

-- name: changed_columns
-- Return the first entry whose columns or leaf hash do not agree with its bytes. Lists show the columns, the
-- proof is over the bytes.
SELECT entry.uid::text
  FROM finance_audit.entry
 CROSS JOIN LATERAL jsonb_populate_record(
     entry, convert_from(entry.canonical, 'UTF8')::jsonb) AS stated
 WHERE COALESCE(entry.company_id, 0) = %(log_id)s
   AND (stated IS DISTINCT FROM entry OR entry.leaf_hash <> sha256('\x00'::bytea || entry.canonical))
 ORDER BY entry.id LIMIT 1

-- name: skipped_entry
-- Return the first entry that no seal contains although entries written a day later are sealed: only the removal
-- of seals has this effect. EXCEPT compares by hashing or sorting, whatever the planner expects; as an
-- anti-join the comparison becomes quadratic, since nothing tells how many ids the arrays contain.
SELECT entry.uid::text
  FROM finance_audit.entry
 WHERE entry.id = (
    SELECT min(skipped.id) FROM (
        SELECT id FROM finance_audit.entry
         WHERE COALESCE(company_id, 0) = %(log_id)s
           AND created_at < (SELECT max(sealed_at) FROM finance_audit.seal
                              WHERE log_id = %(log_id)s) - interval '1 day'
        EXCEPT
        SELECT unnest(entry_ids) FROM finance_audit.seal WHERE log_id = %(log_id)s
    ) AS skipped)

-- ERASABLE PARTS -------------------------------------------------------------------------------------

-- name: add_erasable
-- Store the encrypted part of an entry.
INSERT INTO finance_audit.erasable (uid, log_id, ciphertext, written_at)
VALUES (%(uid)s, %(log_id)s, %(ciphertext)s, %(written_at)s)

-- name: read_erasable
-- Return the encrypted parts of entries.
SELECT uid::text, ciphertext FROM finance_audit.erasable WHERE uid = ANY (%(uids)s::uuid[])

-- name: erase
-- Delete the parts of entries.
DELETE FROM finance_audit.erasable WHERE uid = ANY (%(uids)s::uuid[]) RETURNING uid::text, log_id

-- name: erase_older
-- Delete the parts of a log that are older than a number of days.
DELETE FROM finance_audit.erasable
 WHERE log_id = %(log_id)s AND written_at < now() - make_interval(days => %(days)s)
RETURNING uid::text, log_id

-- PROTECTION -----------------------------------------------------------------------------------------

-- name: table_exists
-- Tell whether the table of entries exists.
SELECT to_regclass('finance_audit.entry') IS NOT NULL

-- name: owns_tables
-- Tell whether the role of the application owns the tables, or may act for their owner.
SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'finance_audit.entry'::regclass

-- name: is_superuser
-- Tell whether the role of the application is a superuser of PostgreSQL.
SELECT rolsuper FROM pg_roles WHERE rolname = current_user

-- name: triggers
-- Return the guard triggers, the functions they call and whether they are enabled.
SELECT t.tgname, p.proname, t.tgenabled
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'finance_audit'::regnamespace AND NOT t.tgisinternal
   AND starts_with(t.tgname, c.relname || '_')

-- name: functions
-- Return the guard functions with their source.
SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'finance_audit'::regnamespace

-- name: constraints
-- Return the validated constraints.
SELECT conname FROM pg_constraint
 WHERE connamespace = 'finance_audit'::regnamespace AND convalidated

-- name: change_privileges
-- Return the privileges to change evidence that the role of the application holds.
SELECT CASE relname WHEN 'entry' THEN kind ELSE relname || ':' || kind END
  FROM pg_class, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS kind
 WHERE relnamespace = 'finance_audit'::regnamespace AND relkind = 'r'
   AND has_table_privilege(oid, kind) AND (relname, kind) <> ('erasable', 'DELETE')

-- name: row_guards
-- Return the triggers that guard rows of other addons: table, name, function called and whether they are enabled.
SELECT c.relname, t.tgname, n.nspname || '.' || p.proname, t.tgenabled
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND starts_with(t.tgname, 'finance_guard_')

-- name: table_columns
-- Return the columns of tables.
SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = ANY(%(tables)s) GROUP BY table_name

-- name: guard_function_exists
-- Tell whether the function that guards rows exists.
SELECT to_regprocedure('finance_audit.guard_row()') IS NOT NULL

-- name: last_protection_entry
-- Return the last entry about the protection; the partial index has these only.
SELECT convert_from(canonical, 'UTF8') FROM finance_audit.entry
 WHERE action LIKE 'audit.protection.%' ORDER BY id DESC LIMIT 1

-- UNINSTALLATION -------------------------------------------------------------------------------------

-- name: drop
-- Drop the evidence and its views.
DROP VIEW IF EXISTS public.finance_audit_entry, public.finance_audit_anchor, public.finance_audit_checkpoint;
DROP SCHEMA IF EXISTS finance_audit CASCADE
