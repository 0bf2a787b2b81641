-- check: refused_share_of_the_day warning
WITH landed AS (
  SELECT count(*) AS num_events FROM bronze_events WHERE landing_date = :ds AND event_type IN ('engagement', 'reaction', 'moderation')
),
refused AS (
  SELECT count(*) AS num_events FROM bronze_quarantine WHERE landing_date = :ds AND writer = 'silver.engagements' AND reason <> 'withheld_post'
)
SELECT refused.num_events AS num_refused, landed.num_events AS num_landed
FROM landed CROSS JOIN refused
WHERE refused.num_events > :max_quarantined_share * landed.num_events;
