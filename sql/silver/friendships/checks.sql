-- check: both_directions critical
SELECT one.user_id, one.friend_id, one.valid_from
FROM silver_friendships AS one
ANTI JOIN silver_friendships AS other
  ON other.user_id = one.friend_id
  AND other.friend_id = one.user_id
  AND other.valid_from = one.valid_from
  AND other.valid_to IS NOT DISTINCT FROM one.valid_to;
