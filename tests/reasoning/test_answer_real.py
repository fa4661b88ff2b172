"""`hearsight ask` as a user types it, over a memory of the talk, with a real vLLM that serves SmolLM2 on the CPU.

The commands see a cache of their own, in which the weights and vLLM's environment are links to the user's: the user's
own server, if one runs, is neither asked nor stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reasoning import engine_server
from reasoning.engine_models import SMALL
from reasoning.engine_state import EngineState, engine_folder, log_file, read_state
from runtime.clock import SystemClock
from runtime.model_cache import cache_root
from runtime.weights import Registry
from tests.conftest import require
from tests.reasoning.engine_for_tests import engine_python, small_model

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(900)]

TALK = Path(__file__).parent.parent / "fixtures" / "talk.mp4"
NEEDED = ("whisper-base", "minilm", "efficientnet-lite2", "en-core-web-sm")
QUESTIONS = (
    "Which bus leaves at 09:40?",
    "What can you do for your country?",
    "What does the slide say about the bus?",
    "What is bus 27?",
)
STORY = "Write a long story about bus 27."
PATIENCE = ("--set", "engine.first_token_timeout_s=3", "--set", "answer.answer_tokens=1500")
EVIDENCE = "the evidence itself is the answer"


@dataclass(frozen=True)
class User:
    """Types commands. cache: the user's own. memory: of the talk."""

    cache: Path
    memory: Path

    @property
    def engine(self) -> Path:
        return self.cache / "engine"

    @property
    def state(self) -> EngineState:
        state = read_state(self.engine)
        assert state is not None and state.server is not None
        return state

    @property
    def capable(self) -> tuple[str, ...]:
        """Settings under which the same server is taken for a large model, which answers by itself."""
        address = self.state.address
        settings = {
            "mode": "remote",
            "url": address.url,
            "model": address.model,
            "context_tokens": address.context_tokens,
        }
        return tuple(part for key, value in settings.items() for part in ("--set", f"engine.{key}={value}"))

    def start(self, *args: str | Path, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "runtime.app.cli", *map(str, args)]
        own = {
            "HEARSIGHT_CACHE": str(self.cache),
            "HEARSIGHT__ENGINE__DEVICE": "cpu",
            "HEARSIGHT__ENGINE__MODEL": SMALL,
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | own | env)

    def run(self, *args: str | Path, **env: str) -> str:
        return finished(self.start(*args, **env))

    def ask(self, question: str, *options: str, **env: str) -> dict[str, Any]:
        line = self.run(*options, "ask", question, "--memory", self.memory, "--json", **env)
        answer: dict[str, Any] = json.loads(line)
        return answer


def finished(process: subprocess.Popen[str]) -> str:
    stdout, stderr = process.communicate(timeout=400)
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    return stdout


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    here = {s.spec.name for s in Registry.load().status() if s.present}
    require(here.issuperset(NEEDED), "the default weights are not here: hearsight models pull")
    python, _ = engine_python(), small_model()
    one = User(tmp_path_factory.mktemp("user"), tmp_path_factory.mktemp("talk") / "memory")
    one.engine.mkdir()
    (one.cache / "models").symlink_to(cache_root() / "models")
    environment = python.parent.parent
    if environment.parent == engine_folder():
        (one.engine / environment.name).symlink_to(environment)
    try:
        one.run("ingest", TALK, "--memory", one.memory, "--quiet")
        one.run("engine", "start")
        yield one
    finally:
        asyncio.run(engine_server.stop(folder=one.engine))
        print(log_file(one.engine).read_text()[-4000:] if log_file(one.engine).exists() else "no log")


@pytest.fixture(scope="module")
def question(user: User) -> str:
    """One that the model is needed for: the answering words do not stand out by themselves."""
    for text in QUESTIONS:
        if user.ask(text)["completion_tokens"] > 0:
            return text
    pytest.fail("the model was asked for none of the questions")


