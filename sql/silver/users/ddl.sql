-- grain: one version of a user (SCD2)
CREATE TABLE silver.users (
  user_id BIGINT NOT NULL COMMENT 'the user',
  name STRING NOT NULL COMMENT 'shown to people',
  gender STRING COMMENT 'female, male, other, or null if unknown',
  birth_year INT COMMENT 'null if unknown',
  country STRING COMMENT 'as the source gives it',
  is_verified BOOLEAN NOT NULL COMMENT 'whether the platform has verified the account',
  interests ARRAY<STRING> NOT NULL COMMENT 'chosen at onboarding; names of contracts.features.TOPICS',
  locale STRING COMMENT 'language and country, for example de-DE; null if unknown',
  feed_preferences ARRAY<STRING> COMMENT 'preferences for the feed; words of contracts.landing.FEED_PREFERENCES',
  signup_at TIMESTAMP NOT NULL COMMENT 'when the account was made',
  valid_from TIMESTAMP NOT NULL COMMENT 'event time of this version',
  valid_to TIMESTAMP COMMENT 'event time of the next version; null on the current one',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of this version',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
