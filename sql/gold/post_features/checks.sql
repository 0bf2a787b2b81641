-- check: no_deleted_post critical
SELECT f.post_id FROM gold_post_features AS f
JOIN silver_posts AS p ON p.post_id = f.post_id
WHERE f.ds = :ds AND p.is_deleted AND p.updated_at < timestamp(date_add(:ds, 1));

-- check: every_text_was_read warning
SELECT f.post_id FROM gold_post_features AS f
LEFT ANTI JOIN gold_content_embeddings AS c ON c.post_id = f.post_id
WHERE f.ds = :ds;
