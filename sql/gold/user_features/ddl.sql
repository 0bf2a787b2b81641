-- grain: one user as of the end of ds
CREATE TABLE gold.user_features (
  user_id BIGINT NOT NULL COMMENT 'the user',
  {features:user},
  country STRING COMMENT 'of the profile, as the source gives it; no feature: examples of later nights make location of it',
  city_views ARRAY<STRUCT<city: STRING, views: BIGINT>> COMMENT 'impressions by city, most first; no feature: examples of later nights make city_..._ratio of it',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
