-- check: every_place_has_its_own_post critical
SELECT label FROM gold_labelling_queue
WHERE ds = :ds GROUP BY label HAVING COUNT(*) <> MAX(rank) OR COUNT(*) <> COUNT(DISTINCT post_id);

-- check: others_may_see_it critical
SELECT queue.post_id FROM gold_labelling_queue AS queue
ANTI JOIN silver_posts AS post
  ON post.post_id = queue.post_id AND NOT post.is_deleted AND is_shared(post.privacy)
WHERE queue.ds = :ds;
