-- check: no_deleted_post critical
SELECT f.post_id FROM gold_post_features AS f
JOIN silver_posts AS p ON p.post_id = f.post_id
WHERE f.ds = :ds AND p.is_deleted
  AND COALESCE(p.deleted_at, p.updated_at) < :as_of
  AND COALESCE(p.deletion_received_at, GREATEST(p.updated_at, p.received_at)) < :as_of;

-- check: every_text_was_read warning
SELECT f.post_id FROM gold_post_features AS f
ANTI JOIN gold_content_embeddings AS c ON c.post_id = f.post_id
WHERE f.ds = :ds;

-- check: vectors_are_whole_finite_and_in_range critical
SELECT post_id FROM gold_post_features
WHERE ds = :ds AND NOT COALESCE(
  SIZE(content_embedding) = 50 AND all_between(content_embedding, -1.001, 1.001)
  AND SIZE(read_topics) = 10 AND all_between(read_topics, 0, 1)
  AND SIZE(language) = 6 AND all_between(language, 0, 1)
  AND SIZE(creator_sketch) = 8 AND all_between(creator_sketch, -1, 1),
  FALSE);
