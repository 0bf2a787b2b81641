-- grain: one position of one surface, as of the end of ds
CREATE TABLE gold.propensities (
  surface STRING NOT NULL COMMENT 'where in the product, as in silver.impressions',
  position INT NOT NULL COMMENT '1-based',
  examined DOUBLE NOT NULL COMMENT 'probability that the post there is looked at, relative to position 1',
  low DOUBLE NOT NULL COMMENT 'lower end of the 95 % interval of examined',
  high DOUBLE NOT NULL COMMENT 'upper end of the 95 % interval of examined',
  method STRING NOT NULL COMMENT 'randomised or regression_em',
  first_position INT NOT NULL COMMENT 'first of the positions that share this estimate',
  last_position INT NOT NULL COMMENT 'last of the positions that share this estimate',
  num_impressions BIGINT NOT NULL COMMENT 'impressions at this position in the estimate',
  num_engaged BIGINT NOT NULL COMMENT 'engaged impressions among them',
  ds DATE NOT NULL COMMENT 'as-of is midnight UTC at the end of this day'
) USING DELTA PARTITIONED BY (ds)
