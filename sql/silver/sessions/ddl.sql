-- grain: one session; a session id is unique within the day on which the session starts
CREATE TABLE silver.sessions (
  session_id STRING NOT NULL COMMENT 'as the client names it',
  user_id BIGINT NOT NULL COMMENT 'whose session it is',
  device STRING COMMENT 'phone, tablet or desktop; null if unknown',
  connection STRING COMMENT 'wifi, cellular or wired; null if unknown',
  started_at TIMESTAMP NOT NULL COMMENT 'event time of its start',
  ended_at TIMESTAMP NOT NULL COMMENT 'event time of its end, as far as it was reported',
  scroll_depth INT COMMENT 'the lowest position that the user reached; 0 if nothing was shown, null if unknown',
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the report kept',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the report kept',
  event_date DATE NOT NULL COMMENT 'date of started_at, UTC',
  event_id STRING COMMENT 'event id of the version kept'
) USING DELTA PARTITIONED BY (event_date)
