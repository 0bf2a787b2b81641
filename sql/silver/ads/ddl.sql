-- grain: one ad (latest version): a post that a campaign promotes to some users
CREATE TABLE silver.ads (
  ad_id BIGINT NOT NULL COMMENT 'the ad',
  campaign_id BIGINT NOT NULL COMMENT 'the campaign that pays',
  post_id BIGINT NOT NULL COMMENT 'the promoted post',
  bid DOUBLE NOT NULL COMMENT 'offered for one click',
  quality DOUBLE NOT NULL COMMENT 'in [0, 1], as the platform rates it; 1 if it does not',
  frequency_cap INT COMMENT 'most impressions per user and day UTC; null without a cap',
  countries ARRAY<STRING> NOT NULL COMMENT 'targeted countries as in silver.users; empty: all',
  interests ARRAY<STRING> NOT NULL COMMENT 'targeted interests, one of which a user must have; empty: all users',
  min_age INT COMMENT 'youngest targeted age in years',
  max_age INT COMMENT 'oldest targeted age in years',
  is_active BOOLEAN NOT NULL COMMENT 'false while the advertiser pauses it',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the version kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
