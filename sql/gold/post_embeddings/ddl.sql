-- grain: one candidate post under one model version: what its network computes once per post
CREATE TABLE gold.post_embeddings (
  post_id BIGINT NOT NULL COMMENT 'the post',
  model_version STRING NOT NULL COMMENT 'model of gold.promotions whose network it is',
  embedding ARRAY<FLOAT> NOT NULL COMMENT 'what is multiplied with the same of a user',
  projection ARRAY<FLOAT> NOT NULL COMMENT 'the share of the first shared layer',
  light_embedding ARRAY<FLOAT> COMMENT 'embedding by the light model; null if the night has none',
  light_projection ARRAY<FLOAT> COMMENT 'projection by the light model; null if the night has none',
  safety FLOAT COMMENT 'what its risks leave of its quality, from 0 to 1; null counts as 1',
  ds DATE NOT NULL COMMENT 'night whose candidate it is'
) USING DELTA PARTITIONED BY (ds)
