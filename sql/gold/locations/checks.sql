-- check: ranks_are_places critical
SELECT kind, ds FROM gold_locations
WHERE ds <= :ds
GROUP BY kind, ds
HAVING MAX(rank) <> COUNT(*) OR COUNT(DISTINCT rank) <> COUNT(*);
