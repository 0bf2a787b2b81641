-- grain: landing file × pass of the clean stage that processed new events of it
CREATE TABLE silver.arrivals (
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  batch BIGINT NOT NULL COMMENT 'the newest read of the landing area that the pass processed',
  num_events BIGINT NOT NULL COMMENT 'events of the file that were new to the pass, refused ones too',
  num_waited BIGINT NOT NULL COMMENT 'of these, events that earlier passes had refused and that are accepted now',
  seen_from DATE NOT NULL COMMENT 'first day whose snapshots see one of them: the day it happened or was received, whichever is later'
) USING DELTA
