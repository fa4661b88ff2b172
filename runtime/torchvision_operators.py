"""Lets torchvision load beside a torch that its compiled half was not built for.

The package index has torchvision only as a CUDA build. With a CPU torch its compiled operators cannot be
loaded, and `import torchvision` fails because it attaches shape functions to operators that do not exist.
Declaring the two operators beforehand is enough: no model served here calls them.

This file is copied into the engine's environment and imported at every start of its Python (a .pth file), so
it must import nothing heavy: it only waits for the first `import torchvision`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

INSTALLED_AS = "hearsight_torchvision"
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


class _BeforeTorchvision:
    """A finder that finds nothing. It declares the operators when torchvision is asked for, then leaves."""

    library: Any = None  # torch drops the operators with the object that declared them

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            self._declare()
        return None

    def _declare(self) -> None:
        import torch

        spec = find_spec("torchvision")
        if spec is None or spec.origin is None:
            return
        try:
            for compiled in Path(spec.origin).parent.glob("_C*.so"):
                torch.ops.load_library(str(compiled))
        except OSError:
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define("nms" + _SCHEMA)
            library.define("qnms" + _SCHEMA)
            type(self).library = library


def install() -> None:
    sys.meta_path.insert(0, _BeforeTorchvision())


if __name__ == INSTALLED_AS:
    install()
