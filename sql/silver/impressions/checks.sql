-- check: refused_share_of_the_day warning
WITH landed AS (
  SELECT count(*) AS num_events FROM bronze_events WHERE landing_date = :ds AND event_type IN ('impression')
),
refused AS (
  SELECT count(*) AS num_events FROM bronze_quarantine WHERE landing_date = :ds AND writer = 'silver.impressions' AND reason <> 'withheld_post'
)
SELECT refused.num_events AS num_refused, landed.num_events AS num_landed
FROM landed CROSS JOIN refused
WHERE refused.num_events > :max_quarantined_share * landed.num_events;

-- check: a_day_with_impressions warning
SELECT :ds AS day, 'dataset.json says has_impressions: true, and nothing was shown on this day' AS problem
FROM (SELECT count(*) AS num_shown FROM silver_impressions WHERE event_date = :ds) AS shown
WHERE :has_impressions AND shown.num_shown = 0;
