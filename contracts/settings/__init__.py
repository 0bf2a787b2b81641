"""Every number that someone may want to change, each in one place; one file for each part of a night.

``load.py`` reads them from a file and the command line (``docs/settings.md``). Sizes of stored data are not settings:
they are in ``contracts/shape.py`` and ``contracts/epochs.py``.
"""

from dataclasses import dataclass, field
from typing import Annotated

from contracts.settings.advertising import AdRules
from contracts.settings.cold_start import NewPosts, NewUsers
from contracts.settings.contents import Content, Labels
from contracts.settings.dataset import Dataset, parse_dataset
from contracts.settings.examples import Evaluation, NegativeSampling, Promotion, Propensities, TrainingMinimum
from contracts.settings.features import CommunityRules, FeatureRules, Smoothing, SuggestionRules
from contracts.settings.kinds import Bounds, OneOf
from contracts.settings.models import Models, Training
from contracts.settings.publishing import AuditThresholds, ErasureRules, FreshRules, PublishRules
from contracts.settings.ranking import (
    CandidateLimits,
    Cascade,
    FanOut,
    PolicyRules,
    PoolRules,
    SimpleScore,
    TasteWeights,
    ValueWeights,
)
from contracts.settings.reranking import Exploration, RerankRules
from contracts.settings.serving import CollectorRules, DrainRules, PageRules, ReaderLimits, ReaderRules
from contracts.settings.simulating import Simulation
from contracts.settings.value_presets import VALUE_PRESETS

__all__ = [
    "VALUE_PRESETS",
    "AdRules",
    "AuditThresholds",
    "CandidateLimits",
    "Cascade",
    "CollectorRules",
    "CommunityRules",
    "Content",
    "Dataset",
    "DrainRules",
    "ErasureRules",
    "Evaluation",
    "Exploration",
    "FanOut",
    "FeatureRules",
    "FreshRules",
    "Labels",
    "Models",
    "NegativeSampling",
    "NewPosts",
    "NewUsers",
    "PageRules",
    "PolicyRules",
    "PoolRules",
    "Promotion",
    "Propensities",
    "PublishRules",
    "ReaderLimits",
    "ReaderRules",
    "RerankRules",
    "Settings",
    "SimpleScore",
    "Simulation",
    "Smoothing",
    "SuggestionRules",
    "TasteWeights",
    "Training",
    "TrainingMinimum",
    "ValueWeights",
    "parse_dataset",
]


@dataclass(frozen=True)
class Settings:
    """All settings: a field that is a dataclass is a section of the settings file, every other field a plain key."""

    dataset: Dataset = field(default_factory=Dataset)
    value: ValueWeights = field(default_factory=ValueWeights)
    simple_score: SimpleScore = field(default_factory=SimpleScore)
    candidates: CandidateLimits = field(default_factory=CandidateLimits)
    cascade: Cascade = field(default_factory=Cascade)
    fan_out: FanOut = field(default_factory=FanOut)
    taste: TasteWeights = field(default_factory=TasteWeights)
    new_users: NewUsers = field(default_factory=NewUsers)
    new_posts: NewPosts = field(default_factory=NewPosts)
    policy: PolicyRules = field(default_factory=PolicyRules)
    pool: PoolRules = field(default_factory=PoolRules)
    rerank: RerankRules = field(default_factory=RerankRules)
    exploration: Exploration = field(default_factory=Exploration)
    ads: AdRules = field(default_factory=AdRules)
    audit: AuditThresholds = field(default_factory=AuditThresholds)
    publish: PublishRules = field(default_factory=PublishRules)
    fresh: FreshRules = field(default_factory=FreshRules)
    smoothing: Smoothing = field(default_factory=Smoothing)
    rules: FeatureRules = field(default_factory=FeatureRules)
    negatives: NegativeSampling = field(default_factory=NegativeSampling)
    propensities: Propensities = field(default_factory=Propensities)
    content: Content = field(default_factory=Content)
    labels: Labels = field(default_factory=Labels)
    evaluation: Evaluation = field(default_factory=Evaluation)
    promotion: Promotion = field(default_factory=Promotion)
    communities: CommunityRules = field(default_factory=CommunityRules)
    suggestions: SuggestionRules = field(default_factory=SuggestionRules)
    erasure: ErasureRules = field(default_factory=ErasureRules)
    models: Models = field(default_factory=Models)
    training: Training = field(default_factory=Training)
    reader: ReaderRules = field(default_factory=ReaderRules)
    reader_limits: ReaderLimits = field(default_factory=ReaderLimits)
    page: PageRules = field(default_factory=PageRules)
    collector: CollectorRules = field(default_factory=CollectorRules)
    drain: DrainRules = field(default_factory=DrainRules)
    simulation: Simulation = field(default_factory=Simulation)
    value_preset: Annotated[str, OneOf(tuple(VALUE_PRESETS))] = "default"
    gate_in_memory_mb: Annotated[int, Bounds(0, 100_000)] = 128
    example_files: Annotated[int, Bounds(1, 10_000)] = 4
    seed: Annotated[int, Bounds(0, 2**31 - 1)] = 20

    @property
    def heavy_candidates(self) -> int:
        """Number of a user's candidates, if there are so many, that the heavy model scores at least."""
        return self.cascade.heavy_candidates if self.models.light else self.candidates.total
