-- grain: one post (latest version); a deleted post stays as a tombstone
CREATE TABLE silver.posts (
  post_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  source_type STRING NOT NULL COMMENT 'friend, page or group: where it was posted',
  source_id BIGINT NOT NULL COMMENT 'author, page or group id, by source_type',
  content_type STRING NOT NULL COMMENT 'status, photo, video or link',
  text STRING NOT NULL,
  hashtags ARRAY<STRING> NOT NULL,
  mentions ARRAY<BIGINT> NOT NULL,
  media_count INT NOT NULL,
  media ARRAY<STRING> COMMENT 'ids or addresses of the attachments, in order',
  tags ARRAY<BIGINT> COMMENT 'users tagged in the media',
  location STRING COMMENT 'the city that the post names; null where it names none',
  privacy STRING NOT NULL COMMENT 'public, friends, friends_except, only_me or custom',
  audience ARRAY<BIGINT> NOT NULL COMMENT 'excluded users of friends_except, admitted users of custom',
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL COMMENT 'event time of the version kept',
  is_deleted BOOLEAN NOT NULL,
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time of the first version'
) USING DELTA
