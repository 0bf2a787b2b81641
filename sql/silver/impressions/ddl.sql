-- grain: one post shown to one user in one request
CREATE TABLE silver.impressions (
  impression_id STRING NOT NULL COMMENT 'the event id',
  user_id BIGINT NOT NULL COMMENT 'the viewer',
  post_id BIGINT NOT NULL COMMENT 'the post that was shown',
  request_id STRING NOT NULL COMMENT 'the feed request that it answered',
  session_id STRING COMMENT 'the session, as in silver.sessions; null if unknown',
  position INT COMMENT '1-based; null if unknown',
  device STRING COMMENT 'phone, tablet or desktop; null if unknown',
  connection STRING COMMENT 'wifi, cellular or wired; null if unknown',
  city STRING COMMENT 'where the viewer was, as the source gives it',
  surface STRING NOT NULL COMMENT 'where in the product',
  epoch BIGINT COMMENT 'the epoch that served it, if any',
  propensity DOUBLE COMMENT 'logged probability of being shown at this position',
  shown_at TIMESTAMP NOT NULL COMMENT 'event time',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time',
  arms ARRAY<STRING> COMMENT 'experiment arms the viewer was in, experiment:arm; null if unknown',
  ad_id BIGINT COMMENT 'the ad that it was; null for an organic impression',
  event_date DATE NOT NULL COMMENT 'date of shown_at, UTC'
) USING DELTA PARTITIONED BY (event_date)
