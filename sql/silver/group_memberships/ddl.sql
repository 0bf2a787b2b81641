-- grain: one interval of the edge; user is a member of group
CREATE TABLE silver.group_memberships (
  user_id BIGINT NOT NULL COMMENT 'the member',
  group_id BIGINT NOT NULL COMMENT 'the group',
  valid_from TIMESTAMP NOT NULL COMMENT 'event time of the opening event',
  valid_to TIMESTAMP COMMENT 'null while the edge lasts; valid_from if a closing ended no interval',
  end_known_at TIMESTAMP COMMENT 'when the end was received; null while the edge lasts',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the event that opened the interval',
  known_at TIMESTAMP COMMENT 'when the first event at valid_from was received; it ends an earlier interval'
) USING DELTA
