-- check: every_author_is_a_creator critical
SELECT p.post_id, p.author_id
FROM silver_posts AS p
ANTI JOIN silver_creators AS c ON c.creator_id = p.author_id
WHERE p.author_id IS NOT NULL;
