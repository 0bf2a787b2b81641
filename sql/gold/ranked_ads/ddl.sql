-- grain: one place for an ad in one user's pool as of the end of ds
CREATE TABLE gold.ranked_ads (
  user_id BIGINT NOT NULL COMMENT 'whose pool it is',
  place INT NOT NULL COMMENT '1-based number of the place among those for ads; a place may stay empty',
  after_rank INT NOT NULL COMMENT 'rank of the post of gold.ranked_feeds that the ad follows',
  ad_id BIGINT NOT NULL COMMENT 'the ad',
  campaign_id BIGINT NOT NULL COMMENT 'the campaign that pays',
  post_id BIGINT NOT NULL COMMENT 'the promoted post',
  bid_micros BIGINT NOT NULL COMMENT 'what one click costs, in millionths, rounded up; at most one click is charged',
  p_click DOUBLE NOT NULL COMMENT 'estimated probability that this user clicks, if shown',
  ecpm DOUBLE NOT NULL COMMENT '1000 * bid * p_click * quality: expected earnings of 1,000 such impressions',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day; the ads are for the day after it'
) USING DELTA PARTITIONED BY (ds)
