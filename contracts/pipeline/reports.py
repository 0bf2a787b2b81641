"""Stages that write a file of the night and no table."""

from contracts.pipeline.table import Report

REPORTS: tuple[Report, ...] = (
    Report(
        "preflight",
        (
            "bronze.events",
            "silver.users",
            "silver.friendships",
            "silver.page_follows",
            "silver.group_memberships",
            "silver.posts",
            "silver.impressions",
            "silver.engagements",
        ),
    ),
    Report(
        "audit",
        (
            "silver.users",
            "silver.friendships",
            "silver.group_memberships",
            "silver.blocks",
            "silver.posts",
            "silver.impressions",
            "silver.engagements",
            "silver.content_labels",
            "silver.campaigns",
            "silver.ads",
            "gold.content_risks",
            "gold.feed_candidates",
            "gold.ranked_feeds",
            "gold.ranked_ads",
        ),
        earlier_inputs=("gold.epochs",),
    ),
    Report(
        "evaluate",
        (
            "gold.affinity_features",
            "gold.training_examples",
            "gold.propensities",
            "gold.promotions",
            "gold.scored_candidates",
            "gold.ranked_feeds",
        ),
    ),
)
