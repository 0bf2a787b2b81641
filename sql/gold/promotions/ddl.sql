-- grain: who scores a night for one role, and how tonight's model of the role was judged
CREATE TABLE gold.promotions (
  role STRING NOT NULL COMMENT 'heavy: no other role scores',
  verdict STRING NOT NULL COMMENT 'promoted, rejected (clearly worse), unproven (nothing to judge it by) or untrained (there is no model tonight)',
  model_version STRING NOT NULL COMMENT 'who scores the night: a model, or simple-score',
  path STRING COMMENT 'its checkpoint folder, relative to the lake; null for the simple score',
  challenger STRING COMMENT 'the model that tonight trained; null where it trained none',
  champion STRING COMMENT 'the model that scored the last published night before; null where none did',
  baseline STRING COMMENT 'what the challenger was compared with: the champion, or simple-score; null where it was compared with nothing',
  why_not_champion STRING COMMENT 'why the champion could not be compared, where there is one that could not',
  reason STRING NOT NULL COMMENT 'the verdict in a sentence',
  examples_version BIGINT COMMENT 'Delta version of gold.training_examples that was judged on; null where there is no challenger',
  heldout_days ARRAY<STRING> NOT NULL COMMENT 'the days judged on, which neither side was trained on',
  num_users BIGINT NOT NULL COMMENT 'users with a list that counts',
  num_examples BIGINT NOT NULL COMMENT 'examples judged on',
  metrics STRING NOT NULL COMMENT 'JSON: each metric of challenger and baseline and their difference, with intervals; null where undefined',
  ds DATE NOT NULL COMMENT 'the night'
) USING DELTA PARTITIONED BY (ds)
