-- grain: one file of the landing area: what was read, or why it is not read
CREATE TABLE bronze.files (
  source STRING NOT NULL COMMENT 'landing file, relative to the landing root',
  landing_date DATE COMMENT 'day of its landing folder; null if the folder is not a day',
  listed_bytes BIGINT NOT NULL COMMENT 'its size when it was last listed',
  modified_us BIGINT NOT NULL COMMENT 'its modification time when it was last listed, in microseconds since 1970',
  num_bytes BIGINT NOT NULL COMMENT 'bytes that were read, as stored; never within an unfinished line',
  num_lines BIGINT NOT NULL COMMENT 'lines that were read, blank ones too',
  checksum STRING NOT NULL COMMENT 'SHA-256 of what was read',
  is_open BOOLEAN NOT NULL COMMENT 'whether the last line that was read had no end yet',
  batch BIGINT COMMENT 'the last read of the landing area that took lines from it; null if none did',
  reason STRING COMMENT 'why it is not read, or not to its end: a word of spark_jobs/ingest/landing_area.py',
  problem STRING COMMENT 'the same as a sentence, with what to do'
) USING DELTA
