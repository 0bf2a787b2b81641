-- grain: one live post of the candidate window as of the end of ds
CREATE TABLE gold.post_features (
  post_id BIGINT NOT NULL COMMENT 'the post',
  author_id BIGINT COMMENT 'the author; null if unknown',
  {features:post},
  num_bookmarks BIGINT COMMENT 'bookmarks; not a feature, used by the simple score',
  num_opens BIGINT COMMENT 'engagements of type view, not impressions; not a feature, used by the simple score',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
