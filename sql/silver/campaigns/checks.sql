-- check: advertiser_is_known critical
SELECT c.campaign_id, c.advertiser_id
FROM silver_campaigns AS c
ANTI JOIN silver_users AS u ON u.user_id = c.advertiser_id;
