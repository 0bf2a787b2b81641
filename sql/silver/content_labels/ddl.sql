-- grain: one post, labeller and label: the verdict of a person or fact checker on a post
CREATE TABLE silver.content_labels (
  post_id BIGINT NOT NULL COMMENT 'the post that was judged',
  labeller_id STRING NOT NULL COMMENT 'who judged it, as the source names them',
  labeller_type STRING NOT NULL COMMENT 'human or fact_checker',
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation',
  value BOOLEAN NOT NULL COMMENT 'whether the post has the label',
  confidence DOUBLE COMMENT 'in [0, 1], as stated by the labeller; null if not stated',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the verdict kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the verdict kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
