-- check: every_candidate_is_scored critical
SELECT candidates.user_id, candidates.post_id
FROM gold_feed_candidates AS candidates
LEFT ANTI JOIN gold_scored_candidates AS scored
  ON scored.user_id = candidates.user_id AND scored.post_id = candidates.post_id AND scored.ds = candidates.ds
WHERE candidates.ds = :ds;

-- check: scored_by_the_model_of_the_night critical
SELECT scored.user_id, scored.post_id, scored.model_version
FROM gold_scored_candidates AS scored
LEFT ANTI JOIN gold_models AS models ON models.model_version = scored.model_version AND models.ds = scored.ds
WHERE scored.ds = :ds;
