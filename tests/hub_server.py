"""A small look-alike of the Hugging Face hub on 127.0.0.1, and the repositories to put on it.

It knows the endpoints that `snapshot_download` asks for, not what Hadath does with the files.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import torch
from safetensors.torch import save
from transformers import BertConfig, BertForMaskedLM

COMMIT = "0" * 39 + "1"

# The config.json of aubmindlab/bert-base-arabertv02, but for two numbers, to make it quick to test:
# its depth (12) and its vocabulary (64,000).
ARABERT_CONFIG: dict[str, Any] = {
    "architectures": ["BertForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": 0,
}
SPECIAL = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]",
    "cls_token": "[CLS]", "mask_token": "[MASK]",
}  # fmt: skip
ARABERT_TOKENIZER: dict[str, Any] = SPECIAL | {
    "tokenizer_class": "BertTokenizer",
    "do_lower_case": False,
    "do_basic_tokenize": True,
    "strip_accents": None,
    "tokenize_chinese_chars": True,
    "model_max_length": 512,
    "never_split": ["[بريد]", "[مستخدم]", "[رابط]"],
}
_WORDS = "التقى كيم بوتين في الشرق قال ان ان الوزير زار بيروت امس من الذي اين ماذا الحكومة على 2024"


@dataclass
class Repo:
    """A repository: its files, and how its server misbehaves.

    fault: "gated", "cut" (half of model.safetensors, then silence) or none.
    """

    files: Mapping[str, bytes]
    fault: str = ""
    asked: list[str] = field(default_factory=list)


def arabert_vocabulary() -> list[str]:
    """Special tokens, a few words, and every letter, digit and mark alone and within a word."""
    letters = [chr(code) for code in (*range(0x621, 0x63B), *range(0x641, 0x64B))]
    signs = [*"0123456789", *"!\"#$%&'()*+,-./:;<=>?@[]", "،", "؛", "؟", "«", "»"]
    pieces = [
        *SPECIAL.values(), "[بريد]", "[مستخدم]", "[رابط]", *_WORDS.split(), *letters, *signs,
        *(f"##{sign}" for sign in (*letters, *"0123456789")),
    ]  # fmt: skip
    return list(dict.fromkeys(pieces))


def arabert_files() -> dict[str, bytes]:
    """Files as aubmindlab/bert-base-arabertv02 has them, with random weights."""
    vocabulary = arabert_vocabulary()
    config = ARABERT_CONFIG | {"vocab_size": len(vocabulary)}
    torch.manual_seed(5)
    network = BertForMaskedLM(BertConfig(**config))
    # The decoder's weights are the embeddings', and safetensors stores no tensor twice.
    state = {
        name: tensor.contiguous()
        for name, tensor in network.state_dict().items()
        if not name.startswith("cls.predictions.decoder")
    }
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer_config.json": json.dumps(ARABERT_TOKENIZER).encode(),
        "special_tokens_map.json": json.dumps(SPECIAL).encode(),
        "vocab.txt": ("\n".join(vocabulary) + "\n").encode(),
        "model.safetensors": save(state, metadata={"format": "pt"}),
    }


def faulty_repos(files: Mapping[str, bytes]) -> dict[str, Repo]:
    """One repository for each thing that can go wrong, out of the files of a good one."""
    small = {name: content for name, content in files.items() if name != "model.safetensors"}
    pickled = small | {"pytorch_model.bin": b"\x80\x04N."}
    foreign = json.dumps(
        {"model_type": "own_kind", "auto_map": {"AutoConfig": "code.OwnConfig"}}
    ).encode()
    no_weights = {"model.safetensors": bytes(4_000_000)}
    return {
        "example/gated": Repo(files, fault="gated"),
        "example/cut": Repo(small | no_weights, fault="cut"),
        "example/large": Repo(small | no_weights),
        "example/pickled": Repo(pickled),
        "example/code": Repo(
            small | {"config.json": foreign, "code.py": b"raise SystemExit(9)", **no_weights}
        ),
    }


@contextmanager
def serving(repos: Mapping[str, Repo]) -> Iterator[str]:
    """The address of a hub that holds `repos`, up as long as the context."""
    handler = type("Handler", (_Handler,), {"repos": repos})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of /api/models/REPO, its /tree/COMMIT, /REPO/resolve/COMMIT/FILE, and /stop."""

    repos: Mapping[str, Repo] = {}
    protocol_version = "HTTP/1.0"  # a connection each, so that none outlives a stop

    def do_GET(self) -> None:
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts == ["stop"]:
            self._answer(b"", {})
            self.server.shutdown()
            self.server.server_close()
        elif parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[4:])
        elif parts[2:3] == ["resolve"]:
            self._file("/".join(parts[:2]), "/".join(parts[4:]))
        else:
            self._refuse(404, "EntryNotFound")

    do_HEAD = do_GET

    def _describe(self, name: str, rest: list[str]) -> None:
        repo = self.repos.get(name)
        if repo is None:
            self._refuse(404, "RepoNotFound")
        elif repo.fault == "gated" and rest[:1] == ["tree"]:
            self._refuse(403, "GatedRepo")
        elif rest[:1] == ["tree"]:
            tree = [
                {"type": "file", "path": path, "size": len(content), "oid": _etag(content)}
                for path, content in repo.files.items()
            ]
            self._answer(json.dumps(tree).encode(), {"Content-Type": "application/json"})
        else:
            siblings = [{"rfilename": path} for path in repo.files]
            record = {"id": name, "sha": COMMIT, "siblings": siblings, "tags": []}
            self._answer(json.dumps(record).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, path: str) -> None:
        repo = self.repos.get(name)
        if repo is None:
            self._refuse(404, "RepoNotFound")
        elif repo.fault == "gated":
            self._refuse(403, "GatedRepo")
        elif path not in repo.files:
            self._refuse(404, "EntryNotFound")
        else:
            if self.command == "GET":
                repo.asked.append(path)
            content = repo.files[path]
            headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": COMMIT}
            if repo.fault == "cut" and path == "model.safetensors" and self.command == "GET":
                self._cut(content, headers, first=repo.asked.count(path) == 1)
            else:
                self._answer(content, headers)

    def _answer(self, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(200)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _cut(self, content: bytes, headers: Mapping[str, str], *, first: bool) -> None:
        """Half of the content, and never another byte."""
        self.close_connection = True
        if first:
            self.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""


def _etag(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
