-- check: every_known_user_has_a_row critical
SELECT u.user_id FROM silver_users AS u
ANTI JOIN gold_user_features AS f ON f.user_id = u.user_id AND f.ds = :ds
WHERE u.valid_from < :as_of AND u.received_at < :as_of;

-- check: vectors_are_whole_finite_and_in_range critical
SELECT user_id, ds FROM gold_user_features
WHERE ds BETWEEN date_sub(:ds, :training_days + 1) AND :ds AND NOT COALESCE(
  SIZE(topic_preference) = 50 AND all_between(topic_preference, -1, 1)
  AND SIZE(creator_affinity) = 8 AND all_between(creator_affinity, -1, 1),
  FALSE);
