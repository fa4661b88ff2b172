"""What doctor says of a GPU."""

from __future__ import annotations

from runtime.app.upkeep import gpu_outlook


def test_no_gpu_no_line() -> None:
    assert list(gpu_outlook(None, 0, lambda: "never asked")) == []


def test_a_gpu_with_room() -> None:
    answers, hearing = gpu_outlook((81_079, 81_559), 1, lambda: None)
    assert answers.startswith("ok ") and "81079 of 81559 MiB" in answers and "qwen3-vl-8b" in answers
    assert hearing == "ok       hearing: on the GPU"


def test_a_small_one_without_cublas() -> None:
    answers, hearing = gpu_outlook((3_000, 4_096), 1, lambda: "cuBLAS 12 is not here")
    assert answers.startswith("note ") and hearing == "note     hearing: on the CPU: cuBLAS 12 is not here"
