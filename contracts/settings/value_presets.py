"""Value weights by name: ``value_preset`` chooses one, and keys of ``[value]`` change single weights of it.

``time`` and ``quality`` sum engagement, time and a third part, without penalties; a like, a comment and a share each
count as engagement. These two and ``balanced`` weigh time by the minute. ``x-2026`` has the weights that X published in
August 2026, for the heads that we have; X weighs reposts and shares apart, and the weight of shares is used here. Its
weights of clicks, of an author's further posts and of posts from outside the network have no counterpart.
"""

from contracts.settings.ranking import ValueWeights

_PER_MINUTE = 1 / 60

VALUE_PRESETS: dict[str, ValueWeights] = {
    "default": ValueWeights(),
    "seed": ValueWeights(age_decay_per_h=0.05),
    "balanced": ValueWeights(like=0.4, comment=0.3, share=0.2, hide=-2.0, report=-5.0, dwell_per_s=0.1 * _PER_MINUTE),
    "time": ValueWeights(like=0.5, comment=0.5, share=0.5 + 0.2, hide=0.0, report=0.0, dwell_per_s=0.3 * _PER_MINUTE),
    "quality": ValueWeights(
        like=0.4, comment=0.4, share=0.4, hide=0.0, report=0.0, dwell_per_s=0.3 * _PER_MINUTE, quality=0.3
    ),
    "x-2026": ValueWeights(like=0.5, comment=5.0, share=2.0, hide=-43.2, report=-234.0, dwell_per_s=0.004),
}
