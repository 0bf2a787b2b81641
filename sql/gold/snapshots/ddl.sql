-- grain: table of daily snapshots × day: what the partition was built from
CREATE TABLE gold.snapshots (
  table_name STRING NOT NULL COMMENT 'layer.name of the table',
  day DATE NOT NULL COMMENT 'its partition',
  built_by DATE NOT NULL COMMENT 'the last night that built it',
  batch BIGINT NOT NULL COMMENT 'the newest read of the landing area that silver had processed by then',
  late_files ARRAY<STRING> NOT NULL COMMENT 'landing files because of which a later night built it again; empty if it was missing'
) USING DELTA
