-- grain: one landed event, as landed; append-only, exactly once per event id
CREATE TABLE bronze.events (
  event_id STRING NOT NULL COMMENT 'unique id given by the producer',
  event_type STRING NOT NULL COMMENT 'a key of contracts.landing.EVENT_TYPES',
  event_time TIMESTAMP NOT NULL COMMENT 'when it happened, UTC',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time: when the collector saw it, UTC; never before event_time',
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  line BIGINT NOT NULL COMMENT '1-based line in the file',
  raw STRING NOT NULL COMMENT 'the line as landed',
  landing_date DATE NOT NULL COMMENT 'the landing folder it arrived in',
  batch BIGINT COMMENT 'number of the read of the landing area that brought it, from 1; null in rows from before reads were numbered'
) USING DELTA PARTITIONED BY (landing_date)
