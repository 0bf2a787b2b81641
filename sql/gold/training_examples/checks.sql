-- check: post_exists_before_it_is_shown critical
SELECT example_id FROM gold_training_examples
WHERE post_created_at > shown_at AND ds BETWEEN date_sub(:ds, 30) AND :ds;

-- check: likes_before_the_instant_recounted critical
-- One example in 17 of the newest days, counted again word for word: a like is visible if it happened before the
-- instant and was received by then.
WITH sampled AS (
  SELECT example_id, post_id, shown_at, num_prior_likes
  FROM gold_training_examples
  WHERE ds BETWEEN date_sub(:ds, 3) AND :ds AND pmod(xxhash64(example_id), 17) = 0
)
SELECT s.example_id, first(s.num_prior_likes) AS written, count(e.engagement_id) AS recounted
FROM sampled AS s
LEFT JOIN silver_engagements AS e
  ON e.post_id = s.post_id
  AND e.engagement_type = 'like'
  AND e.ad_id IS NULL
  AND e.engaged_at < s.shown_at
  AND e.received_at <= s.shown_at
GROUP BY s.example_id
HAVING first(s.num_prior_likes) <> count(e.engagement_id);

-- check: vectors_are_whole_finite_and_in_range critical
SELECT example_id FROM gold_training_examples
WHERE ds BETWEEN date_sub(:ds, :training_days) AND :ds AND NOT COALESCE(
  SIZE(user_topic_preference) = 50 AND FORALL(user_topic_preference, x -> x BETWEEN -1 AND 1)
  AND SIZE(user_creator_affinity) = 8 AND FORALL(user_creator_affinity, x -> x BETWEEN -1 AND 1)
  AND SIZE(post_content_embedding) = 50 AND FORALL(post_content_embedding, x -> x BETWEEN -1.001 AND 1.001)
  AND SIZE(post_read_topics) = 10 AND FORALL(post_read_topics, x -> x BETWEEN 0 AND 1)
  AND SIZE(post_language) = 6 AND FORALL(post_language, x -> x BETWEEN 0 AND 1)
  AND SIZE(post_creator_sketch) = 8 AND FORALL(post_creator_sketch, x -> x BETWEEN -1 AND 1),
  FALSE);
