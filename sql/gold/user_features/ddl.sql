-- grain: one user as of the end of ds
CREATE TABLE gold.user_features (
  user_id BIGINT NOT NULL COMMENT 'the user',
  {features:user},
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
