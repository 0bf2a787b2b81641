-- check: refused_share_of_the_day warning
WITH refused AS (
  SELECT source, line, reason, detail FROM bronze_quarantine WHERE landing_date = :ds AND writer = 'silver.impressions' AND reason <> 'withheld_post'
),
counted AS (
  SELECT
    (SELECT count(*) FROM refused) AS num_refused,
    (SELECT count(*) FROM bronze_events WHERE landing_date = :ds AND event_type IN ('impression')) AS num_landed
)
SELECT refused.source, refused.line, refused.reason, counted.num_refused, counted.num_landed, refused.detail
FROM refused CROSS JOIN counted
WHERE num_refused > :max_quarantined_share * num_landed
  AND (num_refused >= :min_quarantined_lines OR num_refused = num_landed)
ORDER BY source, line;

-- check: a_day_with_impressions warning
SELECT :ds AS day, 'dataset.json says has_impressions: true, and nothing was shown on this day' AS problem
FROM (SELECT count(*) AS num_shown FROM silver_impressions WHERE event_date = :ds) AS shown
WHERE :has_impressions AND shown.num_shown = 0;