def test_the_model_is_asked(user: User, question: str) -> None:
    answer = user.ask(question)
    assert answer["prompt_tokens"] > 20 and answer["completion_tokens"] > 0
    assert not answer["abstained"] and "note" not in answer
    assert answer["evidence"][0]["text"].splitlines()[0] in answer["answer"]
    shown = user.run("ask", question, "--memory", user.memory)
    assert answer["answer"] in shown and "Evidence:" in shown


def test_it_is_not_asked_in_vain(user: User) -> None:
    assert user.ask("When was bus 27 shown?")["completion_tokens"] == 0
    assert user.ask("What is the landlord's phone number?")["completion_tokens"] == 0


def test_taken_for_a_capable_model_it_is_checked(user: User) -> None:
    """What it says without proof is not believed."""
    answer = user.ask("When does bus 27 leave?", *user.capable, HEARSIGHT_ENGINE_KEY=user.state.key)
    assert answer["prompt_tokens"] > 200 and answer["completion_tokens"] > 0
    assert answer["abstained"] or "09:40" in answer["answer"] or not any(map(str.isdigit, answer["answer"]))
    assert user.state.key not in json.dumps(answer)


@contextmanager
def frozen(state: EngineState) -> Iterator[None]:
    """The server and its children stand still: connections are accepted, by the kernel, and nothing comes."""
    assert state.server is not None
    os.killpg(state.server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(state.server.pid, signal.SIGCONT)


def test_it_accepts_and_never_answers(user: User, question: str) -> None:
    with frozen(user.state):
        answer = user.ask(question, *PATIENCE)
    assert "did not answer in time" in answer["note"] and answer["note"].endswith(EVIDENCE)
    assert not answer["abstained"]
    assert answer["evidence"][0]["text"].splitlines()[0] in answer["answer"]
    assert 3.0 <= answer["latency_s"] < 30.0
    assert user.ask(question)["completion_tokens"] > 0


@contextmanager
def telling_a_story(user: User) -> Iterator[subprocess.Popen[str]]:
    """A command that is in the middle of a long answer: the words that came are on the screen."""
    key = user.state.key
    options = (*user.capable, *PATIENCE)
    with user.start(*options, "ask", STORY, "--memory", user.memory, HEARSIGHT_ENGINE_KEY=key) as process:
        assert process.stdout is not None
        assert process.stdout.read(30).strip()
        yield process


def test_it_stops_in_the_middle_of_an_answer(user: User) -> None:
    with telling_a_story(user) as process, frozen(user.state):
        shown = finished(process)
    assert f"stopped in the middle of the answer: {EVIDENCE})\nEvidence:" in shown


def test_it_is_killed_in_the_middle_of_an_answer(user: User, question: str) -> None:
    before = user.state
    assert before.server is not None
    with telling_a_story(user) as process:
        os.kill(before.server.pid, signal.SIGKILL)
        shown = finished(process)
    assert f"broke off in the middle of the answer: {EVIDENCE})\nEvidence:" in shown

    at_once = user.ask(question)
    assert "still starting" in at_once["note"] and not at_once["abstained"]
    user.run("engine", "start")
    again = user.ask(question)
    assert again["completion_tokens"] > 0 and "note" not in again, again
    after = user.state
    assert (after.restarts, after.supervisor) == (before.restarts + 1, before.supervisor)


def test_a_question_starts_it_for_the_next_one(user: User, question: str) -> None:
    assert user.run("engine", "stop").strip() == "stopped"
    first = user.ask(question)
    assert "still starting" in first["note"] and not first["abstained"]
    asyncio.run(until_ready(user))
    second = user.ask(question)
    assert second["completion_tokens"] > 0 and "note" not in second, second
    assert user.run("engine", "status").startswith("ready smollm2-135m")


async def until_ready(user: User) -> None:
    async with asyncio.timeout(400):
        while (await engine_server.status(folder=user.engine)).phase != "ready":
            await SystemClock().sleep(0.5)
