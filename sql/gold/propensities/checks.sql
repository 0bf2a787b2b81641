-- check: position_1_is_the_reference critical
SELECT surface, examined FROM gold_propensities
WHERE ds = :ds AND position = 1 AND examined <> 1;

-- check: estimate_lies_in_its_interval critical
SELECT surface, position FROM gold_propensities
WHERE ds = :ds AND NOT (low <= examined AND examined <= high);

-- check: no_position_is_left_out critical
SELECT surface, max(position) AS deepest, count(*) AS positions FROM gold_propensities
WHERE ds = :ds
GROUP BY surface
HAVING max(position) <> count(*);
