"""A cut vocabulary: what is kept is read as before, the other languages' pieces are gone."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from hadath.errors import HadathError
from hadath.models import load_base
from train.__main__ import main as train
from train.trim import trim

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
ARABIC = (
    "زار الوزير مدينة بيروت أمس والتقى الرئيس.",
    "هاجم مسلحون قرية قرب الحدود فجر اليوم.",
    "أعلنت الحكومة إرسال مساعدات إلى المتضررين من الزلزال.",
    "قال السفير إن المحادثات في القاهرة كانت مثمرة.",
)
OTHERS = (
    "The minister visited the capital yesterday and met with the president of the republic.",
    "Министр посетил столицу вчера и встретился с президентом республики.",
)
# Letters that stand in none of ARABIC.
RARE_LETTERS = "ظثغؤ"


def made_base(folder: Path, *, mask_apart: bool) -> Path:
    """A tiny encoder of three languages; <mask> ends the vocabulary, or follows it as in mDeBERTa.

    Numbered as XLM-R's: <s> 0, <pad> 1, </s> 2, <unk> 3.
    """
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.train_from_iterator(
        [*ARABIC * 3, *OTHERS * 3, " ".join(RARE_LETTERS)],
        trainers.UnigramTrainer(
            vocab_size=260, special_tokens=list(SPECIAL), unk_token="<unk>", show_progress=False
        ),
    )
    vocabulary = json.loads(learner.to_str())["model"]["vocab"]
    if not mask_apart:
        vocabulary.append(["<mask>", 0.0])
    tokenizer = Tokenizer(models.Unigram([tuple(piece) for piece in vocabulary], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>",
        sep_token="</s>", pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
        model_max_length=512,
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=len(vocabulary) + mask_apart, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=32, pad_token_id=1,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "arabic.txt"
    path.write_text("\n".join(ARABIC), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["mask within", "mask apart"])
def cut(request, tmp_path_factory, texts) -> tuple[Path, Path]:
    """(the base, what trim made of it)."""
    folder = tmp_path_factory.mktemp("bases")
    base = made_base(folder / "base", mask_apart=request.param)
    assert train(["trim", str(base), str(texts), "--output", str(folder / "cut")]) == 0
    return base, folder / "cut"


def loaded(folder: Path) -> tuple:
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def pieces(folder: Path) -> set[str]:
    return set(AutoTokenizer.from_pretrained(folder).get_vocab())


def has_letters(piece: str, first: str, last: str) -> bool:
    return any(first <= character <= last for character in piece)


def test_texts_of_kept_pieces_have_the_same_tokens_and_the_same_states(cut):
    read = []
    pairs = [(text,) for text in ARABIC] + [(ARABIC[0], ARABIC[1]), (ARABIC[3][9:], ARABIC[2])]
    for folder in cut:
        tokenizer, network = loaded(folder)
        with torch.inference_mode():
            batches = [tokenizer(*pair, return_tensors="pt") for pair in pairs]
            states = [network(**batch).last_hidden_state for batch in batches]
        tokens = [tokenizer.convert_ids_to_tokens(batch["input_ids"][0]) for batch in batches]
        read.append((tokens, states))
    (tokens, states), (found, others) = read
    assert tokens == found
    assert all(torch.equal(one, other) for one, other in zip(states, others, strict=True))


def test_special_tokens_stand_where_tokenizer_and_network_look_for_them(cut):
    base, smaller = cut
    tokenizer, network = loaded(smaller)
    old_tokenizer, old = loaded(base)
    assert tokenizer.convert_tokens_to_ids(list(SPECIAL)) == [0, 1, 2, 3]
    assert tokenizer("زار")["input_ids"][:: len(tokenizer("زار")["input_ids"]) - 1] == [0, 2]
    assert tokenizer("漢")["input_ids"][-2] == tokenizer.unk_token_id == 3
    assert network.config.pad_token_id == tokenizer.pad_token_id
    rows, old_rows = network.get_input_embeddings().weight, old.get_input_embeddings().weight
    assert len(rows) == len(tokenizer) == network.config.vocab_size
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    for name in (*SPECIAL, "<mask>"):
        one, other = (each.convert_tokens_to_ids(name) for each in (tokenizer, old_tokenizer))
        assert torch.equal(rows[one], old_rows[other])


def test_other_languages_pieces_are_gone_and_the_scripts_letters_stay(cut):
    base, smaller = cut
    before, after = pieces(base), pieces(smaller)
    assert after < before
    assert any(has_letters(piece, "а", "я") for piece in before)
    assert not any(has_letters(piece, "а", "я") for piece in after)
    assert not any(has_letters(piece, "A", "z") for piece in after - {*SPECIAL, "<mask>"})
    letters = {piece for piece in before if len(piece) == 1 and has_letters(piece, "ء", "ي")}
    assert {*RARE_LETTERS} <= letters <= after
    tokenizer, _ = loaded(smaller)
    assert tokenizer.unk_token_id not in tokenizer(f"ظ{RARE_LETTERS}ر")["input_ids"]


def test_a_piece_must_occur_as_often_as_asked(cut, texts, tmp_path):
    base, smaller = cut
    trim(str(base), [str(texts)], str(tmp_path / "rarer"), least=3)
    rarer, all_that_occur = pieces(tmp_path / "rarer"), pieces(smaller)
    assert rarer < all_that_occur
    assert all(len(piece.removeprefix("\u2581")) > 1 for piece in all_that_occur - rarer)


def test_the_smaller_encoder_is_a_base_to_fine_tune_with_no_weights_it_made_up(
    cut, texts, tmp_path, capsys
):
    base, _ = cut
    bare = tmp_path / "bare"
    shutil.copytree(base, bare)
    kept = {
        name: weight for name, weight in load_file(base / "model.safetensors").items()
        if "pooler" not in name
    }  # fmt: skip
    save_file(kept, bare / "model.safetensors", metadata={"format": "pt"})
    trim(str(bare), [str(texts)], str(tmp_path / "cut"))
    weights = tmp_path / "cut/model.safetensors"
    assert load_file(weights).keys() == kept.keys()
    assert weights.stat().st_mode == (tmp_path / "cut/config.json").stat().st_mode
    network, tokenizer = load_base(tmp_path / "cut", "events", ("AID", "ASSAULT"))
    assert network.config.vocab_size == len(tokenizer)
    assert "pieces" in capsys.readouterr().err


# Refusals: one line, and nothing half-written.


def refusal(base: Path, files: list, output: Path, **options: int) -> str:
    with pytest.raises(HadathError) as error:
        trim(str(base), [str(file) for file in files], str(output), **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_there_already_is_left_alone(cut, texts, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for output in (tmp_path, tmp_path / "thesis.txt"):
        assert f"{output}: is there already" in refusal(cut[0], [texts], output)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["years of work"]


def test_a_disk_that_fills_up_leaves_nothing_behind(cut, texts, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise HadathError("tokenizer.json: not written (no space left on device)")

    monkeypatch.setattr("train.trim.write_text", full)
    found = refusal(cut[0], [texts], tmp_path / "cut")
    assert f"{tmp_path / 'cut'}: not saved" in found and "no space left on device" in found
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_reads_otherwise_once_cut_is_not_kept(cut, texts, tmp_path, monkeypatch):
    def spoilt(network, table, kept):
        table.weight.data.mul_(2)

    monkeypatch.setattr("train.trim.cut_embeddings", spoilt)
    assert "with other hidden states" in refusal(cut[0], [texts], tmp_path / "cut")
    assert not list(tmp_path.iterdir())


def test_texts_that_cannot_be_read_are_named(cut, tmp_path):
    blank, page = tmp_path / "blank.txt", tmp_path / "page.xml"
    blank.write_text(" \n")
    page.write_text("<p>")
    output = tmp_path / "cut"
    assert f"{blank}: no text in these files" in refusal(cut[0], [blank], output)
    assert f"{page}: no reader for .xml; use .jsonl" in refusal(cut[0], [page], output)
    assert "none.txt: no such file" in refusal(cut[0], [tmp_path / "none.txt"], output)
    assert "least: found 0" in refusal(cut[0], [blank], output, least=0)
    assert not output.exists()


def test_bases_that_cannot_be_cut_are_named(cut, texts, tmp_path):
    def broken(name: str, **files: object) -> Path:
        folder = tmp_path / name
        shutil.copytree(cut[0], folder)
        for file, change in files.items():
            path = folder / f"{file}.json"
            path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change))
        return folder

    output = tmp_path / "cut"
    words = broken("words", tokenizer={"model": {"type": "WordPiece"}})
    assert "of type 'WordPiece'; only Unigram" in refusal(words, [texts], output)
    packed = broken("packed", config={"quantization_config": {"quant_method": "x"}})
    assert "its weights are packed; write them out" in refusal(packed, [texts], output)
    foreign = broken("foreign", config={"model_type": "own_kind"})
    assert f"{foreign}: can't be loaded as an encoder" in refusal(foreign, [texts], output)
    no_pieces, no_weights = broken("no_pieces"), broken("no_weights")
    (no_pieces / "tokenizer.json").unlink()
    (no_weights / "model.safetensors").unlink()
    assert f"{no_pieces}: no tokenizer.json" in refusal(no_pieces, [texts], output)
    assert f"{no_weights}: can't be loaded" in refusal(no_weights, [texts], output)
    few = broken("few", config={"vocab_size": 20})
    weights = load_file(few / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    save_file(
        weights | {name: weights[name][:20].clone()}, few / "model.safetensors", {"format": "pt"}
    )
    assert f"{few}: its embeddings are no table of" in refusal(few, [texts], output)
    assert "no such folder" in refusal(tmp_path / "none at all", [texts], output)
    assert not output.exists()


def test_the_command_line_says_a_refusal_in_one_line(cut, texts, tmp_path, capsys):
    words = ["trim", str(cut[0]), str(texts), "--output", str(tmp_path)]
    assert train(words) == 2
    assert capsys.readouterr().err == f"train: {tmp_path}: is there already; name a new folder\n"
