-- check: every_candidate_is_scored critical
-- If there is a light model, as many of each user as the heavy one scores.
SELECT candidates.user_id, count(*) AS candidates, count(scored.post_id) AS scored
FROM gold_feed_candidates AS candidates
LEFT JOIN gold_scored_candidates AS scored
  ON scored.user_id = candidates.user_id AND scored.post_id = candidates.post_id AND scored.ds = candidates.ds
WHERE candidates.ds = :ds
GROUP BY candidates.user_id
HAVING count(scored.post_id) < least(count(*), :heavy_candidates);

-- check: scored_by_who_scores_the_night critical
SELECT scored.user_id, scored.post_id, scored.model_version
FROM gold_scored_candidates AS scored
CROSS JOIN (SELECT max(model_version) AS model_version FROM gold_promotions
  WHERE ds = :ds AND role = 'heavy') AS night
WHERE scored.ds = :ds AND scored.model_version IS DISTINCT FROM night.model_version;

-- check: heads_are_null_without_a_model_only critical
SELECT user_id, post_id, model_version
FROM gold_scored_candidates
WHERE ds = :ds AND (p_like IS NULL OR p_comment IS NULL OR p_share IS NULL OR p_hide IS NULL OR p_report IS NULL
  OR dwell_s IS NULL) <> (model_version = 'simple-score');
