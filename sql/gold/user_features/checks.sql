-- check: every_known_user_has_a_row critical
SELECT u.user_id FROM silver_users AS u
LEFT ANTI JOIN gold_user_features AS f ON f.user_id = u.user_id AND f.ds = :ds
WHERE u.valid_from < timestamp(date_add(:ds, 1)) AND u.received_at < timestamp(date_add(:ds, 1));

-- check: vectors_are_whole_finite_and_in_range critical
SELECT user_id, ds FROM gold_user_features
WHERE ds BETWEEN date_sub(:ds, :training_days + 1) AND :ds AND NOT COALESCE(
  SIZE(topic_preference) = 50 AND FORALL(topic_preference, x -> x BETWEEN -1 AND 1)
  AND SIZE(creator_affinity) = 8 AND FORALL(creator_affinity, x -> x BETWEEN -1 AND 1),
  FALSE);
