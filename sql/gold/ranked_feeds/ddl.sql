-- grain: one rank of one user's pool as of the end of ds
CREATE TABLE gold.ranked_feeds (
  user_id BIGINT NOT NULL COMMENT 'whose feed it is',
  rank INT NOT NULL COMMENT '1-based',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'the author; null if unknown',
  source_type STRING NOT NULL COMMENT 'as in gold.feed_candidates',
  source_id BIGINT COMMENT 'as in gold.feed_candidates',
  content_type STRING NOT NULL COMMENT 'status, photo, video or link',
  privacy STRING NOT NULL COMMENT 'privacy of the post when it was ranked',
  created_at TIMESTAMP NOT NULL COMMENT 'when the post was written',
  value_score FLOAT NOT NULL COMMENT 'as in gold.scored_candidates',
  reason STRING NOT NULL COMMENT 'one of contracts.epochs.REASONS',
  is_exploration BOOLEAN NOT NULL COMMENT 'whether it was drawn at random for this rank',
  propensity DOUBLE NOT NULL COMMENT 'probability of this post at this rank; 1 outside exploration slots',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
