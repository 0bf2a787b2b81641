-- check: refused_share_of_the_day critical
-- A line of an erased user is no sign of bad input.
WITH accepted AS (SELECT count(*) AS num_lines FROM bronze_events WHERE landing_date = :ds),
refused AS (
  SELECT count(*) AS num_lines FROM bronze_quarantine
  WHERE landing_date = :ds AND writer = 'bronze.events' AND reason <> 'erased_user'
)
SELECT refused.num_lines AS num_refused, accepted.num_lines AS num_accepted
FROM accepted CROSS JOIN refused
WHERE refused.num_lines > :max_quarantined_share * (accepted.num_lines + refused.num_lines);

-- check: refused_share_of_all_days critical
WITH accepted AS (SELECT count(*) AS num_lines FROM bronze_events WHERE landing_date <= :ds),
refused AS (
  SELECT count(*) AS num_lines FROM bronze_quarantine
  WHERE landing_date <= :ds AND writer = 'bronze.events' AND reason <> 'erased_user'
)
SELECT refused.num_lines AS num_refused, accepted.num_lines AS num_accepted
FROM accepted CROSS JOIN refused
WHERE refused.num_lines > :max_quarantined_share * (accepted.num_lines + refused.num_lines);

-- check: a_line_is_accepted_or_refused critical
SELECT accepted.source, accepted.line
FROM bronze_events AS accepted
INNER JOIN bronze_quarantine AS refused
  ON refused.landing_date = accepted.landing_date AND refused.source = accepted.source AND refused.line = accepted.line
WHERE accepted.landing_date = :ds AND refused.writer = 'bronze.events';
