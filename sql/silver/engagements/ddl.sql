-- grain: one engagement of a user, or one anonymous reaction or comment
CREATE TABLE silver.engagements (
  engagement_id STRING NOT NULL COMMENT 'the event id',
  user_id BIGINT COMMENT 'null for an anonymous reaction or comment',
  post_id BIGINT NOT NULL COMMENT 'the post it is about',
  engagement_type STRING NOT NULL COMMENT 'like, comment, share, click, dwell, hide, report, follow, unfollow, bookmark, view, unlike, uncomment, unhide, dislike, accept',
  detail STRING COMMENT 'the action as the source platform names it',
  impression_id STRING COMMENT 'its impression, if the client knew it',
  dwell_ms BIGINT COMMENT 'milliseconds on the post; null except for dwell',
  engaged_at TIMESTAMP NOT NULL COMMENT 'event time',
  received_at TIMESTAMP NOT NULL COMMENT 'ingest time',
  ad_id BIGINT COMMENT 'the ad it was made on; null for an organic engagement',
  event_date DATE NOT NULL COMMENT 'date of engaged_at, UTC'
) USING DELTA PARTITIONED BY (event_date)
