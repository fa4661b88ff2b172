"""From a question to an answer over a real memory, with the real verifier; a script plays the language model."""

from __future__ import annotations

from pathlib import Path

import pytest

from reasoning import answer as answering_module
from reasoning.answer import NO_ENGINE, NOT_BORNE_OUT
from reasoning.compose import ABSTAINED
from reasoning.engine import Engine
from reasoning.engine_client import estimate_tokens
from reasoning.engine_settings import EngineSettings
from reasoning.engine_state import EngineAddress
from reasoning.times import clock_text
from runtime.errors import InputError
from runtime.messages import Query
from tests.conftest import Run
from tests.reasoning.answering import KEY, NOTICE, RENT, SAID, SIGN, World, picture_times, told
from tests.reasoning.scripted_engine import Script, event, saying, serving, streaming, usage

NETS = "What does the harbour master want?"
BICYCLE = "Who stole the bicycle?"
PRICES = ("40 euros", "55 euros", "70 euros")

pytestmark = pytest.mark.slow


@pytest.fixture
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small model is asked for every answer, however well the answering words stand out."""
    monkeypatch.setattr(answering_module, "_SURE_SPAN", 2.0)


def test_it_answers_with_citations(world: World, run_real: Run) -> None:
    script = Script(lambda p: saying(f"It costs 55 euros a day {p.cite('55 euros')}.", 321, 12))
    came = run_real(world.ask(script, RENT))
    answer = came.answer
    assert answer.text == came.streamed == "It costs 55 euros a day."
    assert len(came.pieces) > 1
    assert not answer.abstained and (answer.engine, answer.note) == ("m", "")
    assert (answer.prompt_tokens, answer.completion_tokens) == (321, 12)
    assert answer.evidence[0].text == SAID[-1][2]
    assert answer.latency_s > 0


def test_what_it_cites_comes_first_in_its_order(world: World, run_real: Run) -> None:
    script = Script(
        lambda p: saying(f"It is 55 euros {p.cite('55 euros')}, it was 40 euros {p.cite('40 euros')}.")
    )
    came = run_real(world.ask(script, RENT))
    texts = [e.text for e in came.answer.evidence]
    assert texts[:2] == [SAID[-1][2], SAID[0][2]]
    assert len({e.id for e in came.answer.evidence}) == len(texts) == 5


def test_it_abstains(world: World, run_real: Run) -> None:
    came = run_real(world.ask(Script(lambda _: saying("NOT IN MEMORY")), RENT))
    assert came.answer.abstained and came.answer.text == came.streamed == ABSTAINED
    assert (came.answer.engine, came.answer.completion_tokens) == ("m", 10)
    assert came.answer.evidence, "what is nearest is shown all the same"


def test_it_looks_again(world: World, run_real: Run) -> None:
    script = Script(
        lambda _: saying("SEARCH: umbrella behind the piano"),
        lambda p: saying(f"Behind the piano {p.cite('umbrella')}."),
    )
    came = run_real(world.ask(script, "Where is it?", candidates=2))
    first, second = script.prompts
    assert "umbrella" not in first.text and "umbrella" in second.text
    assert "SEARCH:" in first.system and "SEARCH:" not in second.system
    assert came.answer.text == came.streamed == "Behind the piano."
    assert came.answer.evidence[0].text == f"{SAID[4][2]} {SAID[5][2]}", "said in one go"
    assert came.answer.prompt_tokens == 200


@pytest.mark.parametrize("rounds", [1, 3])
def test_it_looks_again_so_often_and_no_more(world: World, run_real: Run, rounds: int) -> None:
    script = Script(lambda _: saying("SEARCH: umbrella"))
    came = run_real(world.ask(script, RENT, rounds=rounds))
    assert len(script.prompts) == rounds
    assert came.answer.abstained and came.streamed == ABSTAINED


def test_the_prompt_keeps_to_its_budget(world: World, run_real: Run) -> None:
    script = Script(lambda _: saying("SEARCH: umbrella"))
    run_real(world.ask(script, RENT, engine={"vision": True}, prompt_tokens=700, image_tokens=150))
    assert len(script.prompts) == 2
    for prompt in script.prompts:
        assert estimate_tokens(prompt.system + prompt.text) + 150 * len(prompt.images) <= 700
    assert "55 euros" in script.prompts[0].text


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (RENT, "It costs 70 euros a day {rent}."),
        (RENT, "It costs 55 euros a day {key}."),
        (RENT, "It costs 55 euros a day."),
        (RENT, "It costs 55 euros a day [99]."),
        (KEY, "The key is with Lindqvist now, Helena says {key}."),
        (KEY, "Lindqvist has the key now, Helena says {key}."),
        (KEY, "It hangs beside a door {key}."),
    ],
    ids=[
        "number",
        "cites another",
        "cites nothing",
        "cites what is not there",
        "name",
        "name first",
        "nothing new",
    ],
)
def test_an_answer_that_its_citation_does_not_bear_out(
    world: World, run_real: Run, question: str, says: str
) -> None:
    script = Script(lambda p: saying(says.format(rent=p.cite("55 euros"), key=p.cite("Helena"))))
    came = run_real(world.ask(script, question))
    answer = came.answer
    assert (answer.engine, answer.note) == (None, NOT_BORNE_OUT)
    assert not answer.abstained
    assert ("55 euros" if question == RENT else "Helena Okafor") in answer.text
    assert answer.completion_tokens == 10, "what it cost is told all the same"
    assert came.streamed and not answer.text.startswith(came.streamed), "taken back"


def test_when_is_answered_with_the_times_of_the_evidence(world: World, run_real: Run) -> None:
    script = Script(lambda p: saying(f"It was shown at 5:55 for 3 minutes {p.cite(SIGN[0])}."))
    came = run_real(world.ask(script, NOTICE))
    assert "0:50" in came.answer.text and "5:55" not in came.streamed
    assert came.streamed == came.answer.text
    assert (came.answer.engine, came.answer.note) == ("m", "")
    assert came.answer.evidence[0].t_start_s == 50.0


def test_when_without_a_citation_is_answered_from_the_evidence(world: World, run_real: Run) -> None:
    came = run_real(world.ask(Script(lambda _: saying("It was shown at 5:55.")), NOTICE))
    assert "0:50" in came.answer.text and came.streamed == came.answer.text
    assert came.answer.note == NOT_BORNE_OUT


def test_when_by_a_picture_is_only_likely(world: World, run_real: Run) -> None:
    script = Script(lambda p: saying(f"At 9:59 {p.cite('(1:30-')}."))
    came = run_real(world.ask(script, "When was a red boat shown?", engine={"vision": True}))
    assert "likely at 1:30" in came.answer.text


@pytest.mark.parametrize(
    ("says", "choice", "text"),
    [
        ("B. It is 55 euros {rent}.", 1, "It is 55 euros."),
        ("B {rent}", 1, "55 euros"),
        ("(A) {old}", 0, "40 euros"),
        ("It is 55 euros {rent}.", 1, "It is 55 euros."),
    ],
)
def test_an_option_is_chosen(world: World, run_real: Run, says: str, choice: int, text: str) -> None:
    script = Script(lambda p: saying(says.format(rent=p.cite("55 euros a"), old=p.cite("40 euros a"))))
    came = run_real(world.ask(script, RENT, options=PRICES))
    assert "B. 55 euros" in script.prompts[0].text
    assert (came.answer.choice, came.answer.text) == (choice, text)
    assert came.streamed == text


def test_an_option_without_proof_is_chosen_by_the_evidence(world: World, run_real: Run) -> None:
    came = run_real(world.ask(Script(lambda _: saying("C. 70 euros")), RENT, options=PRICES))
    assert (came.answer.choice, came.answer.note) == (1, NOT_BORNE_OUT)
    came = run_real(world.ask(Script(lambda _: saying("NOT IN MEMORY")), RENT, options=PRICES))
    assert came.answer.choice is None and came.answer.abstained


def test_pictures_go_to_a_model_that_sees(world: World, run_real: Run) -> None:
    script = Script(lambda p: saying(f"A red boat {p.cite('(1:30-')}."))
    came = run_real(world.ask(script, NOTICE.replace("When", "Where"), engine={"vision": True}))
    (prompt,) = script.prompts
    times = picture_times(prompt)
    shown = [line for line in prompt.lines if ", picture)" in line]
    assert len(times) == len(shown) >= 3 and times == sorted(set(times))
    assert any("Ferry timetable" in line for line in shown) and any(50 <= t <= 58 for t in times)
    assert came.answer.text == "A red boat.", "words cannot be checked against a picture"


@pytest.mark.parametrize(("vision", "images"), [(False, 6), (True, 0), (True, 2)])
def test_no_more_pictures_than_wanted(world: World, run_real: Run, vision: bool, images: int) -> None:
    script = Script(lambda _: saying("NOT IN MEMORY"))
    run_real(world.ask(script, NOTICE, engine={"vision": vision}, images=images))
    (prompt,) = script.prompts
    assert len(prompt.images) == prompt.text.count(", picture)") == (images if vision else 0)


@pytest.mark.parametrize("as_of_s", [35.0, 52.0, 57.0, 60.0, 88.0])
def test_nothing_later_is_asked_with(world: World, run_real: Run, as_of_s: float) -> None:
    script = Script(lambda _: saying("SEARCH: umbrella ferry rent"))
    for question in (RENT, NOTICE):
        came = run_real(world.ask(script, question, as_of_s=as_of_s, engine={"vision": True}))
        assert all(e.t_end_s <= as_of_s for e in came.answer.evidence)
    later = [text for _, end, text in SAID if end > as_of_s] + ([SIGN[1]] if as_of_s < 51 else [])
    assert len(script.prompts) == 4
    for prompt in script.prompts:
        assert not any(text in prompt.text for text in later)
        assert f"It is now {clock_text(as_of_s)} in the video." in prompt.text
        times = picture_times(prompt)
        assert all(t <= as_of_s for t in times)
        if 51 < as_of_s < 58:
            # The clip that shows the sign is not whole yet: a picture from before would mislead.
            assert not any("Ferry" in line and ", picture)" in line for line in prompt.lines)
    assert any(SIGN[1] in p.text for p in script.prompts) is (as_of_s >= 51)
    assert any("umbrella" in p.text for p in script.prompts) is (as_of_s >= 87)


def test_a_small_model_puts_the_evidence_into_words(world: World, run_real: Run, always_asked: None) -> None:
    script = Script(lambda _: saying("The answer is: old nets mended", 60, 7))
    came = run_real(world.ask(script, NETS, engine={"weak": True}))
    assert came.answer.text == came.streamed
    assert came.answer.text.startswith("Old nets mended. “The harbour master wants")
    assert "1:10" in came.answer.text
    assert (came.answer.engine, came.answer.note) == ("m", "")
    assert (came.answer.prompt_tokens, came.answer.completion_tokens) == (60, 7)
    (prompt,) = script.prompts
    assert prompt.text.startswith("Text: The harbour master wants") and "umbrella" not in prompt.text


def test_a_small_model_that_makes_things_up_is_not_heard(
    world: World, run_real: Run, always_asked: None
) -> None:
    script = Script(lambda _: saying("He wants a new boat"))
    came = run_real(world.ask(script, NETS, engine={"weak": True}))
    assert "new boat" not in came.streamed and SAID[3][2] in came.answer.text
    assert (came.answer.engine, came.answer.completion_tokens) == (None, 10)


def test_a_small_model_that_does_not_come_to_an_end_is_not_heard(
    world: World, run_real: Run, always_asked: None
) -> None:
    endless = streaming(event("old nets", finish_reason="length"), usage(60, 24))
    came = run_real(world.ask(Script(lambda _: endless), NETS, engine={"weak": True}))
    assert (came.answer.engine, came.answer.completion_tokens) == (None, 24)
    assert not came.answer.text.startswith("Old nets.")


@pytest.mark.parametrize(
    ("question", "options"), [(NOTICE, ()), (BICYCLE, ()), (RENT, PRICES)], ids=["when", "unknown", "options"]
)
def test_a_small_model_is_not_asked_for_what_it_cannot_add(
    world: World, run_real: Run, always_asked: None, question: str, options: tuple[str, ...]
) -> None:
    script = Script(lambda _: saying("x"))
    came = run_real(world.ask(script, question, engine={"weak": True}, options=options))
    assert script.prompts == []
    assert came.answer.abstained is (question == BICYCLE)
    assert came.answer.choice == (1 if options else None)


def test_a_model_that_turns_out_to_be_small_is_asked_like_one(
    world: World, run_real: Run, always_asked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name a large one, and the GPU had no room for it."""
    monkeypatch.setenv("HEARSIGHT_CACHE", str(tmp_path))
    script = Script(lambda _: saying("old nets mended"))

    async def main() -> None:
        async with serving(script) as url:

            async def start() -> EngineAddress:
                return EngineAddress(url, "m", "", False, True, 4096)

            async with (
                Engine(EngineSettings(model="qwen3-vl-2b"), print, start=start) as engine,
                world.answerer(engine) as answerer,
            ):
                came = await told(answerer, Query("q", NETS))
        assert came.answer.text.startswith("Old nets mended.")
        assert script.prompts[0].text.startswith("Text:")

    run_real(main())


def test_without_a_model_the_evidence_is_the_answer(world: World, run_real: Run) -> None:
    async def main() -> None:
        async with world.answerer() as answerer:
            came = await told(answerer, Query("q", RENT))
            assert came.pieces == [came.answer.text] and "55 euros" in came.answer.text
            assert (came.answer.engine, came.answer.note) == (None, NO_ENGINE)
            assert (came.answer.prompt_tokens, came.answer.completion_tokens) == (0, 0)
            assert (await answerer.answer(Query("q", BICYCLE))).abstained

    run_real(main())


def test_an_unknown_source_is_the_users_mistake(world: World, run_real: Run) -> None:
    async def main() -> None:
        async with world.answerer() as answerer:
            with pytest.raises(InputError, match="no source other"):
                await answerer.answer(Query("q", RENT, sources=("other",)))

    run_real(main())
