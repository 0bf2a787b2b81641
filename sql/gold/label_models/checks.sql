-- check: every_label_once_and_of_one_version critical
SELECT ds FROM gold_label_models
GROUP BY ds HAVING COUNT(DISTINCT label) <> 3 OR COUNT(DISTINCT label_version, content_version) <> 1;

-- check: finite_and_equally_long critical
SELECT ds, label FROM gold_label_models
WHERE SIZE(words) <> SIZE(word_coefficients)
  OR EXISTS(CONCAT(coefficients, word_coefficients), x -> x IS NULL OR ISNAN(x) OR ABS(x) = FLOAT('infinity'));
