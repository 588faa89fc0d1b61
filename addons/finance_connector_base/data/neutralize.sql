-- A copy of the database must not speak for the company: secrets go, production becomes test, nothing waits to be sent.
DELETE FROM finance_credential;
UPDATE finance_connection
   SET environment = CASE environment WHEN 'production' THEN 'test' ELSE environment END,
       state = 'paused',
       callback_token = NULL,
       callback_token_sha256 = NULL,
       sealed_database = NULL;
UPDATE finance_exchange
   SET state = 'cancelled',
       status_code = 'exchange.neutralized',
       status_args = NULL,
       claim_token = NULL,
       worker_id = NULL
 WHERE state IN ('pending', 'held');
UPDATE finance_case c
   SET state = 'resolved',
       resolution = 'cancelled',
       reason = 'The database was neutralized',
       resolved_at = clock_timestamp() AT TIME ZONE 'UTC'
  FROM finance_exchange e
 WHERE e.id = c.exchange_id AND e.state = 'cancelled' AND c.state = 'open';
UPDATE finance_callback
   SET state = 'ignored',
       reason = 'The database was neutralized',
       next_try_at = NULL
 WHERE state = 'received';
