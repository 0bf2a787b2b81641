-- check: refused_share_of_the_day critical
-- A line of an erased user is no sign of bad input.
WITH refused AS (
  SELECT source, line, reason, detail FROM bronze_quarantine
  WHERE landing_date = :ds AND writer = 'bronze.events' AND reason <> 'erased_user'
),
counted AS (
  SELECT
    (SELECT count(*) FROM refused) AS num_refused,
    (SELECT count(*) FROM bronze_events WHERE landing_date = :ds) AS num_accepted
)
SELECT refused.source, refused.line, refused.reason, counted.num_refused, counted.num_accepted, refused.detail
FROM refused CROSS JOIN counted
WHERE num_refused > :max_quarantined_share * (num_accepted + num_refused)
  AND (num_refused >= :min_quarantined_lines OR num_accepted = 0)
ORDER BY source, line;

-- check: refused_share_of_all_days critical
-- A line of an erased user is no sign of bad input.
WITH refused AS (
  SELECT source, line, reason, detail FROM bronze_quarantine
  WHERE landing_date <= :ds AND writer = 'bronze.events' AND reason <> 'erased_user'
),
counted AS (
  SELECT
    (SELECT count(*) FROM refused) AS num_refused,
    (SELECT count(*) FROM bronze_events WHERE landing_date <= :ds) AS num_accepted
)
SELECT refused.source, refused.line, refused.reason, counted.num_refused, counted.num_accepted, refused.detail
FROM refused CROSS JOIN counted
WHERE num_refused > :max_quarantined_share * (num_accepted + num_refused)
  AND (num_refused >= :min_quarantined_lines OR num_accepted = 0)
ORDER BY source, line;

-- check: a_line_is_accepted_or_refused critical
SELECT accepted.source, accepted.line
FROM bronze_events AS accepted
INNER JOIN bronze_quarantine AS refused
  ON refused.landing_date = accepted.landing_date AND refused.source = accepted.source AND refused.line = accepted.line
WHERE accepted.landing_date = :ds AND refused.writer = 'bronze.events';
