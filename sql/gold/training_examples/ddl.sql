-- grain: one impression whose label window has closed (or one sampled exposure, see exposure)
CREATE TABLE gold.training_examples (
  example_id STRING NOT NULL COMMENT 'impression id, or engagement id and negative number',
  user_id BIGINT NOT NULL COMMENT 'who was shown the post, or could have been',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'the author; null if unknown',
  shown_at TIMESTAMP NOT NULL COMMENT 'the instant t; all features are as of t',
  post_created_at TIMESTAMP NOT NULL COMMENT 'when the post was written',
  position INT COMMENT 'null for a sampled exposure, and if the log has none',
  exposure STRING NOT NULL COMMENT 'logged, or sampled if the source logs no impressions',
  propensity DOUBLE COMMENT 'logged propensity; null for a sampled exposure',
  weight FLOAT NOT NULL COMMENT 'weight of its labels: clipped 1 / examined at its position, with mean 1 over known positions; 1 if unknown (docs/propensities.md)',
  {features:example},
  label_like FLOAT NOT NULL COMMENT '1 if a like followed within the attribution window, else 0',
  label_comment FLOAT NOT NULL COMMENT '1 if a comment followed within the attribution window, else 0',
  label_share FLOAT NOT NULL COMMENT '1 if a share followed within the attribution window, else 0',
  label_hide FLOAT NOT NULL COMMENT '1 if a hide followed within the attribution window, else 0',
  label_report FLOAT NOT NULL COMMENT '1 if a report followed within the attribution window, else 0',
  label_dwell FLOAT NOT NULL COMMENT 'log1p of seconds',
  num_prior_likes BIGINT NOT NULL COMMENT 'likes of the post visible at shown_at; the popularity baseline',
  ds DATE NOT NULL COMMENT 'date of shown_at'
) USING DELTA PARTITIONED BY (ds)
