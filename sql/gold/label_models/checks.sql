-- check: every_label_once_and_of_one_version critical
SELECT ds FROM gold_label_models
GROUP BY ds HAVING COUNT(DISTINCT label) <> 3 OR COUNT(DISTINCT label_version) <> 1 OR COUNT(DISTINCT content_version) <> 1;

-- check: finite_and_equally_long critical
SELECT ds, label FROM gold_label_models
WHERE SIZE(words) <> SIZE(word_coefficients)
  OR NOT COALESCE(all_finite(coefficients) AND all_finite(word_coefficients), FALSE);
