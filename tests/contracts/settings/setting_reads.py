"""Find the settings that the code reads, from its syntax.

A name or attribute stands for a section where it is annotated with the section's class (or a subclass of it) or is
assigned from ``….<section>``; what is read of it counts for the section. ``getattr`` with a computed name reads the
fields that ``NAMED_BY_DATA`` lists. A property of a section reads for whoever
reads the property. SQL reads keys of the data set as ``:key``.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

from contracts.candidate_sources import CANDIDATE_SOURCES
from contracts.heads import HEADS
from contracts.settings import Settings
from contracts.settings.load import SECTIONS
from contracts.settings.models import ROLES

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("analysis", "contracts", "models", "spark_jobs", "serving", "infra")
OWN = ROOT / "contracts" / "settings"
NAMED_BY_DATA = {
    "value": {head.value_weight for head in HEADS},
    "models": set(ROLES),
    "candidates": {source.name for source in CANDIDATE_SOURCES},
}
"""The fields that ``getattr`` with a computed name can read, by section; in any other section it is refused."""


def all_settings() -> set[str]:
    named = {f"{section}.{item.name}" for section, cls in SECTIONS.items() for item in fields(cls)}
    return named | {item.name for item in fields(Settings) if item.name not in SECTIONS}


def sources() -> list[str]:
    files = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    return [path.read_text() for path in files if OWN not in path.parents]


def queries() -> list[str]:
    return [path.read_text() for path in sorted((ROOT / "sql").rglob("*.sql"))]


def settings_read(code: Iterable[str], sql: Iterable[str] = ()) -> set[str]:
    """Full names of the settings that any of the sources or queries reads."""
    trees = [ast.parse(text) for text in code]
    classes = _classes(trees)
    read = {name for tree in trees for name in _read_in(tree, classes)}
    for section, cls in SECTIONS.items():
        for name, body in _properties(cls).items():
            if f"{section}.{name}" in read:
                read |= {f"{section}.{inner}" for inner in body}
    bound = {f"dataset.{name}" for text in sql for name in re.findall(r":(\w+)", text)}
    return (read | bound) & all_settings()


def _classes(trees: Iterable[ast.Module]) -> dict[str, str]:
    """Section by the name of its class, and by the names of subclasses."""
    found = {cls.__name__: section for section, cls in SECTIONS.items()}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if _last(base) in found:
                        found[node.name] = found[_last(base)]
    return found


def _read_in(tree: ast.Module, classes: dict[str, str]) -> set[str]:
    known = _names(tree, classes)
    read = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            read |= {f"{section}.{node.attr}" for section in _sections_of(node.value, known)}
            if _last(node.value) == "settings":
                read.add(node.attr)
        elif isinstance(node, ast.Call) and _last(node.func) == "getattr" and len(node.args) > 1:
            name = str(node.args[1].value) if isinstance(node.args[1], ast.Constant) else None
            for section in _sections_of(node.args[0], known):
                assert name is not None or section in NAMED_BY_DATA, f"list what getattr can read of [{section}]"
                names = NAMED_BY_DATA[section] if name is None else {name}
                read |= {f"{section}.{one}" for one in names}
    return read


def _names(tree: ast.Module, classes: dict[str, str]) -> dict[str, set[str]]:
    """Sections that names and attributes of a module stand for."""
    known: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        annotated = node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else None
        if annotated is not None:
            name = node.arg if isinstance(node, ast.arg) else _last(node.target)  # type: ignore[attr-defined]
            known[name] |= {classes[w.id] for w in ast.walk(annotated) if isinstance(w, ast.Name) and w.id in classes}
    for _ in range(2):  # a name may be assigned from one that is assigned further down
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target, value in _pairs(node.targets[0], node.value):
                    known[_last(target)] |= _sections_of(value, known)
    return known


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _sections_of(node: ast.expr, known: dict[str, set[str]]) -> set[str]:
    """Sections that an expression stands for: ``….settings.pool``, a known name, ``self.<known>``."""
    if isinstance(node, ast.BoolOp):
        return {section for part in node.values for section in _sections_of(part, known)}
    if isinstance(node, ast.Attribute) and _last(node.value) == "settings" and node.attr in SECTIONS:
        return {node.attr}
    if isinstance(node, ast.Attribute) and node.attr == "dataset":
        return {"dataset"}
    if isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _last(node.value) == "self"):
        return known.get(_last(node), set()) | known.get(_last(node).lstrip("_"), set())
    return set()


def _last(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@cache
def _properties(cls: type) -> dict[str, set[str]]:
    """What each property of a section reads of it."""
    tree = ast.parse("\n".join(path.read_text() for path in sorted(OWN.glob("*.py"))))
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and is_dataclass(cls):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name != "__post_init__":
                    reads = (n for n in ast.walk(part) if isinstance(n, ast.Attribute) and _last(n.value) == "self")
                    found[part.name] = {read.attr for read in reads}
    return found
