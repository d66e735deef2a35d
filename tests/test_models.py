"""Models as folders: what is saved is what is loaded, and what is wrong is one clear line."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hub_server import SPECIAL, arabert_vocabulary
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import (
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
)
from transformers.utils import logging as transformers_logging

from hadath import models
from hadath.errors import HadathError
from hadath.models import (
    Model,
    ModelSettings,
    absent_folder,
    embedded_folder,
    export,
    load_base,
    load_model,
    refuse_other_folder,
    save_compact,
    save_model,
)
from hadath.weights import BLOCK, block_scales

REPOSITORY = Path(__file__).resolve().parent.parent
TEXT = "قال الوزير إنّ كيم التقى بوتين في بيروت ٢٠٢٤؟؟؟؟"
LABELS = ("CONSULT", "AID", "ASSAULT")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small encoder with a tokenizer of AraBERT's kind, in a folder of another name."""
    folder = tmp_path_factory.mktemp("bases") / "small-encoder"
    vocabulary = {piece: number for number, piece in enumerate(arabert_vocabulary())}
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=64, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=64,
    )  # fmt: skip
    with models.quiet_libraries():
        BertForMaskedLM(config).save_pretrained(folder)
        BertTokenizer(vocab=vocabulary, do_lower_case=False, **SPECIAL).save_pretrained(folder)
    return folder


@pytest.fixture(params=["answers", "events"])
def model(request, base):
    labels = LABELS if request.param == "events" else ()
    return new_model(base, request.param, labels)


@pytest.fixture(scope="module")
def saved_once(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "events"
    save_model(new_model(base, "events", LABELS), folder)
    return folder


@pytest.fixture
def saved(saved_once, tmp_path):
    """A copy of a whole events model, to be broken."""
    return Path(shutil.copytree(saved_once, tmp_path / "model"))


def new_model(base, task, labels=(), **choices):
    network, tokenizer = load_base(base, task, labels, **choices)
    settings = ModelSettings(
        task=task, base="small-encoder", labels=labels, temperature=1.25, stride=16, window=48,
        thresholds=dict.fromkeys(labels, 0.4),
    )  # fmt: skip
    return Model(network.eval(), tokenizer, settings, "new")


def outputs(model):
    with torch.inference_mode():
        return model.network(**model.tokenizer(TEXT, return_tensors="pt"))[0]


def refused(call, *words):
    """The one line that `call` is refused with; it holds all the words."""
    with pytest.raises(HadathError) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line
    return line


def edit_json(path, **changes):
    record = json.loads(path.read_text(encoding="utf-8")) | changes
    record = {key: value for key, value in record.items() if value is not ...}
    path.write_text(json.dumps(record), encoding="utf-8")


def everything_under(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# What is saved is what is loaded.


def test_what_is_saved_is_what_is_loaded(model, tmp_path):
    save_model(model, tmp_path / "model", extra_files={"run.yaml": "epochs: 2\n"})
    again = load_model(tmp_path / "model", task=model.settings.task)
    assert again.settings == model.settings
    assert torch.equal(outputs(again), outputs(model))
    assert again.tokenizer(TEXT).data == model.tokenizer(TEXT).data
    assert (tmp_path / "model/run.yaml").read_text() == "epochs: 2\n"


def test_a_saved_model_can_be_read_by_whoever_may_read_its_folder(model, tmp_path):
    save_compact(model, tmp_path / "model")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "model").iterdir()}
    assert len(modes) == 1


def test_stock_auto_classes_expand_a_compact_folder_to_the_same_floats(base, tmp_path):
    model = new_model(base, "answers")
    save_compact(model, tmp_path / "model")
    ours = load_model(tmp_path / "model", task="answers")
    with models.quiet_libraries():
        stock = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "model")
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert {parameter.dtype for parameter in stock.parameters()} == {torch.float32}
    assert tokenizer(TEXT).data == model.tokenizer(TEXT).data
    for name, tensor in ours.network.state_dict().items():
        assert torch.equal(tensor, stock.state_dict()[name])


