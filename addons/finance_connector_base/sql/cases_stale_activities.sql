SELECT activity.id
  FROM mail_activity activity
  JOIN finance_case ON finance_case.id = activity.res_id AND finance_case.state = 'resolved'
 WHERE activity.res_model = 'finance.case' AND activity.automated AND activity.active
 LIMIT %(limit)s
