-- Store what became of exchanges whose rows are locked. A claim's token ends with the step that carried it.
UPDATE finance_exchange e
   SET state = c.state,
       state_since = CASE WHEN c.moved THEN t.now ELSE e.state_since END,
       reason = c.reason,
       next_step_at = t.now + c.due_in * interval '1 second',
       send_count = c.send_count,
       tries = c.tries,
       step_count = c.step_count,
       maybe_sent = c.maybe_sent,
       in_doubt = c.in_doubt,
       reference = c.reference,
       findings = COALESCE(c.findings, e.findings),
       answered_at = CASE WHEN c.answered THEN t.now ELSE e.answered_at END,
       sent_at = CASE WHEN c.sent THEN t.now ELSE e.sent_at END,
       claim_token = c.token,
       worker_id = c.worker_id,
       owner_pending = e.owner_pending OR c.tell,
       owner_next_at = CASE WHEN c.tell THEN NULL ELSE e.owner_next_at END,
       write_date = t.now,
       write_uid = %(uid)s
  FROM jsonb_to_recordset(%(moves)s::jsonb) AS c(
           id int, state varchar, moved bool, reason varchar, due_in float8, send_count int, tries int,
           step_count int, maybe_sent bool, in_doubt bool, reference varchar, findings jsonb, answered bool,
           sent bool, token varchar, worker_id int, tell bool
       ),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 WHERE e.id = c.id