def test_a_compact_model_takes_a_quarter_of_the_bytes_and_answers_almost_the_same(model, tmp_path):
    save_compact(model, tmp_path / "compact")
    save_model(model, tmp_path / "plain")
    compact, plain = (
        sum(tensor.nbytes for tensor in load_file(tmp_path / name / "model.safetensors").values())
        for name in ("compact", "plain")
    )
    assert compact < plain * 0.3
    again = load_model(tmp_path / "compact", task=model.settings.task)
    assert (outputs(again) - outputs(model)).abs().max() < 0.05 * outputs(model).std() + 0.02


def test_no_weight_moves_by_more_than_a_step_of_its_block(model, tmp_path):
    save_compact(model, tmp_path / "model")
    again = load_model(tmp_path / "model", task=model.settings.task).network.state_dict()
    for name, weight in model.network.state_dict().items():
        if weight.dim() == 2 and weight.shape[1] % BLOCK == 0:
            steps = block_scales(weight).abs().float().repeat_interleave(BLOCK, dim=1)
            # and by what float16 rounds away
            assert ((again[name] - weight).abs() <= 1.01 * steps + 1e-3 * weight.abs()).all()


def test_a_matrix_of_q4_0_levels_is_kept_exactly(base, tmp_path):
    model = new_model(base, "answers")
    words = model.network.get_input_embeddings().weight
    rows, columns = words.shape
    generator = torch.Generator().manual_seed(1)
    levels = torch.randint(-8, 8, (rows, columns // BLOCK, BLOCK), generator=generator)
    levels[..., 0] = -8  # a Q4_0 block always uses its lowest level
    scales = torch.randn(rows, columns // BLOCK, 1, generator=generator).half()
    exact = (levels.half() * scales).reshape(rows, columns)
    words.data.copy_(exact)
    save_compact(model, tmp_path / "model")
    again = load_model(tmp_path / "model", task="answers")
    assert torch.equal(again.network.get_input_embeddings().weight, exact.float())


def test_a_compact_model_is_a_base_like_any_other(base, tmp_path):
    save_compact(new_model(base, "answers"), tmp_path / "compact")
    network, _ = load_base(tmp_path / "compact", "answers")
    network.train()
    assert all(parameter.requires_grad for parameter in network.parameters())
    with models.quiet_libraries():
        network.save_pretrained(tmp_path / "plain")
    assert "quantization_config" not in (tmp_path / "plain/config.json").read_text()


def test_export_writes_plain_floats(model, tmp_path):
    task = model.settings.task
    save_compact(model, tmp_path / "compact")
    export(tmp_path / "compact", tmp_path / "plain", task)
    with safe_open(tmp_path / "plain/model.safetensors", "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F32"}
    assert "quantization_config" not in (tmp_path / "plain/config.json").read_text()
    compact, plain = (load_model(tmp_path / name, task=task) for name in ("compact", "plain"))
    assert torch.equal(outputs(plain), outputs(compact))


def test_the_shipped_models_take_at_most_64_megabytes():
    shipped = [path for path in (REPOSITORY / "models").rglob("*") if path.is_file()]
    if not shipped:
        pytest.skip("none is shipped in this checkout")
    assert sum(path.stat().st_size for path in shipped) <= 64_000_000
    assert not [path for path in shipped if path.suffix in {".bin", ".pt", ".pkl", ".py"}]


# Bases and heads.


def test_a_head_is_kept_only_for_the_same_task_and_labels(base, tmp_path):
    model = new_model(base, "events", LABELS)
    save_model(model, tmp_path / "events")
    head = model.network.classifier.weight
    kept, _ = load_base(tmp_path / "events", "events", LABELS)
    renewed, _ = load_base(tmp_path / "events", "events", LABELS[::-1])
    wider, _ = load_base(tmp_path / "events", "events", (*LABELS, "PROTEST"))
    other, _ = load_base(tmp_path / "events", "answers")
    assert torch.equal(kept.classifier.weight, head)
    assert not torch.equal(renewed.classifier.weight, head)
    assert wider.classifier.weight.shape[0] == 4
    assert other.qa_outputs.weight.shape[0] == 2
    for network in (kept, renewed, wider, other):  # the encoder is the same in all
        words = network.get_input_embeddings().weight
        assert torch.equal(words, model.network.get_input_embeddings().weight)


def test_labels_and_loss_stand_in_the_config(base):
    several, _ = load_base(base, "events", LABELS)
    one, _ = load_base(base, "events", LABELS, multi_label=False)
    assert tuple(several.config.id2label.values()) == LABELS
    assert several.config.problem_type == "multi_label_classification"
    assert one.config.problem_type == "single_label_classification"


def test_layers_and_dropouts_are_set_by_name(base):
    network, _ = load_base(base, "answers", layers=2, overrides={"attention_dropout": 0.0})
    assert len(network.bert.encoder.layer) == 2
    assert network.config.attention_probs_dropout_prob == 0.0
    refused(lambda: load_base(base, "answers", layers=9), "layers: found 9", "1 to 3")
    refused(lambda: load_base(base, "answers", overrides={"dropuot": 0.1}), "no 'dropuot'")
    refused(lambda: load_base(base, "events"), "labels: none")


def test_only_araberts_kind_gets_araberts_cleaning(base, tmp_path):
    arabert = tmp_path / "bert-base-arabertv02"
    arabert.mkdir()
    for path in base.iterdir():
        (arabert / path.name).write_bytes(path.read_bytes())
    cleaned = load_base(arabert, "answers")[1].tokenize("ســلام؟؟؟؟")
    assert load_base(base, "answers")[1].tokenize("ســلام؟؟؟؟") != cleaned
    assert load_base(arabert, "answers", cleaning="no")[1].tokenize("ســلام؟؟؟؟") != cleaned
    assert load_base(base, "answers", cleaning="yes")[1].tokenize("ســلام؟؟؟؟") == cleaned
    renamed = tmp_path / "mine"
    arabert.rename(renamed)  # its files still remember what it is
    edit_json(renamed / "config.json", _name_or_path="aubmindlab/bert-base-arabertv02")
    assert load_base(renamed, "answers")[1].tokenize("ســلام؟؟؟؟") == cleaned


def test_the_cleaning_stays_in_the_saved_tokenizer(base, tmp_path):
    model = new_model(base, "answers", cleaning="yes")
    save_model(model, tmp_path / "model")
    again = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert again(TEXT).data == model.tokenizer(TEXT).data
    assert "token_type_ids" in again(TEXT)
    assert load_base(tmp_path / "model", "answers")[1](TEXT).data == model.tokenizer(TEXT).data


# A full disk.


def _fails_with(error):
    def fail(*args, **kwargs):
        raise error

    return fail


NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("save", "part", "error"),
    [
        (save_model, "hadath.models.PreTrainedModel.save_pretrained", NO_SPACE),
        (save_model, "hadath.models.PreTrainedTokenizerFast.save_pretrained", Exception("full")),
        (save_model, "hadath.models.write_text", HadathError("full")),
        (save_model, "pathlib.Path.rename", OSError(errno.EACCES, "Permission denied")),
        (save_compact, "hadath.models.save_file", NO_SPACE),
        (save_compact, "hadath.models.write_text", HadathError("full")),
    ],
)
def test_a_save_that_fails_leaves_the_old_model_whole(
    base, tmp_path, monkeypatch, save, part, error
):
    model = new_model(base, "answers")
    save_model(model, tmp_path / "model", extra_files={"run.yaml": "epochs: 1\n"})
    before = everything_under(tmp_path)
    monkeypatch.setattr(part, _fails_with(error))
    refused(lambda: save(model, tmp_path / "model"), "not saved", "untouched")
    monkeypatch.undo()
    assert everything_under(tmp_path) == before
    assert torch.equal(outputs(load_model(tmp_path / "model", task="answers")), outputs(model))


def test_an_interrupt_between_the_two_renames_brings_the_old_model_back(
    base, tmp_path, monkeypatch
):
    model = new_model(base, "answers")
    save_model(model, tmp_path / "model")
    before = everything_under(tmp_path)
    rename = Path.rename

    def interrupted(path, target):
        if ".partial-" in path.name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_model(model, tmp_path / "model")
    assert everything_under(tmp_path) == before


@pytest.mark.parametrize("save", [save_model, save_compact])
def test_a_disk_that_is_really_full_leaves_the_old_model_whole(base, tmp_path, save):
    resource = pytest.importorskip("resource")
    model = new_model(base, "answers")
    save_model(model, tmp_path / "model")
    before = everything_under(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        refused(lambda: save(model, tmp_path / "model"), "not saved", "file too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert everything_under(tmp_path) == before


def test_a_folder_of_other_things_is_never_replaced(model, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    refused(lambda: save_model(model, tmp_path), "no hadath.json", "name another")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


# What is wrong is one clear line.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temprature": 1.0}, ("temprature: no such setting", "'temperature'")),
        ({"window": ...}, ("window: missing",)),
        ({"window": "256"}, ("window: found '256'", "a whole number")),
        ({"window": True}, ("window: found True", "a whole number")),
        ({"stride": 48}, ("stride: found 48", "less than the window")),
        ({"temperature": 0}, ("temperature: found 0", "above 0")),
        ({"temperature": float("nan")}, ("temperature: found nan",)),
        ({"multi_label": "yes"}, ("multi_label: found 'yes'", "true or false")),
        ({"labels": "AID"}, ("labels: found 'AID'", "a list of names")),
        ({"labels": ["AID", "AID"]}, ("labels: found 'AID'", "each label once")),
        ({"labels": []}, ("labels: found []", "labels for events")),
        ({"labels": [1]}, ("labels: found [1]", "names only")),
        ({"thresholds": {"AIDS": 0.5}}, ("thresholds: found 'AIDS'", "labels of this model")),
        ({"thresholds": {"AID": 2}}, ("thresholds.AID: found 2", "from 0 to 1")),
        ({"no_answer_threshold": 1.5}, ("no_answer_threshold: found 1.5",)),
        ({"task": "entities"}, ("task: found 'entities'", "answers, events")),
        ({"context": "next"}, ("context: found 'next'", "none, previous, title")),
        ({"format": 4}, ("format: found 4", "update Hadath")),
        ({"format": True}, ("format: found True", "a whole number")),
        ({"rereads": ...}, ("rereads: missing",)),
        ({"rereads": 21}, ("rereads: found 21", "0 to 20")),
        ({"reread_share": 1.5}, ("reread_share: found 1.5", "from 0 to 1")),
        ({"confidence_floor": 1}, ("confidence_floor: found 1", "to below 1")),
        ({"respell": 1}, ("respell: found 1", "true or false")),
        ({"labels": ["AID", "CONSULT", "ASSAULT"]}, ("id2label has CONSULT, AID", "same save")),
    ],
)
def test_a_wrong_setting_is_named_with_its_mend(saved, change, words):
    edit_json(saved / "hadath.json", **change)
    refused(lambda: load_model(saved, task="events"), str(saved), *words)


def test_a_folder_of_an_older_format_reads_as_it_did(saved):
    edit_json(saved / "hadath.json", format=2, rereads=3, respell=..., confidence_floor=...)
    assert load_model(saved, task="events").settings.rereads == 3
    older = load_model(saved, task="events").settings
    assert not older.respell and older.confidence_floor == 0
    edit_json(saved / "hadath.json", format=1, rereads=..., reread_share=...)
    assert load_model(saved, task="events").settings.rereads == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "hadath.json:1: column 2: not JSON"),
        ("[]", "found list"),
        ('{"task": NaN}', "base: missing"),
    ],
)
def test_a_settings_file_that_is_none_is_named(saved, content, words):
    (saved / "hadath.json").write_text(content)
    refused(lambda: load_model(saved, task="events"), words)


