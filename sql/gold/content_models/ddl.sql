-- grain: one word (its hash) in the content model of a night, or one dimension of its sentence encoder
CREATE TABLE gold.content_models (
  content_version STRING NOT NULL COMMENT 'hash of all rows of the model, and of the encoder with its version',
  num_buckets INT NOT NULL COMMENT 'number of buckets into which words are hashed',
  encoder STRING COMMENT 'sentence encoder whose dimension this is, with its version; null: the row is a word',
  bucket INT NOT NULL COMMENT 'hash of the word; in a row of the encoder, the dimension',
  vector ARRAY<FLOAT> NOT NULL COMMENT 'leading singular directions; for a word, times its inverse document frequency; empty for words if there is an encoder',
  votes ARRAY<FLOAT> NOT NULL COMMENT 'votes of a word for each topic, in the order of contracts.features.TOPICS; else empty',
  ds DATE NOT NULL COMMENT 'night in which it was fitted, on posts received by then'
) USING DELTA PARTITIONED BY (ds)
