"""Networks, one per file: ``models/networks/<name>.py`` holds the class of that name in camel case."""

from importlib import import_module
from pkgutil import iter_modules

from models.network import Network


def network_names() -> tuple[str, ...]:
    """Names of all networks."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def network_of(name: str) -> type[Network]:
    """The network called ``name``; an unknown name raises ``ValueError`` that lists the known ones."""
    if name not in network_names():
        raise ValueError(f"unknown network {name!r}; networks are {', '.join(network_names())}")
    class_name = name.title().replace("_", "")
    found: type[Network] = getattr(import_module(f"{__name__}.{name}"), class_name)
    return found
