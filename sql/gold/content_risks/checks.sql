-- check: every_text_read_is_judged critical
SELECT read.post_id FROM gold_content_embeddings AS read
ANTI JOIN (SELECT post_id, text_at FROM gold_content_risks WHERE ds = :ds) AS risk
  ON risk.post_id = read.post_id AND risk.text_at = read.text_at
WHERE read.ds = :ds;

-- check: judged_by_known_models critical
SELECT risk.post_id FROM gold_content_risks AS risk
ANTI JOIN gold_label_models AS model ON model.label_version = risk.label_version
WHERE risk.ds = :ds;
