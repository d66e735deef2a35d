"""The second reading: a candidate stands in a short passage of the raw article, all else as was."""

import re
from dataclasses import replace

import pytest
import torch

from hadath import predict
from hadath.annotations import Article, Question
from hadath.features import WindowSize, slice_of
from hadath.models import load_base, load_model
from hadath.predict import AnswerFinder
from hadath.rereading import ROOM, passages
from train.__main__ import main as train

SIZE = WindowSize(384, 128)
QUESTION = "من التقى الوزير؟"
HARD = (
    "الْتَقَى الوَزِيرُ، في ٣ تشرين الأول/أكتوبر ٢٠٢٤، نظيـــره «المصري» "
    "\ufee3\ufebc\ufeae في القاهـرة وبحثا الهدنة [المؤقتة]."
)


@pytest.fixture(scope="module")
def tokenizer(tiny_base):
    return load_base(tiny_base, "answers")[1]


def words_of(text: str) -> list[tuple[int, int]]:
    places, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        places.append((start, start + len(word)))
        start += len(word)
    return places


def test_every_word_is_read_back_from_the_raw_text(seed_articles):
    tokenizer = load_model(task="answers").tokenizer
    for text in (HARD, seed_articles[0].text):
        places = words_of(text)
        found = passages(tokenizer, [(QUESTION, text, places)], SIZE)
        assert [each.window.owner for each in found] == list(range(len(places)))
        for place, each in zip(places, found, strict=True):
            window = each.window
            assert slice_of(text, window, each.first, each.last) == place
            assert len(window.ids) == len(window.types) == len(window.offsets) <= SIZE.tokens


def test_a_passage_is_its_question_and_the_tokens_around_the_candidate(tokenizer, seed_articles):
    text = seed_articles[1].text
    whole = tokenizer(QUESTION, text, verbose=False)["input_ids"]
    asked = tokenizer(QUESTION)["input_ids"]
    for each in passages(tokenizer, [(QUESTION, text, words_of(text)[::7])], SIZE):
        window = each.window
        assert each.first - window.first <= ROOM and window.last - each.last <= ROOM
        read = list(window.ids[window.first : window.last + 1])
        assert any(whole[at : at + len(read)] == read for at in range(len(whole)))
        assert list(window.ids[: len(asked)]) == asked


def test_marks_and_tatweel_move_no_bound_of_a_passage(seed_articles):
    tokenizer = load_model(task="answers").tokenizer
    plain = seed_articles[0].text
    marked = re.sub("([\u0628-\u064a])(?=[\u0628-\u064a])", "\\1\u064e\u0640\u0640", plain)
    assert len(marked) > 2 * len(plain)
    pairs = zip(words_of(plain)[40:90:5], words_of(marked)[40:90:5], strict=True)
    for place, other in pairs:
        [one] = passages(tokenizer, [(QUESTION, plain, [place])], SIZE)
        [two] = passages(tokenizer, [(QUESTION, marked, [other])], SIZE)
        assert (one.window.ids, one.first, one.last) == (two.window.ids, two.first, two.last)


@pytest.mark.parametrize("tokens", [40, 64, 96, 128])
def test_where_room_is_short_the_candidate_keeps_as_much_on_both_sides(
    tokenizer, seed_articles, tokens
):
    text = seed_articles[1].text
    places = words_of(text)[40:60]
    found = passages(tokenizer, [(QUESTION, text, places)], WindowSize(tokens, 16))
    whole = passages(tokenizer, [(QUESTION, text, places)], SIZE)
    assert len(found) == len(whole) == len(places)
    for each, full, place in zip(found, whole, places, strict=True):
        window = each.window
        assert len(window) == min(tokens, len(full.window))
        assert window.ids[each.first : each.last + 1] == full.window.ids[full.first : full.last + 1]
        start, end = slice_of(text, window, each.first, each.last)
        assert start <= place[0] and place[1] <= end
        before, after = each.first - window.first, window.last - each.last
        assert abs(before - after) <= 1 or len(window) == len(full.window)
        assert window.ids[-1] == full.window.ids[-1]
        assert window.ids[: window.first] == full.window.ids[: window.first]


