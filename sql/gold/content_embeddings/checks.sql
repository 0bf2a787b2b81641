-- check: embeddings_have_unit_length_or_none critical
SELECT post_id FROM gold_content_embeddings
WHERE ds = :ds AND NOT COALESCE(
  AGGREGATE(embedding, DOUBLE(0), (total, x) -> total + DOUBLE(x) * x) BETWEEN 0.999 AND 1.001
  OR FORALL(embedding, x -> x = 0), FALSE);

-- check: topics_are_shares critical
SELECT post_id FROM gold_content_embeddings
WHERE ds = :ds AND NOT COALESCE(
  FORALL(topics, x -> x >= 0) AND AGGREGATE(topics, DOUBLE(0), (total, x) -> total + x) <= 1.001, FALSE);

-- check: one_size critical
SELECT ds FROM gold_content_embeddings
WHERE ds = :ds GROUP BY ds HAVING COUNT(DISTINCT SIZE(embedding)) > 1 OR COUNT(DISTINCT SIZE(topics)) > 1;

-- check: vectors_are_of_a_model critical
-- A model that knows no word, as no two texts share one, has no row, and what it reads has no embedding.
SELECT read.post_id FROM gold_content_embeddings AS read
LEFT ANTI JOIN gold_content_models AS model ON model.content_version = read.content_version
WHERE read.ds = :ds AND EXISTS(read.embedding, x -> x <> 0);
