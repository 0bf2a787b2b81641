-- grain: one candidate with its score per head and its value as of the end of ds
CREATE TABLE gold.scored_candidates (
  user_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  p_like FLOAT NOT NULL,
  p_comment FLOAT NOT NULL,
  p_share FLOAT NOT NULL,
  p_hide FLOAT NOT NULL,
  p_report FLOAT NOT NULL,
  dwell_s FLOAT NOT NULL COMMENT 'expected seconds',
  value_score FLOAT NOT NULL,
  model_version STRING NOT NULL,
  ds DATE NOT NULL
) USING DELTA PARTITIONED BY (ds)
