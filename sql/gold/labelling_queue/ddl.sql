-- grain: one label, day and rank: a post to label, the most useful first
CREATE TABLE gold.labelling_queue (
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation',
  rank INT NOT NULL COMMENT 'from 1',
  post_id BIGINT NOT NULL COMMENT 'the post to label',
  probability FLOAT NOT NULL COMMENT 'probability of the label, from gold.content_risks',
  reason STRING NOT NULL COMMENT 'uncertain, or random: drawn independently of the models',
  ds DATE NOT NULL COMMENT 'night of the queue'
) USING DELTA PARTITIONED BY (ds)
