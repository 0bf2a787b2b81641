-- check: vectors_are_finite critical
SELECT post_id
FROM gold_post_embeddings
WHERE ds = :ds AND (NOT COALESCE(all_finite(embedding) AND all_finite(projection), FALSE)
  OR light_embedding IS NOT NULL AND NOT COALESCE(all_finite(light_embedding) AND all_finite(light_projection), FALSE));

-- check: every_post_has_a_vector critical
SELECT posts.post_id
FROM gold_post_features AS posts
ANTI JOIN gold_post_embeddings AS vectors ON vectors.post_id = posts.post_id AND vectors.ds = posts.ds
WHERE posts.ds = :ds AND EXISTS (SELECT 1 FROM gold_promotions AS promotions
  WHERE promotions.ds = :ds AND promotions.role = 'heavy' AND promotions.path IS NOT NULL);
