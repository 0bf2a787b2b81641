-- check: one_model_a_night critical
SELECT ds FROM gold_content_models
GROUP BY ds HAVING COUNT(DISTINCT content_version) > 1 OR COUNT(DISTINCT num_buckets) > 1;

-- check: finite_and_equally_long critical
WITH widest AS (SELECT ds, MAX(SIZE(vector)) AS width, MAX(SIZE(votes)) AS num_topics FROM gold_content_models GROUP BY ds)
SELECT model.bucket FROM gold_content_models AS model
JOIN widest ON widest.ds = model.ds
WHERE SIZE(vector) <> width OR SIZE(votes) <> num_topics
  OR EXISTS(CONCAT(vector, votes), x -> x IS NULL OR ISNAN(x) OR ABS(x) = FLOAT('infinity'));

-- check: some_model_is_there warning
SELECT 'no content model fitted by this night' AS problem FROM (SELECT COUNT(*) AS words FROM gold_content_models WHERE ds <= :ds)
WHERE words = 0;
