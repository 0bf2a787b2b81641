-- check: nobody_is_offered_their_own_posts critical
SELECT user_id, post_id
FROM gold_feed_candidates
WHERE ds = :ds AND user_id = author_id;

-- check: the_source_type_is_that_of_the_first_source critical
SELECT user_id, post_id, source_type, sources
FROM gold_feed_candidates
WHERE ds = :ds AND (size(sources) = 0 OR type_of_source(first_of(sources)) <> source_type);

-- check: candidates_have_post_features critical
SELECT candidates.user_id, candidates.post_id
FROM gold_feed_candidates AS candidates
ANTI JOIN gold_post_features AS features
  ON features.post_id = candidates.post_id AND features.ds = candidates.ds
WHERE candidates.ds = :ds;
