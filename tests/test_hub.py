"""Models from a hub: AraBERT from download to reload, and one clear line for each failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Repo, arabert_files, faulty_repos, serving

REPOSITORY = Path(__file__).resolve().parent.parent
ARABERT = "aubmindlab/bert-base-arabertv02"

# In a process of its own, as the hub's address is read at import: what a user does with AraBERT,
# then the message and the seconds of each failure, then the same with the hub down.
SCRIPT = """
import json, resource, socket, sys, time, torch
from urllib.request import urlopen
from urllib.parse import urlsplit
from hadath.errors import HadathError
from hadath.models import Model, ModelSettings, load_base, load_model, save_model

def use(name, folder):
    network, tokenizer = load_base(name, "answers")
    question, text = "من التقى كيم؟", "قال الوَزيـــر إنَّ كيم التقى بوتين في ٢٠٢٤؟؟؟؟"
    inputs = tokenizer(question, text, return_tensors="pt")
    gold = {"start_positions": torch.tensor([9]), "end_positions": torch.tensor([10])}
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    losses = []
    for _ in range(2):
        loss = network(**inputs, **gold).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    network.eval()
    save_model(Model(network, tokenizer, ModelSettings(task="answers", base=name), name), folder)
    again = load_model(folder, task="answers")
    ids = again.tokenizer(question, text, return_tensors="pt")
    with torch.inference_mode():
        before, after = network(**inputs).start_logits, again.network(**ids).start_logits
    offsets = again.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    return {
        "losses": losses,
        "inputs": list(inputs),
        "tokens": again.tokenizer.tokenize(text),
        "slices": [text[start:end] for start, end in offsets],
        "same ids": inputs["input_ids"].tolist() == ids["input_ids"].tolist(),
        "same outputs": torch.equal(before, after),
    }

def attempt(name):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    if name == "example/large":  # a disk with room for a megabyte
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    start = time.monotonic()
    try:
        load_base(name, "answers")
        message = "loaded"
    except HadathError as error:
        message = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return {"message": message, "seconds": time.monotonic() - start}

modules = list(sys.modules)
endpoint, folder, arabert, *faulty = sys.argv[1:]
used = use(arabert, folder)
failed = {name: attempt(name) for name in faulty}
urlopen(endpoint + "/stop").close()
address = urlsplit(endpoint)
while True:  # until its port is closed
    with socket.socket() as one:
        if one.connect_ex((address.hostname, address.port)):
            break
down = {name: attempt(name) for name in (arabert, "example/absent")}
print(json.dumps({"modules": modules, "used": used, "failed": failed, "down": down}))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What SCRIPT found (modules, used, failed, down), the files it took of AraBERT, its stderr."""
    files = arabert_files()
    more = {"pytorch_model.bin": b"\x80\x04N.", "README.md": b"# AraBERT", "training.json": b"{}"}
    arabert = Repo(files | more)
    faulty = faulty_repos(files)
    names = [ARABERT, "example/absent", *faulty]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    with serving(faulty | {ARABERT: arabert}) as endpoint:
        environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path_factory.mktemp("home"))}
        folder = tmp_path_factory.mktemp("models") / "trained"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SCRIPT, endpoint, str(folder), *names],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"asked": arabert.asked, "stderr": done.stderr}


def test_arabert_is_fetched_trained_saved_and_loaded_again_unchanged(run):
    found = run["used"]
    assert found["same ids"]
    assert found["same outputs"]
    assert found["losses"][1] < found["losses"][0]


def test_arabert_keeps_its_cleaning_inside_the_saved_tokenizer(run):
    found = run["used"]
    assert "token_type_ids" in found["inputs"]
    # Without diacritics and tatweel, digits as AraBERT knows them, at most two of the same sign.
    assert found["tokens"][:2] == ["قال", "الوزير"]
    assert "2024" in found["tokens"]
    assert found["tokens"].count("؟") == 2
    # And every token is still a slice of the raw text.
    assert "الوَزيـــر" in found["slices"]
    assert "٢٠٢٤" in found["slices"]


def test_nothing_but_safe_files_is_fetched_and_the_record_of_the_training(run):
    assert sorted(run["asked"]) == [
        "config.json", "model.safetensors", "special_tokens_map.json", "tokenizer_config.json",
        "training.json", "vocab.txt",
    ]  # fmt: skip


def test_nothing_is_printed_beside_the_message(run):
    assert run["stderr"] == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("example/absent", "no such model on http://127.0.0.1"),
        ("example/gated", "accept its terms on its page, then log in with `hf auth login`"),
        ("example/cut", "call again, whole files are kept"),
        ("example/large", "the disk filled up while fetching it"),
        ("example/pickled", "no model.safetensors; weights in pickle files"),
        ("example/code", "code that comes with a model is never run"),
    ],
)
def test_each_failure_is_one_quick_line_that_names_the_offline_default(run, name, words):
    message = run["failed"][name]["message"]
    assert message.startswith(name)
    assert words in message
    assert "models/answers, the offline default" in message
    assert "\n" not in message
    assert run["failed"][name]["seconds"] < 15


def test_while_the_hub_is_down_the_message_says_so(run):
    message = run["down"]["example/absent"]["message"]
    assert "does not answer" in message
    assert "models/answers, the offline default" in message
    assert "\n" not in message
    assert run["down"]["example/absent"]["seconds"] < 15


def test_while_the_hub_is_down_a_model_fetched_before_still_loads(run):
    assert run["down"][ARABERT]["message"] == "loaded"


def test_loading_imports_nothing_that_only_training_or_compact_models_need(run):
    heavy = {"sklearn", "datasets", "evaluate", "pandas", "compressed_tensors"}
    assert not {*heavy, "transformers.trainer"} & set(run["modules"])
