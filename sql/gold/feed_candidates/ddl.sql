-- grain: one post that may be ranked for one user as of the end of ds
CREATE TABLE gold.feed_candidates (
  user_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  source_type STRING NOT NULL COMMENT 'the first source that proposed it: friend, page, group, suggested',
  source_id BIGINT NOT NULL,
  sources ARRAY<STRING> NOT NULL COMMENT 'every source that proposed it',
  created_at TIMESTAMP NOT NULL,
  simple_score FLOAT NOT NULL,
  ds DATE NOT NULL
) USING DELTA PARTITIONED BY (ds)
