"""A CLIP model of open_clip's own architecture with random weights, small enough to be made in a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perception.vision.clip import import_open_clip

DIM, PATCH, SIDE = 32, 16, 64
CONFIG: dict[str, Any] = {
    "embed_dim": DIM,
    "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 64, "head_width": 32, "patch_size": PATCH},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
WEIGHTS = "open_clip_model.safetensors"


def register(name: str, folder: Path) -> None:
    """Makes the architecture one that open_clip knows by name, as long as the process lives."""
    file = folder / f"{name}.json"
    file.write_text(json.dumps(CONFIG))
    import_open_clip().add_model_config(file)


def make(folder: Path, seed: int = 7) -> Any:
    """Writes the weights and what describes them, as they lie on the hub. Returns the model."""
    open_clip = import_open_clip()
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    model = open_clip.CLIP(**CONFIG).eval()
    save_file({name: part.contiguous() for name, part in model.state_dict().items()}, folder / WEIGHTS)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {}}))
    return model
