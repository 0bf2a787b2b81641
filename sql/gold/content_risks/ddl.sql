-- grain: one text of a post, as judged in one night; judged again by new label models
CREATE TABLE gold.content_risks (
  post_id BIGINT NOT NULL COMMENT 'the post that was judged',
  text_at TIMESTAMP NOT NULL COMMENT 'text_at of the reading in gold.content_embeddings',
  clickbait FLOAT NOT NULL COMMENT 'probability; without a model, the share of all posts',
  nsfw FLOAT NOT NULL COMMENT 'likewise',
  misinformation FLOAT NOT NULL COMMENT 'likewise',
  label_version STRING NOT NULL COMMENT 'models of gold.label_models that judged it',
  ds DATE NOT NULL COMMENT 'night in which it was judged'
) USING DELTA PARTITIONED BY (ds)
