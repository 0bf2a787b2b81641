-- grain: one post, labeller and label: what a person or a fact checker says of a post
CREATE TABLE silver.content_labels (
  post_id BIGINT NOT NULL COMMENT 'the post that was judged',
  labeller_id STRING NOT NULL COMMENT 'who judged it, as the source names them',
  labeller_type STRING NOT NULL COMMENT 'human or fact_checker',
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation',
  value BOOLEAN NOT NULL COMMENT 'whether the post is that',
  confidence DOUBLE COMMENT 'in [0, 1], as the labeller says; null where not said',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the verdict kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the verdict kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
