-- grain: one published generation of all pools
CREATE TABLE gold.epochs (
  epoch BIGINT NOT NULL COMMENT 'rises with every publish',
  ds DATE NOT NULL COMMENT 'the night it serves',
  status STRING NOT NULL COMMENT 'building, built, canary, current, previous, retired, bad, rolled_back, see contracts/epoch_status.py',
  manifest STRING NOT NULL COMMENT 'JSON: Delta versions, hashes, counts, code revision',
  audit STRING NOT NULL COMMENT 'JSON: audit verdict',
  created_at TIMESTAMP NOT NULL COMMENT 'when its build began',
  updated_at TIMESTAMP NOT NULL COMMENT 'when its status last changed',
  rollback STRING COMMENT 'JSON: by whom, when, why and to which epoch it, or an arm of it, was rolled back; null where none was'
) USING DELTA
