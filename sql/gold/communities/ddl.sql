-- grain: one user as of the end of ds
CREATE TABLE gold.communities (
  user_id BIGINT NOT NULL COMMENT 'the member',
  community_id BIGINT NOT NULL COMMENT 'the smallest user_id among the members; a user without friends is alone',
  num_members BIGINT NOT NULL COMMENT 'users of the community on this day',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
