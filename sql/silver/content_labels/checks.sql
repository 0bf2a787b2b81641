-- check: labels_are_of_known_posts critical
SELECT l.post_id, l.labeller_id, l.label
FROM silver_content_labels AS l
ANTI JOIN silver_posts AS p ON p.post_id = l.post_id;
