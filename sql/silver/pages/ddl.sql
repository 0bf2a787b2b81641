-- grain: one page (latest version)
CREATE TABLE silver.pages (
  page_id BIGINT NOT NULL,
  owner_id BIGINT NOT NULL COMMENT 'the user who writes as this page',
  name STRING NOT NULL,
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL
) USING DELTA
