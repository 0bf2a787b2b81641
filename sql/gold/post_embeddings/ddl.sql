-- grain: one candidate post under one model version: tower output and its share of the first interaction layer
CREATE TABLE gold.post_embeddings (
  post_id BIGINT NOT NULL COMMENT 'the post',
  model_version STRING NOT NULL COMMENT 'model of gold.models whose tower it is',
  embedding ARRAY<FLOAT> NOT NULL COMMENT 'post tower output',
  projection ARRAY<FLOAT> NOT NULL COMMENT 'first interaction layer applied to the tower output',
  ds DATE NOT NULL COMMENT 'night whose candidate it is'
) USING DELTA PARTITIONED BY (ds)
