-- check: post_exists_before_it_is_shown critical
SELECT example_id FROM gold_training_examples
WHERE post_created_at > shown_at AND ds BETWEEN date_sub(:ds, 30) AND :ds;

-- check: likes_before_the_instant_recounted critical
-- One example in 16 of the newest days, counted again word for word: a like is visible if it happened before the
-- instant and was received by then.
WITH sampled AS (
  SELECT example_id, post_id, shown_at, num_prior_likes
  FROM gold_training_examples
  WHERE ds BETWEEN date_sub(:ds, 3) AND :ds AND substring(md5(example_id), 1, 1) = '0'
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
  SIZE(user_topic_preference) = 50 AND all_between(user_topic_preference, -1, 1)
  AND SIZE(user_creator_affinity) = 8 AND all_between(user_creator_affinity, -1, 1)
  AND SIZE(post_content_embedding) = 50 AND all_between(post_content_embedding, -1.001, 1.001)
  AND SIZE(post_read_topics) = 10 AND all_between(post_read_topics, 0, 1)
  AND SIZE(post_language) = 6 AND all_between(post_language, 0, 1)
  AND SIZE(post_creator_sketch) = 8 AND all_between(post_creator_sketch, -1, 1),
  FALSE);
