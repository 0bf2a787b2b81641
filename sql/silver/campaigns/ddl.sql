-- grain: one advertising campaign (latest version)
CREATE TABLE silver.campaigns (
  campaign_id BIGINT NOT NULL COMMENT 'the campaign',
  advertiser_id BIGINT NOT NULL COMMENT 'the user who pays',
  name STRING NOT NULL COMMENT 'name given by the advertiser',
  budget DOUBLE NOT NULL COMMENT 'for the whole campaign, in the currency of the bids',
  daily_budget DOUBLE COMMENT 'most of it that may be spent on one day UTC; null without a bound',
  pacing STRING NOT NULL COMMENT 'even: spread over the day; asap: as fast as it can be spent',
  starts_at TIMESTAMP NOT NULL COMMENT 'start of showing its ads',
  ends_at TIMESTAMP COMMENT 'null for a campaign without end; then the budget ends it',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the version kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
