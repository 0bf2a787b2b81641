-- grain: one interval of the edge; symmetric: both directions are stored
CREATE TABLE silver.friendships (
  user_id BIGINT NOT NULL COMMENT 'one of the two',
  friend_id BIGINT NOT NULL COMMENT 'the other',
  valid_from TIMESTAMP NOT NULL COMMENT 'event time of the opening event',
  valid_to TIMESTAMP COMMENT 'null while the edge lasts; valid_from if a closing ended no interval',
  end_known_at TIMESTAMP COMMENT 'when the end was received; null while the edge lasts',
  relation STRING COMMENT 'what the friend is to the user: friend or family; null if not given',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the event that opened the interval',
  known_at TIMESTAMP COMMENT 'when the first event at valid_from was received; it ends an earlier interval'
) USING DELTA
