-- check: every_ad_follows_a_post_of_its_pool critical
SELECT ads.user_id, ads.place
FROM gold_ranked_ads AS ads
ANTI JOIN gold_ranked_feeds AS posts
  ON posts.user_id = ads.user_id AND posts.rank = ads.after_rank AND posts.ds = ads.ds
WHERE ads.ds = :ds;
