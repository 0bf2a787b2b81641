-- grain: one creator: a user who has written a post or owns a page
CREATE TABLE silver.creators (
  creator_id BIGINT NOT NULL COMMENT 'the user id',
  num_pages INT NOT NULL COMMENT 'pages owned now',
  num_posts BIGINT NOT NULL COMMENT 'posts written under any source, deleted ones too',
  num_page_posts BIGINT NOT NULL COMMENT 'of which as a page',
  first_post_at TIMESTAMP COMMENT 'null for a page owner who has not written yet',
  last_post_at TIMESTAMP COMMENT 'null like first_post_at',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the newest post or page counted'
) USING DELTA
