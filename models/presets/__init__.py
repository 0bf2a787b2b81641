"""Presets, one per file: ``models/presets/<name>.py`` holds a function of that name that returns the preset."""

from dataclasses import fields
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from models.networks import network_of
from models.preset import AnyPreset, Boosting, Optimiser, Preset, TreePreset

_OLDER: dict[str, Any] = {"teacher_share": 0.0}
"""Keys that checkpoints from before there were teachers lack, with their values."""


def preset_names() -> tuple[str, ...]:
    """Names of all presets."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def preset_of(name: str) -> AnyPreset:
    """The preset called ``name``; an unknown name raises ``ValueError`` that lists the known ones."""
    if name not in preset_names():
        raise ValueError(f"unknown preset {name!r}; presets are {', '.join(preset_names())}")
    preset: AnyPreset = getattr(import_module(f"{__name__}.{name}"), name)()
    if preset.name != name:
        raise ValueError(f"models/presets/{name}.py returns a preset called {preset.name!r}")
    return preset


def preset_from_json(content: dict[str, Any]) -> AnyPreset:
    """The preset that ``dataclasses.asdict`` turned into ``content``; an unknown network raises ``ValueError``."""
    kind = TreePreset if "boosting" in content else Preset
    if kind is Preset:
        content = _OLDER | content
    known = {item.name for item in fields(kind)}
    if content.keys() != known:
        raise ValueError(f"a preset has the keys {', '.join(sorted(known))}, not {', '.join(sorted(content))}")
    if kind is TreePreset:
        return TreePreset(**content | {"boosting": Boosting(**content["boosting"])})
    sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in content["sizes"].items()}
    values = content | {
        "sizes": network_of(content["network"]).Sizes(**sizes),
        "optimiser": Optimiser(**content["optimiser"]),
    }
    return Preset(**values)
