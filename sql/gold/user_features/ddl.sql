-- grain: one user as of the end of ds
CREATE TABLE gold.user_features (
  user_id BIGINT NOT NULL COMMENT 'the user',
  {features:user},
  country STRING COMMENT 'of the profile, as the source gives it; not a feature: later nights derive location from it',
  city_views ARRAY<STRUCT<city: STRING, views: BIGINT>> COMMENT 'impressions by city, most first; not a feature: later nights derive city_..._ratio from it',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
