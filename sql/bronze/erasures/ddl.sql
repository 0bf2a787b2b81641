-- grain: one erased id of a person: their user id, and the ids of their posts, pages and campaigns, each as a keyed hash
CREATE TABLE bronze.erasures (
  id_key STRING NOT NULL COMMENT 'HMAC-SHA-256 of kind and id under the erasure key, which is kept outside the lake',
  kind STRING NOT NULL COMMENT 'user, post, page or campaign',
  request_id STRING NOT NULL COMMENT 'the request, as the operator names it; no personal data',
  key_check STRING NOT NULL COMMENT 'fingerprint of the erasure key',
  requested_at TIMESTAMP NOT NULL COMMENT 'when the erasure began; from then on ingest refuses lines with this id',
  erased_at TIMESTAMP COMMENT 'when files, history and Redis were done; null before',
  removed STRING COMMENT 'JSON: rows removed from each table by the run that finished; on the row of the user'
) USING DELTA
