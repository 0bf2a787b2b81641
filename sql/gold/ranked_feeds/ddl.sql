-- grain: one rank of one user's pool as of the end of ds
CREATE TABLE gold.ranked_feeds (
  user_id BIGINT NOT NULL,
  rank INT NOT NULL COMMENT '1-based',
  post_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  source_type STRING NOT NULL,
  source_id BIGINT NOT NULL,
  content_type STRING NOT NULL,
  privacy STRING NOT NULL,
  created_at TIMESTAMP NOT NULL,
  value_score FLOAT NOT NULL,
  reason STRING NOT NULL COMMENT 'one of contracts.epochs.REASONS',
  is_exploration BOOLEAN NOT NULL,
  propensity DOUBLE NOT NULL COMMENT 'probability of this post at this rank; 1 outside exploration slots',
  ds DATE NOT NULL
) USING DELTA PARTITIONED BY (ds)
