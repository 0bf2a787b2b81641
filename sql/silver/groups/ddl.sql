-- grain: one group (latest version)
CREATE TABLE silver.groups (
  group_id BIGINT NOT NULL,
  owner_id BIGINT NOT NULL,
  name STRING NOT NULL,
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL
) USING DELTA
