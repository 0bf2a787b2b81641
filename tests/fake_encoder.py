"""A package like the packaged sentence encoder, without a network: a text's vector is the sum of its words' vectors."""

from pathlib import Path
from zipfile import ZipFile

PACKAGE = "feedlake-fake-encoder"
DIMENSIONS = 12
CODE = f"""
from zlib import crc32

import numpy as np

LOADED = []


class Encoder:
    def encode(self, texts, **how):
        assert how["normalize_embeddings"] and how["convert_to_numpy"]
        vectors = np.ones((len(texts), {DIMENSIONS}), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row] += np.random.default_rng(crc32(word.encode())).standard_normal({DIMENSIONS})
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def load_model(device):
    LOADED.append(device)
    return Encoder()
"""


def packed(folder: Path, version: str = "1.0") -> Path:
    """An archive that Python imports from, with the package and what an installer notes of it."""
    archive = folder / f"fake_encoder-{version}.zip"
    name = PACKAGE.replace("-", "_")
    with ZipFile(archive, "w") as files:
        files.writestr(f"{name}/__init__.py", CODE)
        files.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n"
        )
    return archive
