   INSERT INTO finance_case (
          subject_key, exchange_id, connection_id, company_id, name, kind, finding, state, user_id, deadline,
          opened_at, document_model, document_id, document_name, correlation_id,
          create_uid, create_date, write_uid, write_date)
   SELECT r.subject_key, r.exchange_id, r.connection_id, r.company_id, r.name, r.kind, r.finding, 'open',
          COALESCE(r.user_id, owner.id),
          moment.now + make_interval(hours => COALESCE(company.finance_case_hours, %(hours)s)), moment.now,
          r.document_model, r.document_id, r.document_name, r.correlation_id,
          %(uid)s, moment.now, %(uid)s, moment.now
     FROM jsonb_to_recordset(%(rows)s) AS r(
              subject_key text, exchange_id int, connection_id int, company_id int, name text, kind text,
              finding jsonb, user_id int, document_model text, document_id int, document_name text,
              correlation_id text)
     JOIN res_company company ON company.id = r.company_id
     LEFT JOIN res_users owner ON owner.id = company.finance_case_user_id AND owner.active
    CROSS JOIN (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
    ORDER BY r.subject_key
       ON CONFLICT (subject_key) WHERE state = 'open'
       DO UPDATE SET kind = EXCLUDED.kind, finding = EXCLUDED.finding, write_date = EXCLUDED.write_date
    WHERE (finance_case.kind, finance_case.finding) IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.finding)
RETURNING id, name, subject_key, exchange_id, xmax = 0 AS is_new, user_id, deadline
