"""The second reading: a candidate is marked where it stands, in words of the raw article."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hadath import predict
from hadath.annotations import Article, Question, Span
from hadath.decode import Candidate
from hadath.errors import HadathError
from hadath.features import WindowSize, slice_of
from hadath.models import load_base, load_model
from hadath.predict import AnswerFinder
from hadath.rereading import MARKS, ROOM, marked_windows
from train.__main__ import main as train
from train.examples import NO_ANSWER
from train.rereading import refuse_without_head, reread_rows

ROOT = Path(__file__).parents[1]
SIZE = WindowSize(256, 64)
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


def read(tokenizer, ids: list[int]) -> str:
    return "".join(tokenizer.convert_ids_to_tokens(ids)).replace("\u2581", " ").strip()


def marks_of(tokenizer) -> list[list[int]]:
    return [tokenizer(mark, add_special_tokens=False)["input_ids"] for mark in MARKS]


def test_every_word_can_be_marked_and_is_read_back_from_the_raw_text(seed_articles):
    tokenizer = load_model(task="answers").tokenizer
    opening, closing = marks_of(tokenizer)
    assert opening != closing and tokenizer.unk_token_id not in (*opening, *closing)
    for text in (HARD, seed_articles[0].text):
        places = words_of(text)
        found = marked_windows(tokenizer, [(QUESTION, text, place) for place in places], SIZE)
        assert [each.window.owner for each in found] == list(range(len(places)))
        for (start, end), each in zip(places, found, strict=True):
            window = each.window
            assert slice_of(text, window, each.first, each.last) == (start, end)
            ids = list(window.ids)
            assert ids[each.first - len(opening) : each.first] == opening
            assert ids[each.last + 1 : each.last + 1 + len(closing)] == closing
            assert len(ids) == len(window.types) == len(window.offsets) <= SIZE.tokens


def test_without_its_marks_a_passage_is_read_as_a_pair(tokenizer, seed_articles):
    text = seed_articles[1].text
    opening, closing = marks_of(tokenizer)
    for place in words_of(text)[::7]:
        [each] = marked_windows(tokenizer, [(QUESTION, text, place)], SIZE)
        ids = list(each.window.ids)
        del ids[each.last + 1 : each.last + 1 + len(closing)]
        del ids[each.first - len(opening) : each.first]
        begin = each.window.offsets[each.window.first, 0]
        end = each.window.offsets[each.window.last, 1]
        assert place[0] - begin <= ROOM and end - place[1] <= ROOM
        assert begin == 0 or text[begin - 1].isspace() or text[begin].isspace()
        assert ids == tokenizer(QUESTION, text[begin:end])["input_ids"]


@pytest.mark.parametrize("tokens", [40, 64, 96, 128])
def test_where_room_is_short_the_candidate_keeps_as_much_on_both_sides(
    tokenizer, seed_articles, tokens
):
    text = seed_articles[1].text
    places = words_of(text)[40:60]
    found = marked_windows(
        tokenizer, [(QUESTION, text, place) for place in places], WindowSize(tokens, 16)
    )
    whole = marked_windows(tokenizer, [(QUESTION, text, place) for place in places], SIZE)
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
    candidates = [(QUESTION, long, (0, len(long) - 1)), (QUESTION, HARD, words_of(HARD)[1])]
    found = marked_windows(tokenizer, candidates, WindowSize(64, 16))
    assert [each.window.owner for each in found] == [1]
    assert marked_windows(tokenizer, [], SIZE) == []


def test_a_vocabulary_without_the_marks_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr("hadath.rereading.MARKS", ("\u4e00", "\u4e01"))
    with pytest.raises(HadathError, match="rereads: the base's vocabulary lacks the marks"):
        marked_windows(tokenizer, [(QUESTION, HARD, words_of(HARD)[1])], SIZE)


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


def asked(answer: str | None) -> tuple[Question, Article]:
    text = "زار الوزير بيروت أمس. وعاد السفير إلى دمشق اليوم. ونفى المدير ذلك."
    answers = () if answer is None else (Span(text.index(answer), answer),)
    question = Question("q", "أين كان الوزير؟", answers)
    return question, Article("a", text, questions=(question,))


def found(article: Article, *quotes: str) -> list[Candidate]:
    return [
        Candidate(article.text.index(quote), article.text.index(quote) + len(quote), 5.0 - number)
        for number, quote in enumerate(quotes)
    ]


def test_the_answer_is_pointed_at_and_what_the_base_takes_for_one_is_denied(tokenizer):
    question, article = asked("بيروت")
    rows = reread_rows(
        tokenizer, [(question, article)],
        lambda _: [found(article, "دمشق", "إلى دمشق", "بيروت", "اليوم", "المدير")],
        SIZE, count=3, seed=1,
    )  # fmt: skip
    assert [row["gold"] == [NO_ANSWER] for row in rows] == [False, True, True]
    [right, *wrong] = rows
    opening, closing = marks_of(tokenizer)
    [(first, last)] = right["gold"]
    ids = list(right["input_ids"])
    assert ids[first - len(opening) : first] == opening
    assert ids[last + 1 : last + 1 + len(closing)] == closing
    assert read(tokenizer, ids[first : last + 1]) == "بيروت"
    marked = []
    for row in wrong:
        ids = list(row["input_ids"])
        begin = next(i for i in range(len(ids)) if ids[i : i + len(opening)] == opening)
        end = next(i for i in range(begin + 1, len(ids)) if ids[i : i + len(closing)] == closing)
        marked.append(read(tokenizer, ids[begin + len(opening) : end]))
    assert marked == ["دمشق", "اليوم"]  # not the same once more with a word before it


def test_an_answer_is_marked_as_the_base_bounds_it_and_pointed_at_as_annotated(tokenizer):
    question, article = asked("إلى دمشق اليوم")
    marked = set()
    for seed in range(12):
        [row] = reread_rows(
            tokenizer, [(question, article)], lambda _: [found(article, "إلى دمشق")],
            SIZE, count=2, seed=seed,
        )  # fmt: skip
        opening, closing = marks_of(tokenizer)
        ids = list(row["input_ids"])
        begin = next(i for i in range(len(ids)) if ids[i : i + len(opening)] == opening)
        end = next(i for i in range(begin + 1, len(ids)) if ids[i : i + len(closing)] == closing)
        marked.add(read(tokenizer, ids[begin + len(opening) : end]))
        [(first, last)] = row["gold"]
        words = read(tokenizer, ids[first : last + 1])
        assert words.replace(" ]", "").split() == ["إلى", "دمشق", "اليوم"]
    assert marked == {"إلى دمشق", "إلى دمشق اليوم"}


def test_of_a_question_without_an_answer_all_is_denied(tokenizer):
    question, article = asked(None)
    rows = reread_rows(
        tokenizer, [(question, article)], lambda _: [found(article, "دمشق", "اليوم", "بيروت")],
        SIZE, count=3, seed=1,
    )  # fmt: skip
    assert [row["gold"] for row in rows] == [[NO_ANSWER]] * 2


def test_a_new_head_is_refused_since_it_would_mark_at_random(tiny_base):
    network, _ = load_base(tiny_base, "answers")
    with pytest.raises(HadathError, match=r"rereads: base/x is no answer finder yet"):
        refuse_without_head(network, "base/x")
    with torch.no_grad():
        network.qa_outputs.bias.fill_(0.1)
    refuse_without_head(network, "base/x")


def test_a_second_reading_is_learned_from_a_finder_and_kept_with_it(
    tiny_base, little_data, tmp_path, capsys
):
    common = [f"train={little_data / 'train.jsonl'}", f"dev={little_data / 'dev.jsonl'}"]
    recipe = ["held_out=", "window=96", "stride=16", "role_questions=0", "moved_questions=0",
              "batch_size=8", "device=cpu", "precision=fp32", "arabert_cleaning=no"]  # fmt: skip
    config = str(ROOT / "configs/answers-first.yaml")
    words = [config, *common, *recipe, "frozen_layers=0"]
    first, second = tmp_path / "first", tmp_path / "second"
    twice = ["rereads=3", "reread_share=0.25"]
    assert train(["answers", *words, *twice, f"base={tiny_base}", f"output={first}"]) == 2
    assert "no answer finder yet" in capsys.readouterr().err
    assert train(["answers", *words, f"base={tiny_base}", f"output={first}"]) == 0
    rows = [line for line in capsys.readouterr().err.splitlines() if " windows, " in line]
    assert train(["answers", *words, *twice, f"base={first}", f"output={second}"]) == 0
    more = [line for line in capsys.readouterr().err.splitlines() if " windows, " in line]
    counts = [int(line.split(": ")[1].split()[0]) for line in (*rows, *more)]
    marked = int(more[0].split(" windows, ")[1].split()[0])
    questions = int(more[0].split()[0])
    assert counts[1] == counts[0] + marked and questions <= marked <= 3 * questions
    settings = AnswerFinder.load(str(second)).model.settings
    assert (settings.rereads, settings.reread_share) == (3, 0.25)
    assert AnswerFinder.load(str(first)).model.settings.rereads == 0
    assert train(["answers", *words, *twice, f"base={first}", "--dry-run"]) == 0
    assert "the base's reading of the questions not counted" in capsys.readouterr().out
    assert train(["answers", *words, *twice, f"base={tiny_base}", "--dry-run"]) == 2
    assert train(["answers", *words, *twice, f"base={first}", "window=1024"]) == 2
    assert "window: 1024 tokens" in capsys.readouterr().err
    assert train(["answers", *words, "rereads=1", f"base={first}"]) == 2
    assert "rereads: 1 would teach" in capsys.readouterr().err
