-- check: every_known_user_has_a_row critical
SELECT u.user_id FROM silver_users AS u
LEFT ANTI JOIN gold_user_features AS f ON f.user_id = u.user_id AND f.ds = :ds
WHERE u.valid_from < timestamp(date_add(:ds, 1)) AND u.received_at < timestamp(date_add(:ds, 1));
