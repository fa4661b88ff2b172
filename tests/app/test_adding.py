"""hearsight memory add, ask and eval locomo, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.app.commandline import fails_with_one_line, hearsight
from tests.memory.test_documents import write_pdf

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parent.parent / "fixtures"
CHAT = """
{"session": "monday", "time": "2024-05-06T09:30", "speaker": "Ana", "text": "The ferry notice went up. The last boat is at ten."}
{"session": "monday", "speaker": "Ben", "text": "Shall we take the lamp with us?"}
{"session": "monday", "speaker": "Ana", "text": "Yes, I put it in the blue bag."}
{"session": "friday", "time": "2024-05-10T18:00", "speaker": "Ben", "text": "I sold my bicycle and bought a kayak."}
"""


def answer(memory: Path, question: str, *more: str) -> dict[str, Any]:
    done = hearsight("ask", question, "--memory", memory, "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_was_written_is_remembered_once_and_answered(tmp_path: Path) -> None:
    chat, note, memory = tmp_path / "chat.jsonl", tmp_path / "2024-05-07 garden.md", tmp_path / "m"
    chat.write_text(CHAT)
    note.write_text("Planted three rows of beans by the wall.\n")
    for new in (4, 0):
        done = hearsight("memory", "add", chat, note, "--memory", memory)
        assert done.returncode == 0, done.stderr
        assert f"chat.jsonl: {new} new" in done.stdout
    bought = answer(memory, "What did Ben buy?")
    assert "kayak" in bought["answer"]
    assert bought["evidence"][0]["text"].startswith("Ben: I sold my bicycle")
    assert "blue bag" in answer(memory, "Where did Ana put the lamp?")["answer"]
    assert "2024-05-07" in answer(memory, "How many rows of beans were planted?")["answer"]
    past = answer(memory, "What did Ben buy?", "--as-of", "2024-05-08")
    assert "kayak" not in past["answer"] + " ".join(e["text"] for e in past["evidence"])
    fails_with_one_line(hearsight("memory", "add", tmp_path / "none.md", "--memory", memory), "no such file")
    fails_with_one_line(hearsight("memory", "add", memory, "--memory", memory), "is not a file")


def test_the_text_in_a_picture_is_remembered(tmp_path: Path) -> None:
    picture = np.full((160, 900, 3), 255, np.uint8)
    cv2.putText(picture, "Locker code 4417", (30, 100), cv2.FONT_HERSHEY_SIMPLEX, 2.5, (0, 0, 0), 5)
    cv2.imwrite(str(tmp_path / "2024-05-07 locker.png"), picture)
    done = hearsight("memory", "add", tmp_path / "2024-05-07 locker.png", "--memory", tmp_path / "m")
    assert done.returncode == 0, done.stderr
    assert "4417" in answer(tmp_path / "m", "What is the locker code?")["answer"]
    (tmp_path / "broken.png").write_text("no picture")
    fails_with_one_line(
        hearsight("memory", "add", tmp_path / "broken.png", "--memory", tmp_path / "m"), "picture"
    )


def test_a_picture_in_a_chat_and_a_document_prove_answers(tmp_path: Path) -> None:
    board = np.full((200, 900, 3), 255, np.uint8)
    cv2.putText(board, "Contact: Ottar Lunde", (30, 100), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    cv2.imwrite(str(tmp_path / "board.png"), board)
    chat = tmp_path / "chat.jsonl"
    chat.write_text(
        '{"time": "2024-06-01T12:00", "speaker": "Ana", "text": "See this.", "images": ["board.png"]}'
    )
    pdf = write_pdf(tmp_path / "report.pdf", [["Contents."], ["The mast cost 7,450 euros."]])
    memory, strip = tmp_path / "m", tmp_path / "strip.jpg"
    for new in (2, 0):
        done = hearsight("memory", "add", chat, pdf, "--memory", memory)
        assert done.returncode == 0, done.stderr
        assert f"chat.jsonl: {new} new" in done.stdout
    found = answer(memory, "Who is the contact?", "--no-engine", "--strip", str(strip))
    assert "Ottar Lunde" in found["answer"]
    assert found["evidence"][0]["place"] == "the picture board.png"
    assert cv2.imread(str(strip)) is not None
    assert (
        "(in report.pdf, page 2 of " in answer(memory, "How much did the mast cost?", "--no-engine")["answer"]
    )
    (tmp_path / "torn.pdf").write_text("%PDF-1.4")
    fails_with_one_line(hearsight("memory", "add", tmp_path / "torn.pdf", "--memory", memory), "torn.pdf")


def test_locomo_on_a_made_up_conversation(tmp_path: Path) -> None:
    def turns(session: int, *texts: str) -> list[dict[str, str]]:
        speakers = ("Ana", "Ben")
        return [
            {"speaker": speakers[i % 2], "dia_id": f"D{session}:{i + 1}", "text": text}
            for i, text in enumerate(texts)
        ]

    sample = {
        "sample_id": "made up",
        "conversation": {
            "session_1_date_time": "9:30 am on 6 May, 2024",
            "session_1": turns(
                1, "The ferry notice went up.", "When is the last boat?", "At ten o'clock now."
            ),
            "session_2_date_time": "6:00 pm on 10 May, 2024",
            "session_2": turns(2, "How was your week?", "I sold my bicycle and bought a kayak."),
        },
        "observation": {"session_1_observation": {"Ben": [["a fact that must not be read", "D1:2"]]}},
        "qa": [
            {"question": "What did Ben buy?", "evidence": ["D2:2"], "category": 4, "answer": "a kayak"},
            {
                "question": "When does the last boat leave?",
                "evidence": ["D1:2; D1:3"],
                "category": 1,
                "answer": "at ten",
            },
            {"question": "What did Ana buy?", "evidence": ["D2:2"], "category": 5},
            {"question": "Nobody knows?", "evidence": ["D9:9"], "category": 4},
        ],
    }
    file = tmp_path / "sample.json"
    file.write_text(json.dumps([sample]))
    done = hearsight("eval", "locomo", file, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["questions"], report["turns"]) == (2, 5)
    assert report["recall"]["R@5"] == 1.0
    assert report["by_category"]["4"]["R@1"] == 1.0
    assert report["by_category"]["1"]["R@1"] <= 0.5
    fails_with_one_line(hearsight("eval", "locomo", tmp_path / "none.json"), "No such file")
    file.write_text("[{}]")
    fails_with_one_line(hearsight("eval", "locomo", file), "not in LoCoMo's format")


def test_longmemeval_on_the_fixture() -> None:
    file = FIXTURES / "longmemeval-mini.json"
    done = hearsight("eval", "longmemeval", file, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["questions"] == 18
    assert len(report["by_type"]) == 7
    assert report["by_type"]["abstention"]["questions"] == 4
    assert report["by_type"]["abstention"]["abstained"] >= 0.75
    assert report["by_type"]["temporal-reasoning"]["answered"] == 1.0
    assert report["by_type"]["knowledge-update"]["answered"] == 1.0
    assert report["all"]["sessions@10"] == 1.0
    assert report["all"]["turns@5"] >= 0.8


def test_what_is_no_longmemeval(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('[{"question_id": "q"}]')
    fails_with_one_line(hearsight("eval", "longmemeval", file), "not in LongMemEval's format")


def test_personamem_on_the_fixture(tmp_path: Path) -> None:
    done = hearsight("eval", "personamem", FIXTURES / "questions_mini.csv", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["questions"] == 14
    assert len(report["by_type"]) == 7
    assert report["by_type"]["recall_user_shared_facts"]["right"] == 1.0
    assert report["all"]["right"] > 0.6  # of four options each
    assert 0.0 < report["all"]["answered"] < 1.0
    fails_with_one_line(hearsight("eval", "personamem", tmp_path / "questions_x.csv"), "No such file")
