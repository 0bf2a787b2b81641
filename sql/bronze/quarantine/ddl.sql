-- grain: one refused line or event, per writer that refused it
CREATE TABLE bronze.quarantine (
  writer STRING NOT NULL COMMENT 'the table whose job refused it, layer.name',
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  line BIGINT NOT NULL COMMENT '1-based line in the file',
  event_id STRING COMMENT 'null if it could not be read',
  event_type STRING COMMENT 'null if it could not be read',
  reason STRING NOT NULL COMMENT 'the rule, one word with underscores, for example unknown_post',
  detail STRING COMMENT 'the field and value that broke the rule',
  raw STRING NOT NULL COMMENT 'the line as landed; empty if the reason is erased_user',
  landing_date DATE NOT NULL COMMENT 'the landing folder it arrived in',
  batch BIGINT COMMENT 'number of the read of the landing area that brought the line, as in bronze.events',
  was_event BOOLEAN COMMENT 'a duplicate that was in bronze.events until a line received earlier, with other content, replaced it',
  is_settled BOOLEAN COMMENT 'its missing reference has arrived and the event is in silver; the row is deleted at the end of the clean stage'
) USING DELTA PARTITIONED BY (landing_date)
