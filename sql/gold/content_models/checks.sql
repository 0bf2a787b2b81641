-- check: one_model_a_night critical
SELECT ds FROM gold_content_models
GROUP BY ds HAVING COUNT(DISTINCT content_version) > 1 OR COUNT(DISTINCT num_buckets) > 1 OR COUNT(DISTINCT encoder) > 1;

-- check: finite_and_equally_long critical
WITH whole AS (
  SELECT ds, MAX(encoder) AS encoder, MAX(SIZE(vector)) AS width, MAX(SIZE(votes)) AS num_topics
  FROM gold_content_models GROUP BY ds
)
SELECT model.bucket FROM gold_content_models AS model
JOIN whole ON whole.ds = model.ds
WHERE SIZE(vector) <> IF(model.encoder IS NOT DISTINCT FROM whole.encoder, width, 0)
  OR SIZE(votes) <> IF(model.encoder IS NULL, num_topics, 0)
  OR NOT COALESCE(all_finite(vector) AND all_finite(votes), FALSE);

-- check: some_word_is_known warning
SELECT 'no two texts share a word: a night without content features' AS problem
FROM (SELECT COUNT(*) AS words FROM gold_content_models WHERE ds <= :ds)
WHERE words = 0;
