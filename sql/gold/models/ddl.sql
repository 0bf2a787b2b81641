-- grain: the model of one role in one night
CREATE TABLE gold.models (
  model_version STRING NOT NULL COMMENT 'hash of weights and configuration',
  ds DATE NOT NULL COMMENT 'the night that trained it',
  preset STRING NOT NULL COMMENT 'preset of models/presets/ it was trained by',
  stage STRING NOT NULL COMMENT 'candidate, serving, retired, rejected, trained, see contracts/model_stages.py',
  feature_schema STRING NOT NULL COMMENT 'contracts.features.schema_hash()',
  features ARRAY<STRING> NOT NULL COMMENT 'ordered example columns',
  examples_version BIGINT NOT NULL COMMENT 'Delta version of gold.training_examples it was trained on',
  training_partitions ARRAY<STRING> NOT NULL COMMENT 'ds values',
  num_examples BIGINT NOT NULL COMMENT 'examples it was trained on',
  metrics STRING NOT NULL COMMENT 'JSON: losses and held-out metrics per head',
  code_revision STRING NOT NULL COMMENT 'commit of the code that trained it',
  path STRING NOT NULL COMMENT 'checkpoint folder, relative to the lake',
  role STRING COMMENT 'heavy, light or trial; null means heavy, in rows from before there were roles',
  reason STRING COMMENT 'why it was rejected, else null'
) USING DELTA PARTITIONED BY (ds)
