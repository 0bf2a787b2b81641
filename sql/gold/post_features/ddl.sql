-- grain: one live post of the candidate window as of the end of ds
CREATE TABLE gold.post_features (
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT NOT NULL COMMENT 'who wrote it',
  {features:post},
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
