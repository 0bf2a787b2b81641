-- grain: one candidate with its score per head and its value as of the end of ds
CREATE TABLE gold.scored_candidates (
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'who wrote it; null where nobody knows',
  p_like FLOAT NOT NULL COMMENT 'calibrated probability that the viewer, shown it, answers with a like',
  p_comment FLOAT NOT NULL COMMENT 'calibrated probability that the viewer, shown it, answers with a comment',
  p_share FLOAT NOT NULL COMMENT 'calibrated probability that the viewer, shown it, answers with a share',
  p_hide FLOAT NOT NULL COMMENT 'calibrated probability that the viewer, shown it, answers with a hide',
  p_report FLOAT NOT NULL COMMENT 'calibrated probability that the viewer, shown it, answers with a report',
  dwell_s FLOAT NOT NULL COMMENT 'expected seconds',
  value_score FLOAT NOT NULL COMMENT 'expected value per impression, fresh and of decent quality (contracts/value.py)',
  model_version STRING NOT NULL COMMENT 'model of gold.models that scored it',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
