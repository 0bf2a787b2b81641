-- grain: one interval during which the edge held; user is a member of group
CREATE TABLE silver.group_memberships (
  user_id BIGINT NOT NULL,
  group_id BIGINT NOT NULL,
  valid_from TIMESTAMP NOT NULL,
  valid_to TIMESTAMP COMMENT 'null while the edge holds',
  end_known_at TIMESTAMP COMMENT 'when the end had been received; null while the edge holds',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the event that opened the interval'
) USING DELTA
