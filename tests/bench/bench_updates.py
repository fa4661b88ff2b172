"""What was said changes: is the new answer given now, and the old one as of then? With facts and without.

    python -m tests.bench.bench_updates [--show]

tests/bench/update_items.jsonl: somebody says one thing, a week later another; all of it lies in one memory, with small
talk around it. Each question is asked as of the days between, and now. No language model.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from memory import Memory, Message, Store
from runtime.app.context import App, open_answerer, open_app
from runtime.messages import Query

ITEMS = Path(__file__).with_name("update_items.jsonl")
DAY_S = 86_400.0
BEGIN_S = 1_714_550_400.0
TALK = (
    "What a long week that was.",
    "The rain has not stopped since Sunday.",
    "Did you see the news about the ferry?",
    "I am late again, sorry.",
    "Shall we have lunch tomorrow?",
    "The bus was full this morning.",
)


def messages(items: list[dict[str, str]]) -> list[Message]:
    out = []
    for number, item in enumerate(items):
        for week, what in enumerate((item["first"], item["then"])):
            at_s = BEGIN_S + 7 * DAY_S * week + 600.0 * number
            session = f"{number:02d}-{week}"
            out.append(Message(TALK[(number + week) % len(TALK)], at_s, session, item["speaker"]))
            out.append(Message(what, at_s + 60.0, session, item["speaker"]))
            out.append(Message(TALK[(number + week + 3) % len(TALK)], at_s + 120.0, session, item["speaker"]))
    return out


async def measure(app: App, facts: bool, show: bool) -> dict[str, Any]:
    items = [json.loads(line) for line in ITEMS.read_text("utf-8").splitlines()]
    settings = app.settings.answer.model_copy(update={"facts": facts})
    app = App(
        app.settings.model_copy(update={"answer": settings}),
        app.registry,
        app.compute,
        app.metrics,
        app.models,
        app.clock,
    )
    encoder = await app.models.text_encoder()
    right = {"then": 0, "now": 0}
    with tempfile.TemporaryDirectory(prefix="hearsight-updates-") as folder:
        async with await Memory.open(Path(folder) / "m", encoder, read_only=False) as memory:
            await memory.add(messages(items), source="chat")
        async with await Memory.open(Path(folder) / "m", encoder, read_only=False) as memory:
            await memory.consolidate()
        async with (
            await Store.open(Path(folder) / "m", encoder, read_only=True) as store,
            open_answerer(app, store, None) as (answerer, _),
        ):
            for item in items:
                for when, as_of_s in (("then", BEGIN_S + 3 * DAY_S), ("now", BEGIN_S + 20 * DAY_S)):
                    answer = await answerer.answer(Query("q", item["question"], as_of_s))
                    wanted, other = (
                        (item["old"], item["new"]) if when == "then" else (item["new"], item["old"])
                    )
                    text = "" if answer.abstained else answer.text
                    good = wanted.casefold() in text.casefold() and other.casefold() not in text.casefold()
                    right[when] += good
                    if show and not good:
                        print(f"{when:4}  {item['question']}  ({wanted})  {answer.text!r}")
    return {"questions": len(items), "right_then": right["then"], "right_now": right["now"]}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", action="store_true", help="what was answered wrongly")
    args = parser.parse_args()
    options = argparse.Namespace(config=None, overrides=[], quiet=True)
    async with open_app(options) as app:
        for facts in (False, True):
            found = await measure(app, facts, args.show)
            print(json.dumps({"facts": facts} | found))


if __name__ == "__main__":
    asyncio.run(main())
