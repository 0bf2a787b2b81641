-- check: ranks_are_dense critical
SELECT user_id, count(*) AS num_posts, max(rank) AS last_rank
FROM gold_ranked_feeds
WHERE ds = :ds
GROUP BY user_id
HAVING count(*) <> max(rank) OR min(rank) <> 1;

-- check: every_ranked_post_was_scored_for_its_user critical
SELECT ranked.user_id, ranked.post_id
FROM gold_ranked_feeds AS ranked
ANTI JOIN gold_scored_candidates AS scored
  ON scored.user_id = ranked.user_id AND scored.post_id = ranked.post_id AND scored.ds = ranked.ds
WHERE ranked.ds = :ds;

-- check: most_users_with_candidates_have_a_pool warning
SELECT counts.num_candidates, counts.num_pools
FROM (
  SELECT
    (SELECT count(DISTINCT user_id) FROM gold_feed_candidates WHERE ds = :ds) AS num_candidates,
    (SELECT count(DISTINCT user_id) FROM gold_ranked_feeds WHERE ds = :ds) AS num_pools
) AS counts
WHERE counts.num_pools < 0.99 * counts.num_candidates;
