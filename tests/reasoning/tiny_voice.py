"""Voices in piper's format that hum their phonemes' numbers: made here, small, and run by the real onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

SAMPLES = 200
"""Samples for each number of the network's input."""
RATE_HZ = 8000
SIGNS = "_^$ ,.?!:;abcdefghijklmnopqrstuvwxyzɪəʌɛæɑɔʊŋθðʃʒɹɚɐᵻˈˌː"


def write_voice(folder: Path, *, endless: bool = False, name: str = "tiny") -> Path:
    """endless: it never comes to an end."""
    nodes = [
        helper.make_node("Cast", ["input"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["numbers", "last"], ["column"]),
        helper.make_node("Expand", ["column", "wide"], ["rows"]),
        helper.make_node("Reshape", ["rows", "flat"], ["sound"]),
    ]
    constants = [
        helper.make_tensor("last", TensorProto.INT64, [1], [2]),
        helper.make_tensor("wide", TensorProto.INT64, [3], [1, 1, SAMPLES]),
        helper.make_tensor("flat", TensorProto.INT64, [4], [1, 1, 1, -1]),
    ]
    if endless:
        body = helper.make_graph(
            [
                helper.make_node("Identity", ["on"], ["still_on"]),
                helper.make_node("Add", ["carried", "carried"], ["carried_on"]),
            ],
            "body",
            [
                helper.make_tensor_value_info("round", TensorProto.INT64, []),
                helper.make_tensor_value_info("on", TensorProto.BOOL, []),
                helper.make_tensor_value_info("carried", TensorProto.FLOAT, [1, 1, 1, None]),
            ],
            [
                helper.make_tensor_value_info("still_on", TensorProto.BOOL, []),
                helper.make_tensor_value_info("carried_on", TensorProto.FLOAT, [1, 1, 1, None]),
            ],
        )
        nodes.append(helper.make_node("Loop", ["rounds", "yes", "sound"], ["output"], body=body))
        constants += [
            helper.make_tensor("rounds", TensorProto.INT64, [], [2**40]),
            helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["sound"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, None])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    facts = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_speakers": 1,
        "phoneme_id_map": {sign: [number] for number, sign in enumerate(SIGNS)},
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps(facts), encoding="utf-8")
    return path
