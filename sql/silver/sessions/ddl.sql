-- grain: one session; a session id is unique within the day on which the session starts
CREATE TABLE silver.sessions (
  session_id STRING NOT NULL,
  user_id BIGINT NOT NULL,
  device STRING NOT NULL COMMENT 'phone, tablet or desktop',
  connection STRING COMMENT 'wifi, cellular or wired; null where unknown',
  started_at TIMESTAMP NOT NULL,
  ended_at TIMESTAMP NOT NULL,
  scroll_depth INT COMMENT 'the lowest position that the user reached, 0 where nothing was shown; null where unknown',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the report kept',
  received_at TIMESTAMP NOT NULL,
  event_date DATE NOT NULL COMMENT 'date of started_at, UTC'
) USING DELTA PARTITIONED BY (event_date)
