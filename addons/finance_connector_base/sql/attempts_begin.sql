-- One attempt per claimed exchange, with its fencing token, before any byte leaves (X4).
INSERT INTO finance_exchange_attempt (
    exchange_id, connection_id, company_id, token, step, started_at, is_late,
    create_uid, write_uid, create_date, write_date
)
SELECT c.exchange_id, c.connection_id, c.company_id, c.token, c.step, t.now, false,
       %(uid)s, %(uid)s, t.now, t.now
  FROM ROWS FROM (jsonb_to_recordset(%(attempts)s::jsonb) AS (
           exchange_id int, connection_id int, company_id int, token varchar, step varchar
       )) WITH ORDINALITY AS c(exchange_id, connection_id, company_id, token, step, place),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 ORDER BY c.place
RETURNING id, token
