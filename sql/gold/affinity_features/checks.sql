-- check: nobody_meets_themselves critical
SELECT user_id FROM gold_affinity_features
WHERE ds = :ds AND user_id = author_id;

-- check: friendship_is_symmetric critical
SELECT a.user_id, a.author_id FROM gold_affinity_features AS a
ANTI JOIN gold_affinity_features AS b
  ON b.ds = :ds AND b.user_id = a.author_id AND b.author_id = a.user_id AND b.is_friend = 1
WHERE a.ds = :ds AND a.is_friend = 1;
