"""The evaluate.Metric subclasses: offline, no file left, the same figures as scores.py."""

import socket

import pytest

from hadath.errors import HadathError
from hadath.metrics import AnswerMetric, EventMetric
from hadath.scores import AnswerResult, EventResult, score_answers, score_events


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("a metric reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def squad(number, text, gold, none=0.1):
    prediction = {"id": str(number), "prediction_text": text, "no_answer_probability": none}
    answers = {"text": gold, "answer_start": [0] * len(gold)}
    return prediction, {"id": str(number), "answers": answers}


def test_squad_shapes_are_scored_with_arabic_folding():
    pairs = [squad(1, "الرئيسُ،", ["الرئيس"]), squad(2, "", [], 0.9), squad(3, "لندن", ["باريس"])]
    predictions, references = map(list, zip(*pairs, strict=True))
    found = AnswerMetric().compute(predictions=predictions, references=references)
    assert found["exact_match"] == found["f1"] == pytest.approx(2 / 3)
    assert found["no_answer_f1"] == found["answerability_auc"] == 1
    assert "forced_f1" not in found  # SQuAD's shapes do not tell the span below the threshold


def test_our_shapes_give_the_very_figures_of_scores():
    results = [
        AnswerResult("a", "1", ("باريس",), "باريس", "باريس", 0.9, 0.8, 100),
        AnswerResult("b", "2", (), "لندن", "", 0.2, 0.1, 200),
        AnswerResult("b", "3", ("روما",), "لندن", "لندن", 0.7, 0.6, 200),
    ]
    predictions = [
        {
            "best": each.best,
            "predicted": each.predicted,
            "answerable": each.answerable,
            "confidence": each.confidence,
        }
        for each in results
    ]
    references = [
        {
            "article": each.article,
            "question": each.question,
            "gold": list(each.gold),
            "length": each.length,
        }
        for each in results
    ]
    found = AnswerMetric("results").compute(
        predictions=predictions, references=references, intervals=True
    )
    for name, figure in score_answers(results).figures.items():
        assert (found[name], found[f"{name}_low"], found[f"{name}_high"]) == (
            figure.value,
            figure.low,
            figure.high,
        )


def test_event_labels_are_scored_batch_by_batch():
    metric = EventMetric()
    metric.add_batch(predictions=[["AID"], []], references=[["AID"], []])
    metric.add(prediction=["AID"], reference=["AID", "CONSULT"])
    found = metric.compute()
    assert found["micro_f1"] == pytest.approx(4 / 5)
    assert found["exact_set"] == pytest.approx(2 / 3)


def test_event_results_give_the_very_figures_of_scores():
    results = [
        EventResult("a", 0, 1, frozenset({"AID"}), frozenset({"AID"}), {"AID": 0.9, "X": 0.1}, 0),
        EventResult("b", 1, 2, frozenset(), frozenset({"X"}), {"AID": 0.2, "X": 0.6}, 0),
    ]
    predictions = [
        {
            "labels": sorted(each.predicted),
            "scores": [{"label": name, "probability": sure} for name, sure in each.scores.items()],
        }
        for each in results
    ]
    references = [{"article": each.article, "labels": sorted(each.gold)} for each in results]
    quads = {"AID": "MC", "X": "VC"}
    found = EventMetric("results").compute(
        predictions=predictions, references=references, quad_of=quads
    )
    figures = score_events(results, quad_of=quads).figures
    assert found == {name: figure.value for name, figure in figures.items()}


def test_a_metric_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    EventMetric().compute(predictions=[["AID"]], references=[["AID"]])
    assert not list(tmp_path.iterdir())


def test_an_unknown_shape_and_answers_out_of_order_are_clear_errors():
    with pytest.raises(HadathError, match="no shape 'squad_v3'"):
        AnswerMetric("squad_v3")
    prediction, reference = squad(1, "باريس", ["باريس"])
    with pytest.raises(HadathError, match="give both in the same order"):
        AnswerMetric().compute(predictions=[prediction], references=[reference | {"id": "2"}])
