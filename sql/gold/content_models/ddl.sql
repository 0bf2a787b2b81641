-- grain: one word (its hash) that the content model fitted in a night knows
CREATE TABLE gold.content_models (
  content_version STRING NOT NULL COMMENT 'hash of all rows of the model',
  num_buckets INT NOT NULL COMMENT 'words are hashed into so many buckets',
  bucket INT NOT NULL,
  vector ARRAY<FLOAT> NOT NULL COMMENT 'inverse document frequency times the leading singular directions',
  votes ARRAY<FLOAT> NOT NULL COMMENT 'for each topic, in the order of contracts.features.TOPICS',
  ds DATE NOT NULL COMMENT 'night in which it was fitted, on posts received by then'
) USING DELTA PARTITIONED BY (ds)
