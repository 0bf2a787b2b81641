-- grain: one candidate with its score per head and its value as of the end of ds
CREATE TABLE gold.scored_candidates (
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'the author; null if unknown',
  p_like FLOAT COMMENT 'calibrated probability of a like if the post is shown; all heads are null if no model scored it',
  p_comment FLOAT COMMENT 'calibrated probability of a comment if the post is shown',
  p_share FLOAT COMMENT 'calibrated probability of a share if the post is shown',
  p_hide FLOAT COMMENT 'calibrated probability of a hide if the post is shown',
  p_report FLOAT COMMENT 'calibrated probability of a report if the post is shown',
  dwell_s FLOAT COMMENT 'expected seconds',
  value_score FLOAT NOT NULL COMMENT 'expected value per impression, discounted by quality (contracts/value.py); without a model, the simple score',
  model_version STRING NOT NULL COMMENT 'what scored it, as in gold.promotions: a model, or simple-score',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
