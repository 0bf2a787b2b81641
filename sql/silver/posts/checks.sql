-- check: latest_version_is_newer_than_every_edit critical
SELECT e.post_id, e.updated_at, p.updated_at AS latest
FROM silver_post_edits AS e
LEFT JOIN silver_posts AS p ON p.post_id = e.post_id
WHERE NOT COALESCE(p.updated_at > e.updated_at, FALSE);

-- check: one_version_came_first critical
-- No version came first if the author of the first version was erased.
SELECT v.post_id
FROM (
  SELECT post_id FROM silver_post_edits WHERE came_first
  UNION ALL
  SELECT p.post_id
  FROM silver_posts AS p
  SEMI JOIN silver_post_edits AS e ON e.post_id = p.post_id
  WHERE p.came_first
) AS v
GROUP BY v.post_id
HAVING COUNT(*) > 1;

-- check: only_deleted_posts_have_a_deletion critical
SELECT post_id, is_deleted, deleted_at, deletion_received_at
FROM silver_posts
WHERE (deleted_at IS NOT NULL AND NOT is_deleted) OR (deleted_at IS NULL) <> (deletion_received_at IS NULL);

-- check: every_deletion_has_its_time warning
-- Tombstones from before the table had the column; they count as deleted from their latest version on.
SELECT post_id FROM silver_posts WHERE is_deleted AND deleted_at IS NULL;

-- check: somebody_may_see_it warning
-- A post without an author and for friends only: it is kept, and shown to nobody.
SELECT post_id, privacy FROM silver_posts
WHERE author_id IS NULL AND NOT is_deleted AND privacy NOT IN ('public', 'custom');
