-- check: every_known_user_has_a_community critical
SELECT u.user_id FROM silver_users AS u
ANTI JOIN gold_communities AS c ON c.user_id = u.user_id AND c.ds = :ds
WHERE u.valid_from < :as_of AND u.received_at < :as_of;

-- check: a_community_has_its_members_and_the_smallest_names_it critical
SELECT community_id FROM gold_communities
WHERE ds = :ds
GROUP BY community_id
HAVING min(user_id) <> community_id OR min(num_members) <> count(*) OR max(num_members) <> count(*);
