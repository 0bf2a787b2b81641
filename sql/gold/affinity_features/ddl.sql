-- grain: one viewer and author who are connected or have interacted, as of the end of ds; sparse
CREATE TABLE gold.affinity_features (
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  author_id BIGINT NOT NULL COMMENT 'the author',
  {features:pair},
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
