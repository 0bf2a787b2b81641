-- grain: one country or city that the models of a night know; any other is unknown
CREATE TABLE gold.locations (
  kind STRING NOT NULL COMMENT 'country, of a profile; city, of an impression',
  location STRING NOT NULL COMMENT 'as the source gives it',
  num_users BIGINT NOT NULL COMMENT 'users of the training rows with it; at least FeatureRules.location_users',
  share DOUBLE NOT NULL COMMENT 'the same, as a share of all users of the training rows',
  rank INT NOT NULL COMMENT '1 has most users of its kind; ties in alphabetical order',
  ds DATE NOT NULL COMMENT 'night of the training rows, as known at the end of this day'
) USING DELTA PARTITIONED BY (ds)
