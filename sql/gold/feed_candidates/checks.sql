-- check: nobody_is_offered_their_own_posts critical
SELECT user_id, post_id
FROM gold_feed_candidates
WHERE ds = :ds AND user_id = author_id;

-- check: sources_begin_with_the_source_type critical
SELECT user_id, post_id, source_type, sources
FROM gold_feed_candidates
WHERE ds = :ds AND (size(sources) = 0 OR first_of(sources) <> source_type);

-- check: candidates_have_post_features critical
SELECT candidates.user_id, candidates.post_id
FROM gold_feed_candidates AS candidates
ANTI JOIN gold_post_features AS features
  ON features.post_id = candidates.post_id AND features.ds = candidates.ds
WHERE candidates.ds = :ds;
