-- check: the_night_has_one_row critical
SELECT role, num_rows
FROM (SELECT 'heavy' AS role, count(*) AS num_rows FROM gold_promotions WHERE ds = :ds AND role = 'heavy')
WHERE num_rows <> 1;

-- check: the_challenger_is_the_model_of_the_night critical
SELECT promotions.role, promotions.challenger, models.model_version
FROM gold_promotions AS promotions
LEFT JOIN (SELECT model_version FROM gold_models WHERE ds = :ds AND COALESCE(role, 'heavy') = 'heavy') AS models
  ON TRUE
WHERE promotions.ds = :ds AND promotions.challenger IS DISTINCT FROM models.model_version;

-- check: the_verdict_says_who_scores critical
SELECT verdict, model_version, challenger, champion, baseline
FROM gold_promotions
WHERE ds = :ds AND NOT CASE verdict
  WHEN 'promoted' THEN model_version IS NOT DISTINCT FROM challenger AND baseline IS NOT NULL
  WHEN 'untrained' THEN model_version = 'simple-score' AND challenger IS NULL
  ELSE challenger IS NOT NULL AND (model_version = 'simple-score' OR model_version IS NOT DISTINCT FROM champion)
END;

-- check: the_simple_score_has_no_checkpoint critical
SELECT model_version, path
FROM gold_promotions
WHERE ds = :ds AND (model_version = 'simple-score') <> (path IS NULL);

-- check: the_new_model_serves warning
SELECT verdict, reason
FROM gold_promotions
WHERE ds = :ds AND verdict IN ('rejected', 'unproven');

-- check: the_champion_could_be_compared warning
SELECT why_not_champion
FROM gold_promotions
WHERE ds = :ds AND why_not_champion IS NOT NULL;
