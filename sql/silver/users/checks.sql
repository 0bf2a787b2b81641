-- check: one_current_version critical
SELECT user_id
FROM silver_users
GROUP BY user_id
HAVING count_if(valid_to IS NULL) <> 1;
