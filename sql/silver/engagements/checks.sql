-- check: refused_share_of_the_day warning
WITH refused AS (
  SELECT source, line, reason, detail FROM bronze_quarantine WHERE landing_date = :ds AND writer = 'silver.engagements' AND reason <> 'withheld_post'
),
counted AS (
  SELECT
    (SELECT count(*) FROM refused) AS num_refused,
    (SELECT count(*) FROM bronze_events WHERE landing_date = :ds AND event_type IN ('engagement', 'reaction', 'moderation')) AS num_landed
)
SELECT refused.source, refused.line, refused.reason, counted.num_refused, counted.num_landed, refused.detail
FROM refused CROSS JOIN counted
WHERE num_refused > :max_quarantined_share * num_landed
  AND (num_refused >= :min_quarantined_lines OR num_refused = num_landed)
ORDER BY source, line;
