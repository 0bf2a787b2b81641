-- check: nobody_is_suggested_a_friend critical
SELECT s.user_id, s.suggested_id FROM gold_people_suggestions AS s
JOIN silver_friendships AS f ON f.user_id = s.user_id AND f.friend_id = s.suggested_id
WHERE s.ds = :ds
  AND f.received_at < :as_of
  AND f.valid_from < :as_of
  AND (f.valid_to IS NULL OR f.valid_to > :as_of);

-- check: nobody_is_suggested_whom_a_block_keeps_apart critical
WITH apart AS (
  SELECT user_id, blocked_id FROM silver_blocks
  WHERE received_at < :as_of
    AND valid_from < :as_of
    AND (valid_to IS NULL OR valid_to > :as_of)
)
SELECT s.user_id, s.suggested_id FROM gold_people_suggestions AS s
JOIN (SELECT user_id, blocked_id FROM apart UNION ALL SELECT blocked_id, user_id FROM apart) AS b
  ON b.user_id = s.user_id AND b.blocked_id = s.suggested_id
WHERE s.ds = :ds;

-- check: nobody_is_suggested_to_themself critical
SELECT user_id FROM gold_people_suggestions WHERE ds = :ds AND user_id = suggested_id;

-- check: ranks_count_from_one critical
SELECT user_id, COUNT(*) AS suggestions, MAX(rank) AS lowest FROM gold_people_suggestions
WHERE ds = :ds
GROUP BY user_id
HAVING MAX(rank) <> COUNT(*) OR MIN(rank) <> 1;
