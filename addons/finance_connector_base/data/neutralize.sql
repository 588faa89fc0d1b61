-- A copy of the database must not act for the company: secrets are removed, production becomes test, the queue is emptied.
DELETE FROM finance_credential;
UPDATE finance_connection
   SET environment = CASE environment WHEN 'production' THEN 'test' ELSE environment END,
       state = 'paused',
       webhook_token = NULL,
       webhook_token_sha256 = NULL,
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
       resolution = CASE WHEN c.exchange_id IS NULL THEN 'ended' ELSE 'cancelled' END,
       closing = '{"code": "connection.database_neutralized", "severity": "info"}',
       resolved_at = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE c.state = 'open'
   AND (c.exchange_id IS NULL
        OR EXISTS (SELECT 1 FROM finance_exchange e WHERE e.id = c.exchange_id AND e.state = 'cancelled'));
UPDATE finance_webhook_event
   SET state = 'ignored',
       result = '{"code": "connection.database_neutralized", "severity": "info"}',
       next_try_at = NULL
 WHERE state = 'received';
UPDATE finance_feed SET token = NULL, lease_until = NULL;
