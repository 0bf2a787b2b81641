-- grain: one label, as modelled in one night
CREATE TABLE gold.label_models (
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation',
  label_version STRING NOT NULL COMMENT 'hash of the models of all labels that the night fitted',
  content_version STRING NOT NULL COMMENT 'content model whose readings they are fitted on',
  num_positives INT NOT NULL COMMENT 'posts clearly judged to be it: by more than half a sure verdict',
  num_negatives INT NOT NULL COMMENT 'posts clearly judged not to be it',
  auc DOUBLE COMMENT 'of judged posts, each held out once; null where there were too few for a model',
  calibration_error DOUBLE COMMENT 'expected, of the same; among judged posts, of which more are it than of all',
  intercept DOUBLE NOT NULL COMMENT 'log odds; without a model, of the share of all posts that are it',
  coefficients ARRAY<FLOAT> NOT NULL COMMENT 'by label_inputs.INPUTS, then of the author; empty without a model',
  words ARRAY<INT> NOT NULL COMMENT 'hashes of the words that have a coefficient, ascending',
  word_coefficients ARRAY<FLOAT> NOT NULL COMMENT 'of each of them, where the text has it',
  ds DATE NOT NULL COMMENT 'night in which it was fitted, on verdicts received by then'
) USING DELTA PARTITIONED BY (ds)
