-- grain: one file of the landing area: what was read of it, or why it is not read
CREATE TABLE bronze.files (
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  landing_date DATE COMMENT 'the landing folder it lies in; null where that is no day',
  listed_bytes BIGINT NOT NULL COMMENT 'its size when it was last looked at',
  modified_us BIGINT NOT NULL COMMENT 'when it was changed last, as listed then: microseconds since 1970',
  num_bytes BIGINT NOT NULL COMMENT 'how much of it was read, as stored; never within a line that may go on',
  num_lines BIGINT NOT NULL COMMENT 'lines in what was read, blank ones too',
  checksum STRING NOT NULL COMMENT 'SHA-256 of what was read',
  is_open BOOLEAN NOT NULL COMMENT 'whether the last line that was read had no end yet',
  batch BIGINT COMMENT 'the read of the landing area that took lines from it last; null where none did',
  reason STRING COMMENT 'why it is not read, or not to its end: a word of spark_jobs/ingest/landing_area.py',
  problem STRING COMMENT 'the same as a sentence, with what to do'
) USING DELTA
