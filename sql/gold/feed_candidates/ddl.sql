-- grain: one post that may be ranked for one user as of the end of ds
CREATE TABLE gold.feed_candidates (
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'the author; null if unknown',
  source_type STRING NOT NULL COMMENT 'the first source that proposed it: friend, page, group, suggested',
  source_id BIGINT COMMENT 'of silver.posts: author, page or group',
  sources ARRAY<STRING> NOT NULL COMMENT 'every source that proposed it',
  created_at TIMESTAMP NOT NULL COMMENT 'when the post was written',
  simple_score FLOAT NOT NULL COMMENT 'first-stage score, by which the best are kept; not a probability',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
