-- grain: one label, day and place: a post to look at, the most worthwhile first
CREATE TABLE gold.labelling_queue (
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation: the question to ask',
  rank INT NOT NULL COMMENT 'from 1',
  post_id BIGINT NOT NULL COMMENT 'the post to look at',
  probability FLOAT NOT NULL COMMENT 'that it is what the label says, by gold.content_risks',
  reason STRING NOT NULL COMMENT 'uncertain, or random: drawn whatever the models say',
  ds DATE NOT NULL COMMENT 'night that asks'
) USING DELTA PARTITIONED BY (ds)
