-- grain: one interval during which the edge held; user follows page
CREATE TABLE silver.page_follows (
  user_id BIGINT NOT NULL COMMENT 'the follower',
  page_id BIGINT NOT NULL COMMENT 'the page',
  valid_from TIMESTAMP NOT NULL COMMENT 'event time of what opened the interval',
  valid_to TIMESTAMP COMMENT 'null while the edge holds; valid_from where a closing ended nothing',
  end_known_at TIMESTAMP COMMENT 'when the end had been received; null while the edge holds',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the event that opened the interval',
  known_at TIMESTAMP COMMENT 'when the first event at valid_from had been received: an earlier interval ends at it'
) USING DELTA
