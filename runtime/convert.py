"""Turns packaged weights into the form that Hearsight loads. Run once per model, as a script of its own:

    python convert.py KIND SOURCE_DIR OUT_DIR

It imports nothing of Hearsight, because language models are converted by the engine's Python, where Hearsight is not
installed; and torch stays out of the process that asked for the weights. OUT_DIR must exist and be empty.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path


def minilm(source: Path, out: Path) -> None:
    """all-MiniLM-L6-v2 as a CTranslate2 int8 encoder, its tokenizer beside it."""
    from ctranslate2.converters import TransformersConverter

    converter = TransformersConverter(str(source), copy_files=["tokenizer.json"])
    converter.convert(str(out), quantization="int8", force=True)
    facts = {"pooling": "mean", "max_tokens": 256, "dim": 384}
    (out / "encoder.json").write_text(json.dumps(facts, indent=2) + "\n")


def efficientnet_lite(source: Path, out: Path) -> None:
    """EfficientNet-Lite as ONNX: images (n, 3, s, s) -> logits (n, 1000) and pooled features (n, 1280).

    Higher Lite numbers are wider and deeper; which one this is follows from the weights' file name.
    Class names go to classes.txt, one a line; how to prepare an image goes to preprocess.json.
    """
    import torch
    from open_clip import IMAGENET_CLASSNAMES

    sys.path.insert(0, str(source))
    from efficientnet_lite_pytorch import EfficientNet

    weights = next(source.glob("efficientnet-lite*.pth"))
    name = "-".join(weights.stem.split("-")[:2])
    net = EfficientNet.from_name(name).eval()
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)

    class LogitsAndFeatures(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = net  # as a submodule, or the exporter would not know its weights

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            features = self.net._avg_pooling(self.net.extract_features(images)).flatten(1)
            return self.net._fc(features), features

    size = EfficientNet.get_image_size(name)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # The TorchScript exporter needs only `onnx`; the newer one would need onnxscript as well.
        torch.onnx.export(
            LogitsAndFeatures().eval(),
            (torch.zeros(2, 3, size, size),),
            str(out / "model.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            output_names=["logits", "features"],
            dynamic_axes={key: {0: "n"} for key in ("images", "logits", "features")},
        )
    (out / "classes.txt").write_text("".join(f"{label}\n" for label in IMAGENET_CLASSNAMES), encoding="utf-8")
    # Scale of the original TensorFlow models (efficientnet_lite_builder.py): (rgb - 127) / 128.
    facts = {
        "input": "images",
        "size": size,
        "layout": "NCHW",
        "colour": "RGB",
        "mean": 127.0,
        "std": 128.0,
        "interpolation": "bicubic",
        "crop_fraction": round(size / (size + 32), 4),
        "features": 1280,
    }
    (out / "preprocess.json").write_text(json.dumps(facts, indent=2) + "\n")


def ge2e(source: Path, out: Path) -> None:
    """Resemblyzer's speaker encoder as ONNX: mel frames (n, 160, 40) -> unit vectors (n, 256).

    Three LSTM layers, the last hidden state through a linear layer and a ReLU, to length 1 (GE2E, Wan et al., 2018).
    """
    import torch

    class Encoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(40, 256, 3, batch_first=True)
            self.linear = torch.nn.Linear(256, 256)

        def forward(self, mels: torch.Tensor) -> torch.Tensor:
            _, (hidden, _) = self.lstm(mels)
            return torch.nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)

    state = torch.load(source / "pretrained.pt", map_location="cpu", weights_only=True)["model_state"]
    net = Encoder().eval()
    # What else is in there scales the similarities of the training loss.
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith("similarity_")}, strict=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(2, 160, 40),),
            str(out / "model.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=["mels"],
            output_names=["vectors"],
            dynamic_axes={key: {0: "n"} for key in ("mels", "vectors")},
        )


def gguf(source: Path, out: Path) -> None:
    """A GGUF file as a bfloat16 safetensors folder with tokenizer and chat template, as vLLM serves it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    file = next(source.glob("*.gguf")).name
    model = AutoModelForCausalLM.from_pretrained(str(source), gguf_file=file, dtype=torch.bfloat16)
    # The weights are plain now; without this they would be saved as if they were still quantised.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(str(out))
    tokenizer = AutoTokenizer.from_pretrained(str(source), gguf_file=file)
    if not tokenizer.chat_template:
        raise ValueError(f"{file} has no chat template")
    tokenizer.save_pretrained(str(out))


def wordnet(source: Path, out: Path) -> None:
    """WordNet's nouns, verbs and adjectives. Its nouns come in two parts, the first without the end of its last line."""
    for part in ("index.noun", "index.verb", "index.adj", "data.verb", "data.adj"):
        (out / part).write_bytes((source / part).read_bytes())
    nouns = b"\n".join((source / part).read_bytes() for part in ("data.noun1", "data.noun2"))
    (out / "data.noun").write_bytes(nouns)


KINDS: dict[str, Callable[[Path, Path], None]] = {
    "efficientnet-lite": efficientnet_lite,
    "ge2e": ge2e,
    "gguf": gguf,
    "minilm": minilm,
    "smollm2": gguf,
    "wordnet": wordnet,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 3 or arguments[0] not in KINDS:
        print(f"usage: convert.py {{{','.join(sorted(KINDS))}}} SOURCE_DIR OUT_DIR", file=sys.stderr)
        return 2
    KINDS[arguments[0]](Path(arguments[1]), Path(arguments[2]))
    return 0


if __name__ == "__main__":
    from torchvision_operators import INSTALLED_AS, install  # type: ignore[import-not-found]  # beside this script

    if INSTALLED_AS not in sys.modules:  # the engine's Python has it from its start
        install()
    # A script's own folder heads sys.path, and runtime/models.py must not shadow a library's module.
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    raise SystemExit(main(sys.argv[1:]))
