-- grain: one group (latest version)
CREATE TABLE silver.groups (
  group_id BIGINT NOT NULL COMMENT 'the group',
  owner_id BIGINT NOT NULL COMMENT 'the user who runs it',
  name STRING NOT NULL COMMENT 'shown to people',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the version kept',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA
