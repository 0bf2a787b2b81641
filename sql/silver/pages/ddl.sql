-- grain: one page (latest version)
CREATE TABLE silver.pages (
  page_id BIGINT NOT NULL COMMENT 'the page',
  owner_id BIGINT NOT NULL COMMENT 'the user who writes as this page',
  name STRING NOT NULL COMMENT 'shown to people',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the version kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
