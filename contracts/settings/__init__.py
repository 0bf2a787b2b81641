"""Every number of the night that someone may want to change, in one place each; one file for each part of a night."""

from dataclasses import dataclass, field

from contracts.settings.contents import Content, Labels
from contracts.settings.dataset import Dataset, parse_dataset
from contracts.settings.examples import Evaluation, NegativeSampling, Propensities, TrainingMinimum
from contracts.settings.features import CommunityRules, FeatureRules, Smoothing, SuggestionRules
from contracts.settings.models import Models
from contracts.settings.publishing import AuditThresholds, ErasureRules, PublishRules
from contracts.settings.ranking import CandidateLimits, PoolRules, SimpleScore, ValueWeights

__all__ = [
    "AuditThresholds",
    "CandidateLimits",
    "CommunityRules",
    "Content",
    "Dataset",
    "ErasureRules",
    "Evaluation",
    "FeatureRules",
    "Labels",
    "Models",
    "NegativeSampling",
    "PoolRules",
    "Propensities",
    "PublishRules",
    "Settings",
    "SimpleScore",
    "Smoothing",
    "SuggestionRules",
    "TrainingMinimum",
    "ValueWeights",
    "parse_dataset",
]


@dataclass(frozen=True)
class Settings:
    """All settings of a night."""

    dataset: Dataset = field(default_factory=Dataset)
    value: ValueWeights = field(default_factory=ValueWeights)
    simple_score: SimpleScore = field(default_factory=SimpleScore)
    candidates: CandidateLimits = field(default_factory=CandidateLimits)
    pool: PoolRules = field(default_factory=PoolRules)
    audit: AuditThresholds = field(default_factory=AuditThresholds)
    publish: PublishRules = field(default_factory=PublishRules)
    smoothing: Smoothing = field(default_factory=Smoothing)
    rules: FeatureRules = field(default_factory=FeatureRules)
    negatives: NegativeSampling = field(default_factory=NegativeSampling)
    propensities: Propensities = field(default_factory=Propensities)
    content: Content = field(default_factory=Content)
    labels: Labels = field(default_factory=Labels)
    evaluation: Evaluation = field(default_factory=Evaluation)
    communities: CommunityRules = field(default_factory=CommunityRules)
    suggestions: SuggestionRules = field(default_factory=SuggestionRules)
    erasure: ErasureRules = field(default_factory=ErasureRules)
    example_files: int = 4
    models: Models = field(default_factory=Models)
    seed: int = 20
