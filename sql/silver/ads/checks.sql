-- check: campaign_is_known critical
SELECT a.ad_id, a.campaign_id
FROM silver_ads AS a
ANTI JOIN silver_campaigns AS c ON c.campaign_id = a.campaign_id;

-- check: promoted_post_is_there_for_all warning
SELECT a.ad_id, p.post_id, p.privacy, p.is_deleted
FROM silver_ads AS a
JOIN silver_posts AS p ON p.post_id = a.post_id
WHERE a.is_active AND (p.is_deleted OR p.privacy <> 'public');