@pytest.mark.parametrize(
    "name", ["hadath.json", "config.json", "model.safetensors", "tokenizer.json"]
)
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    refused(lambda: load_model(saved, task="events"), f"no {name}")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_cut_in_half_is_one_line(saved, name):
    path = saved / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(lambda: load_model(saved, task="events"), str(saved), "copy it anew")


def test_weights_without_their_head_are_refused(saved):
    path = saved / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(path).items() if "classif" not in name}
    save_file(tensors, path, metadata={"format": "pt"})
    refused(lambda: load_model(saved, task="events"), "lack classifier.bias")


def test_a_model_of_the_other_task_is_refused(model, tmp_path):
    save_model(model, tmp_path / "model")
    task = model.settings.task
    other = {"answers": "events", "events": "answers"}[task]
    refused(lambda: load_model(tmp_path / "model", task=other), f"a model for {task}")


def test_a_base_that_was_not_fine_tuned_is_refused(base):
    refused(lambda: load_model(base, task="answers"), "no hadath.json", "python -m train")


def test_a_name_that_is_nothing_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    refused(lambda: load_model(tmp_path / "absent", task="answers"), "no such folder", "offline")
    refused(lambda: load_model(tmp_path / "file", task="answers"), "a file; name")
    refused(lambda: load_model("no such name", task="answers"), "no such folder", "offline")


