-- grain: one person suggested to a user, as of the end of ds
CREATE TABLE gold.people_suggestions (
  user_id BIGINT NOT NULL COMMENT 'the user who gets the suggestion',
  suggested_id BIGINT NOT NULL COMMENT 'a friend of a friend; neither a friend of the user nor blocked by either',
  rank INT NOT NULL COMMENT '1 is the best suggestion of the user',
  num_mutual_friends BIGINT NOT NULL COMMENT 'friends in common, without those of very many friends',
  score DOUBLE NOT NULL COMMENT 'sum over the friends in common of 1 / ln(number of their friends)',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
