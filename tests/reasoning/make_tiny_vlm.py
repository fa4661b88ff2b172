"""Makes a tiny model that takes images: a random CLIP tower of 112 px in front of SmolLM2, as a Llava.

    python make_tiny_vlm.py SMOLLM2_DIR OUT_DIR      (with the Python of the engine's environment)

It sees nothing, but a real server serves it: an image costs (112 / 14)^2 = 64 prompt tokens.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
)

IMAGE_TOKEN = "<image>"
IMAGE_PX, PATCH_PX = 112, 14


def main(language_dir: Path, out: Path) -> None:
    torch.manual_seed(0)
    language = AutoModelForCausalLM.from_pretrained(language_dir, dtype=torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(language_dir)
    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE_TOKEN]})
    language.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64)

    vision = CLIPVisionConfig(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=IMAGE_PX,
        patch_size=PATCH_PX,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=language.config,
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        tie_word_embeddings=True,
    )
    model = LlavaForConditionalGeneration(config).to(torch.bfloat16)
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.tie_weights()

    size = {"height": IMAGE_PX, "width": IMAGE_PX}
    images = CLIPImageProcessor(size={"shortest_edge": IMAGE_PX}, crop_size=size)
    processor = LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=PATCH_PX,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    )
    processor.save_pretrained(out)
    model.save_pretrained(out)
    # vLLM knows these weights by their older names.
    old_names = {}
    for name, weight in model.state_dict().items():
        old = name.removeprefix("model.")
        if old.startswith("language_model."):
            old = old.replace("language_model.", "language_model.model.", 1)
        if old.startswith("vision_tower.") and not old.startswith("vision_tower.vision_model."):
            old = old.replace("vision_tower.", "vision_tower.vision_model.", 1)
        if name != "lm_head.weight":
            old_names[old] = weight.clone().contiguous()
    for stale in out.glob("*.safetensors*"):
        stale.unlink()
    save_file(old_names, out / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