def test_a_pickle_is_never_loaded(base, tmp_path):
    for path in base.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04N.")
    refused(lambda: load_base(tmp_path, "answers"), "no model.safetensors", "never loaded")


def test_settings_refuse_to_be_false():
    settings = ModelSettings(task="answers", base="any")
    assert ModelSettings.from_record(json.loads(json.dumps(settings.record()))) == settings
    refused(lambda: replace(settings, longest_answer=0), "longest_answer: found 0")


# Where the embedded models are, and what loading prints.


def test_no_name_loads_the_embedded_model(model, tmp_path, monkeypatch):
    task = model.settings.task
    monkeypatch.setenv("HADATH_MODELS", str(tmp_path))
    refused(lambda: load_model(task=task), "no embedded model", "HADATH_MODELS")
    save_model(model, tmp_path / task)
    assert load_model(task=task).settings == model.settings
    assert embedded_folder(task) == tmp_path / task


def test_loading_and_saving_print_nothing_and_leave_logging_as_it_was(model, tmp_path, capfd):
    transformers_logging.set_verbosity_info()
    transformers_logging.enable_progress_bar()  # a training before may have put it out
    try:
        save_compact(model, tmp_path / "model")
        load_model(tmp_path / "model", task=model.settings.task)
        load_base(tmp_path / "model", "events", ("AID",))
        assert transformers_logging.get_verbosity() == transformers_logging.INFO
        assert transformers_logging.is_progress_bar_enabled()
    finally:
        transformers_logging.set_verbosity_warning()
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_cut_of_the_last_call_is_not_saved(saved_once, tmp_path):
    model = load_model(saved_once, task="events")
    model.tokenizer("نص " * 99, truncation=True, max_length=8)
    save_model(model, tmp_path / "again")
    record = json.loads((tmp_path / "again" / "tokenizer.json").read_text("utf-8"))
    assert record["truncation"] is None
    again = Tokenizer.from_file(str(tmp_path / "again" / "tokenizer.json"))
    assert len(again.encode("نص " * 99).ids) > 99


def test_a_model_type_that_is_no_name_is_one_line(saved):
    edit_json(saved / "config.json", model_type=[])
    refused(lambda: load_model(saved, task="events"), "model_type [] is unknown")


def test_a_folder_with_a_name_too_long_is_one_line(model, tmp_path):
    long = tmp_path / ("b" * 300) / "c"
    refused(lambda: load_model(long, task="events"), "offline default")
    save_model(model, tmp_path / "model")
    for made in (
        lambda: export(tmp_path / "model", long, "events"),
        lambda: refuse_other_folder(long),
        lambda: absent_folder(long),
    ):
        refused(made, "bbb/c: ", "name another folder")


def test_a_window_that_the_encoder_cannot_read_is_refused_before_a_text_is(saved):
    places = json.loads((saved / "config.json").read_text("utf-8"))["max_position_embeddings"]
    edit_json(saved / "hadath.json", window=places + 1)
    refused(lambda: load_model(saved, task="events"), f"window: {places + 1}", f"{places} at most")
