-- grain: one refused line or event, per writer that refused it
CREATE TABLE bronze.quarantine (
  writer STRING NOT NULL COMMENT 'the table whose job refused it, layer.name',
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  line BIGINT NOT NULL COMMENT '1-based line in the file',
  event_id STRING COMMENT 'where it could be read',
  event_type STRING COMMENT 'where it could be read',
  reason STRING NOT NULL COMMENT 'the rule, one word with underscores, for example unknown_post',
  detail STRING COMMENT 'the field and value that broke the rule',
  raw STRING NOT NULL COMMENT 'the line as landed; empty where the reason is erased_user',
  landing_date DATE NOT NULL COMMENT 'the landing folder it arrived in',
  batch BIGINT COMMENT 'which read of the landing area brought the line, as in bronze.events',
  was_event BOOLEAN COMMENT 'of a duplicate: it stood in bronze.events until one received earlier came, which says something else',
  is_settled BOOLEAN COMMENT 'what it waited for has come and it is in silver; the row goes at the end of the clean stage'
) USING DELTA PARTITIONED BY (landing_date)
