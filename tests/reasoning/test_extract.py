"""Which words of a line or a sentence answer a question."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reasoning.judge import current, weigh
from reasoning.kinds import asks_for_steps
from reasoning.question import parse_question
from reasoning.settings import AnswerSettings
from reasoning.support import Verifier
from runtime.messages import Evidence, Modality

NETWORK = "Guest network\nname: Heron-Guest\nkey: copper-lantern-88"
BOARD = "Shipping board\nOrder 58213 : Rotterdam\nOrder 58214 : Gdansk"
CHAT = "Team chat\nPriya: the demo went well\nTom: I will bring the cables"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "screen", "answer"),
    [
        ("What is the name of the guest network?", NETWORK, "Heron-Guest"),
        ("What is the key of the guest network?", NETWORK, "copper-lantern-88"),
        ("Which header was missing?", "Build failed\nerror: missing header zlib.h", "missing header zlib.h"),
        ("Which city is order 58213 going to?", BOARD, "Rotterdam"),
        ("Which order goes to Gdansk?", BOARD, "58214"),
        ("Who offered to bring the cables?", CHAT, "Tom"),
    ],
)
def test_the_value_of_a_line(verifier: Verifier, question: str, screen: str, answer: str) -> None:
    span = verifier.judge(parse_question(question, verifier.language), screen, "read").span
    assert span is not None and span.text == answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "sentence", "answer"),
    [
        ("In which room does the team meet?", "The team now meets in room 300 and 17.", "317"),
        ("How many horses are there?", "There are eleven goats and seven horses on the farm.", "seven"),
        ("Who teaches pottery?", "The workshop on pottery is taught by Beatrice.", "Beatrice"),
        ("Who coaches the team?", "Angela has left, so the team is now coached by Dennis.", "Dennis"),
        ("Who runs the bakery?", "Since Paul retired, the bakery is run by his daughter Emma.", "Emma"),
        (
            "Which hotel are they staying at?",
            "The Grand Hotel was full, so they are staying at the Riverside Inn instead.",
            "the Riverside Inn",
        ),
        ("How much did the drone cost?", "The drone cost 300 and flies for 25 minutes.", "300"),
        ("How far is the cabin?", "The cabin is five hours away.", "five hours"),
        ("How many eggs were broken?", "Only two of the eight eggs were broken.", "two"),
        ("Was the hall painted green or yellow?", "The hall is yellow, the stairs are green.", "yellow"),
        (
            "On which floor is the dentist?",
            "The dentist is on the sixth floor, by the lift.",
            "the sixth floor",
        ),
        ("How come there was a flood?", "The mayor blamed the flood on a drain.", "on a drain"),
        ("What forced them to stop?", "A string broke, so they had to stop.", "A string broke"),
        ("How many seals were there?", "We counted fifty-eight seals on the rocks.", "fifty-eight"),
        ("When is the desk open?", "The desk is open from two to five.", "from two to five"),
        ("When does the choir sing?", "The choir sings at half past seven.", "half past seven"),
        ("Why does she hum?", "The van is old. It has no radio, so she hums.", "It has no radio"),
        ("What is the ferry called?", "A ferry comes. It is red and called Havfrue.", "Havfrue"),
        ("How high is the rent?", "The rent goes up to 900, and 10 a month.", "910"),
        (
            "Why did the safe stay shut?",
            "The safe stayed shut because the key was lost.",
            "because the key was lost",
        ),
    ],
)
def test_the_words_of_a_sentence(verifier: Verifier, question: str, sentence: str, answer: str) -> None:
    span = verifier.judge(parse_question(question, verifier.language), sentence, "said").span
    assert span is not None and span.text == answer


@pytest.mark.slow
def test_no_price_is_a_time(verifier: Verifier) -> None:
    question = parse_question("How much did the drone cost?", verifier.language)
    assert verifier.judge(question, "The battery of the drone lasts 25 minutes.", "said").probability < 0.2


@pytest.mark.slow
def test_what_was_hardly_said_overturns_nothing(verifier: Verifier) -> None:
    question = parse_question("Which port does the database listen on?", verifier.language)
    shown = Evidence("a", "v", "read", "Server config\ndatabase: port 5499", 10.0, 16.0, 0.9)
    heard = Evidence(
        "b",
        "v",
        "said",
        "The code for the bicycle shed has changed to 8253.",
        60.0,
        64.0,
        0.8,
        readings=("The code for the MySQL channel has changed to 8253.",),
    )
    ranked = current(question, weigh(question, [shown, heard], verifier), 0.2)
    assert ranked[0].evidence.id == "a"
    # It does not lack the announcement, only the likelihood.
    said = replace(heard, text=heard.readings[0], readings=())
    assert current(question, weigh(question, [shown, said], verifier), 0.2)[0].evidence.id == "b"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "statement", "modality"),
    [
        ("Whom did the witness identify?", "The witness arrived by taxi.", "said"),
        ("Who stole the laptop?", "My laptop was stolen from the train on Friday evening.", "said"),
        ("Who won the cooking contest?", "11 people want to take part in the cooking contest.", "said"),
        ("How many singers are in the choir?", "The choir will sing in the hall on Sunday at five.", "said"),
        ("What colour is the suitcase?", "The suitcase belongs to a tourist from Spain.", "said"),
        ("What is the dentist's name?", "The dentist appointment is on the ninth of June.", "said"),
        ("What is the manager called?", "The manager comes from Iceland.", "said"),
        ("What breed is the hamster?", "The vet said the hamster has to lose some weight.", "said"),
        ("Who trains the boxing class?", "Gym timetable\nYoga: Tuesday\nBoxing: Wednesday 20:00", "read"),
    ],
)
def test_something_else_about_the_same_thing_is_no_answer(
    verifier: Verifier, question: str, statement: str, modality: Modality
) -> None:
    support = verifier.judge(parse_question(question, verifier.language), statement, modality)
    assert support.probability < AnswerSettings().support_threshold


@pytest.mark.slow
def test_a_message_is_its_speaker_s_in_every_sentence(verifier: Verifier) -> None:
    told = "Ana: My name is Ana and I live in Bergen. I moved the red kayak to the boathouse."
    asked = parse_question("Where did Ana move the kayak?", verifier.language)
    span = verifier.judge(asked, told, "said", "Ana").span
    assert span is not None and span.text == "to the boathouse"


@pytest.mark.slow
def test_what_stands_for_a_secret_is_no_answer(verifier: Verifier) -> None:
    told = "Ben: My card number is [card] and the wifi password is: [password]."
    span = verifier.judge(parse_question("What is the wifi password?", verifier.language), told, "said").span
    assert span is None or span.text.strip("[]") not in ("card", "password")


def test_a_number_that_says_which_is_asked_for(verifier: Verifier) -> None:
    terms = parse_question("Who is the keeper of station 14?", verifier.language).terms
    assert "14" in [term.text for term in terms]
    terms = parse_question("Which of the two sisters sings?", verifier.language).terms
    assert "two" not in [term.text for term in terms]


@pytest.mark.slow
def test_a_number_belongs_to_its_word(verifier: Verifier) -> None:
    asked = parse_question("Where does crate number 8 stand?", verifier.language)
    right = verifier.judge(asked, "Crate number 8 stands in hall 3.", "said").probability
    wrong = verifier.judge(asked, "Crate number 5 stands in hall 8.", "said").probability
    assert wrong < AnswerSettings().support_threshold < right


def test_how_something_is_done_may_be_asked_politely(verifier: Verifier) -> None:
    assert parse_question("Can you tell me how to bake bread?", verifier.language).steps
    assert not parse_question("Can you tell me how the bread was?", verifier.language).steps


def test_how_something_is_done_is_told_from_how_it_was() -> None:
    steps = ("How do I export the chart?", "how can we open the lock", "How to bake bread?")
    other = (
        "How many boats are there?",
        "How long did I sleep?",
        "How was the ferry?",
        "How did the team travel?",
    )
    assert all(map(asks_for_steps, steps))
    assert not any(map(asks_for_steps, other))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "told", "answer"),
    [
        ("Who brought the lantern?", "I brought the blue lantern to the boat house this morning.", "Anna"),
        ("Who brought the lantern?", "I heard that Carla brought the lantern.", "Carla"),
        (
            "Who did Anna take the bus with?",
            "After that I took the bus with Dalia to the pottery class.",
            "Dalia",
        ),
        ("Who did Anna meet?", "I met Otto at the mill.", "Otto"),
    ],
)
def test_who_says_i_did_is_who_did(verifier: Verifier, question: str, told: str, answer: str) -> None:
    span = verifier.judge(parse_question(question, verifier.language), told, "said", "Anna").span
    assert span is not None and span.text == answer
