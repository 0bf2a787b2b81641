-- grain: one version of a post, as read in one night; it is read again when the content model changes
CREATE TABLE gold.content_embeddings (
  post_id BIGINT NOT NULL COMMENT 'the post that was read',
  text_at TIMESTAMP NOT NULL COMMENT 'when this version was made',
  text_hash BIGINT NOT NULL COMMENT 'hash of text, hashtags and text_at',
  content_version STRING NOT NULL COMMENT 'model of gold.content_models that read it',
  language STRING NOT NULL COMMENT 'ISO 639; und if it cannot be identified',
  sentiment FLOAT NOT NULL COMMENT '[-1, 1]; 0 without evidence',
  log_words FLOAT NOT NULL COMMENT 'log1p of words',
  word_length FLOAT NOT NULL COMMENT 'log1p of the mean characters of a word',
  clause_words FLOAT NOT NULL COMMENT 'log1p of words per closing sign: . ! ? ; :',
  distinct_word_share FLOAT NOT NULL COMMENT 'different words per word',
  capital_share FLOAT NOT NULL COMMENT 'capitals per letter',
  digit_share FLOAT NOT NULL COMMENT 'digits per character that is not a space',
  symbol_share FLOAT NOT NULL COMMENT 'characters that are neither letter nor digit, per character that is not a space',
  log_exclamations FLOAT NOT NULL COMMENT 'log1p of exclamation marks',
  log_questions FLOAT NOT NULL COMMENT 'log1p of question marks',
  log_links FLOAT NOT NULL COMMENT 'log1p of addresses',
  topics ARRAY<FLOAT> NOT NULL COMMENT 'shares in the order of contracts.features.TOPICS; the rest up to 1 is unknown',
  embedding ARRAY<FLOAT> NOT NULL COMMENT '50 dimensions of unit length, or 0 for a text without a known word',
  ds DATE NOT NULL COMMENT 'night in which it was read'
) USING DELTA PARTITIONED BY (ds)
