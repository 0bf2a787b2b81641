-- check: every_file_can_be_read critical
SELECT source, problem FROM bronze_files
WHERE reason NOT IN ('changed', 'unfinished') AND (landing_date IS NULL OR landing_date <= :ds)
ORDER BY source;

-- check: every_file_is_read_to_its_end warning
SELECT source, problem FROM bronze_files
WHERE reason IN ('changed', 'unfinished') AND (landing_date IS NULL OR landing_date <= :ds)
ORDER BY source
