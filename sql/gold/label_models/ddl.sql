-- grain: one label and the night that fitted its model
CREATE TABLE gold.label_models (
  label STRING NOT NULL COMMENT 'clickbait, nsfw or misinformation',
  label_version STRING NOT NULL COMMENT 'hash of the models of all labels that the night fitted',
  content_version STRING NOT NULL COMMENT 'content model whose readings they are fitted on',
  num_positives INT NOT NULL COMMENT 'posts clearly judged to have the label: by more than half a sure verdict',
  num_negatives INT NOT NULL COMMENT 'posts clearly judged not to have it',
  auc DOUBLE COMMENT 'AUC of judged posts by cross-validation; null without a model',
  calibration_error DOUBLE COMMENT 'expected calibration error of the same posts, of which more are positive than of all posts',
  intercept DOUBLE NOT NULL COMMENT 'log odds; without a model, of the share of all posts',
  coefficients ARRAY<FLOAT> NOT NULL COMMENT 'in the order of label_inputs.INPUTS, then that of the author; empty without a model',
  words ARRAY<INT> NOT NULL COMMENT 'hashes of the words with a coefficient, ascending',
  word_coefficients ARRAY<FLOAT> NOT NULL COMMENT 'coefficient of each of the words, if the text has it',
  ds DATE NOT NULL COMMENT 'night in which it was fitted, on verdicts received by then'
) USING DELTA PARTITIONED BY (ds)
