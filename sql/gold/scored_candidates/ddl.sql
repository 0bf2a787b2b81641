-- grain: one candidate with its score per head and its value as of the end of ds
CREATE TABLE gold.scored_candidates (
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'who wrote it; null where nobody knows',
  p_like FLOAT COMMENT 'calibrated probability that the viewer, shown it, answers with a like; null, as all of these, where no model scored it',
  p_comment FLOAT COMMENT 'calibrated probability that the viewer, shown it, answers with a comment',
  p_share FLOAT COMMENT 'calibrated probability that the viewer, shown it, answers with a share',
  p_hide FLOAT COMMENT 'calibrated probability that the viewer, shown it, answers with a hide',
  p_report FLOAT COMMENT 'calibrated probability that the viewer, shown it, answers with a report',
  dwell_s FLOAT COMMENT 'expected seconds',
  value_score FLOAT NOT NULL COMMENT 'expected value per impression, of decent quality (contracts/value.py); without a model, the simple score',
  model_version STRING NOT NULL COMMENT 'who scored it, as gold.promotions says: a model, or simple-score',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
