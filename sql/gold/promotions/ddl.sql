-- grain: role and night: what scores the night, and how its own model was judged
CREATE TABLE gold.promotions (
  role STRING NOT NULL COMMENT 'heavy: no other role scores',
  verdict STRING NOT NULL COMMENT 'promoted, rejected (clearly worse), unproven (it cannot be judged) or untrained (the night has no model)',
  model_version STRING NOT NULL COMMENT 'what scores the night: a model, or simple-score',
  path STRING COMMENT 'its checkpoint folder, relative to the lake; null for the simple score',
  challenger STRING COMMENT 'the model that the night trained; null if it trained none',
  champion STRING COMMENT 'the model that scored the last published night before; null if none did',
  baseline STRING COMMENT 'what the challenger was compared with: the champion, or simple-score; null if it was not compared',
  why_not_champion STRING COMMENT 'why the champion could not be compared, else null',
  reason STRING NOT NULL COMMENT 'the verdict in a sentence',
  examples_version BIGINT COMMENT 'Delta version of gold.training_examples with the judged examples; null without a challenger',
  heldout_days ARRAY<STRING> NOT NULL COMMENT 'the days of the judged examples; neither side was trained on them',
  num_users BIGINT NOT NULL COMMENT 'users with a list that counts',
  num_examples BIGINT NOT NULL COMMENT 'number of judged examples',
  metrics STRING NOT NULL COMMENT 'JSON: each metric of challenger and baseline and their difference, with intervals; null if undefined',
  ds DATE NOT NULL COMMENT 'the night'
) USING DELTA PARTITIONED BY (ds)
