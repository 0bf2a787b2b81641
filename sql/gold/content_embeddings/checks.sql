-- check: embeddings_have_unit_length_or_none critical
SELECT post_id FROM gold_content_embeddings
WHERE ds = :ds AND NOT COALESCE(
  squared_length(embedding) BETWEEN 0.999 AND 1.001 OR all_between(embedding, 0, 0), FALSE);

-- check: topics_are_shares critical
SELECT post_id FROM gold_content_embeddings
WHERE ds = :ds AND NOT COALESCE(
  all_between(topics, 0, 1.001) AND total(topics) <= 1.001, FALSE);

-- check: one_size critical
SELECT ds FROM gold_content_embeddings
WHERE ds = :ds GROUP BY ds HAVING COUNT(DISTINCT SIZE(embedding)) > 1 OR COUNT(DISTINCT SIZE(topics)) > 1;

-- check: vectors_are_of_a_model critical
-- A model without words (no two texts share one) has no row, and its readings have no embedding.
SELECT read.post_id FROM gold_content_embeddings AS read
ANTI JOIN gold_content_models AS model ON model.content_version = read.content_version
WHERE read.ds = :ds AND NOT all_between(read.embedding, 0, 0);