def test_what_a_window_cannot_hold_has_none(tokenizer):
    long = "كلمة " * 200
    candidates = [(QUESTION, long, [(0, len(long) - 1)]), (QUESTION, HARD, [words_of(HARD)[1]])]
    found = passages(tokenizer, candidates, WindowSize(64, 16))
    assert [each.window.owner for each in found] == [1]
    assert passages(tokenizer, [], SIZE) == []


def test_a_finder_that_reads_twice_still_quotes_and_a_share_of_nothing_changes_nothing(
    tiny_finder_folder, seed_articles, monkeypatch
):
    model = load_model(str(tiny_finder_folder), task="answers")
    with torch.no_grad():
        model.network.qa_outputs.weight.mul_(50)  # so that its nonsense is decided
    once = AnswerFinder(model)
    pairs = [
        (question.question, article)
        for article in [
            *seed_articles[:2],
            Article("hard", HARD, questions=(Question("q", "أين؟"),)),
        ]
        for question in article.questions[:4]
    ]
    first = once.read_many(pairs, top=3)

    def twice(share: float):
        settings = replace(once.model.settings, rereads=3, reread_share=share)
        return AnswerFinder(replace(once.model, settings=settings)).read_many(pairs, top=3)

    assert twice(0.0) == first
    again = twice(1.0)
    changed = [
        one.answers[0].start != other.answers[0].start
        for one, other in zip(first, again, strict=True)
    ]
    assert sum(changed) >= len(pairs) / 4
    for (_, article), reading in zip(pairs, again, strict=True):
        for answer in reading.answers:
            assert article.text[answer.start : answer.end] == answer.text
    # Whatever the lot that a question was read in.
    monkeypatch.setattr(predict, "LONGEST_ARTICLE", max(len(a.text) for _, a in pairs))
    same = [one.answers[0].start == other.answers[0].start
            for one, other in zip(again, twice(1.0), strict=True)]  # fmt: skip
    assert sum(same) >= len(pairs) - 1  # bf16 may turn a tie


def test_a_refit_may_turn_the_second_reading_on_and_a_training_keeps_what_its_config_says(
    tiny_finder_folder, tiny_classifier_folder, little_data, tmp_path, capsys
):
    dev = str(little_data / "dev.jsonl")
    twice, mine = tmp_path / "twice", tmp_path / "mine"
    words = ["refit", "answers", str(tiny_finder_folder), dev, "--output"]
    assert train([*words, str(twice), "--rereads", "3", "--reread-share", "0.4"]) == 0
    assert "best 3 read twice" in capsys.readouterr().err
    settings = AnswerFinder.load(str(twice)).model.settings
    assert (settings.rereads, settings.reread_share) == (3, 0.4)
    assert train([*words, str(mine), "--rereads", "30"]) == 2
    assert "rereads: found 30; expected 0 to 20" in capsys.readouterr().err
    classifier = ["refit", "events", str(tiny_classifier_folder), dev, "--output", str(mine)]
    assert train([*classifier, "--rereads", "3"]) == 2
    assert "--rereads: it is for answers alone" in capsys.readouterr().err
    assert not mine.exists()
    recipe = [
        "configs/answers-small.yaml", f"base={twice}", f"output={mine}", f"dev={dev}",
        f"train={little_data / 'train.jsonl'}", "held_out=", "window=96", "stride=16", "epochs=1",
        "role_questions=0", "moved_questions=0", "device=cpu", "precision=fp32", "frozen_layers=0",
        "rereads=2",
    ]  # fmt: skip
    assert train(["answers", *recipe]) == 0
    assert AnswerFinder.load(str(mine)).model.settings.rereads == 2
