"""Which module may import which: those above it in a list, and the library never its programs."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The library in reading order: text, annotations, features, model, predictions, scores, report,
# command line. A module may import those above it; modules of one line do not know each other.
ORDER: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("files", "fields"),
    ("text", "cleaning", "vocabulary", "spelling"),
    ("folding",),
    ("annotations",),
    ("ontology",),
    ("role_questions",),
    ("authoring",),
    ("datasheet",),
    ("formats.repairs", "formats.records"),
    ("formats.regions",),
    ("formats.squad", "formats.label_studio", "formats.doccano", "formats.table"),
    ("formats",),
    ("check", "agreement"),
    ("config", "hub", "weights", "model_settings"),
    ("models",),
    ("features", "decode"),
    ("calibrate", "rereading"),
    ("predict",),
    ("highlight", "inputs", "results"),
    ("resampling", "provenance"),
    ("scores",),
    ("baselines", "metrics", "plots"),
    ("sheets",),
    ("report",),
    ("",),  # hadath/__init__.py, which names what the library offers
    ("cli",),
    ("__main__",),
)
DATA_ONLY = {"schemes"}  # a package of data files
PLACE = {name: layer for layer, names in enumerate(ORDER) for name in names}
PROGRAMS = {"train": ("train",), "page": ("page", "serve")}


def modules(folder: str) -> dict[str, Path]:
    """{dotted name below the folder, "" for the folder itself: its file}."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT / folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


LIBRARY = modules("hadath")
FILES = [
    *LIBRARY.values(), *modules("train").values(), *modules("page").values(), ROOT / "serve.py"
]  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, as a dotted name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import; name the module whole"
            yield node.module or ""
            # `from hadath import decode` imports a module too.
            for alias in node.names:
                if f"{node.module}.{alias.name}".removeprefix("hadath.") in LIBRARY:
                    yield f"{node.module}.{alias.name}"


def from_library(path: Path) -> set[str]:
    """The library's own modules among them, without the leading `hadath.`."""
    found = {name for name in imports(path) if name.split(".")[0] == "hadath"}
    # `from hadath import decode` names the package only on the way to the module.
    below = {name.removeprefix("hadath.") for name in found if name != "hadath"}
    return below or {name.removeprefix("hadath") for name in found}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_of_the_library_has_its_place_in_the_order():
    assert set(LIBRARY) - DATA_ONLY == set(PLACE)


@pytest.mark.parametrize("name", sorted(PLACE), ids=lambda name: name or "__init__")
def test_a_module_imports_only_those_above_it(name):
    for other in from_library(LIBRARY[name]) - {name}:
        assert PLACE[other] < PLACE[name], f"hadath.{name} imports hadath.{other}, not above it"


@pytest.mark.parametrize("name", sorted(LIBRARY), ids=lambda name: name or "__init__")
def test_the_library_imports_nothing_that_runs_or_shows_it(name):
    roots = {module.split(".")[0] for module in imports(LIBRARY[name])}
    assert not roots & {"train", "page", "serve", "gradio", "tests"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_training_and_page_do_not_know_each_other(program):
    (other,) = PROGRAMS.keys() - {program}
    names = PROGRAMS[program]
    files = [path for path in FILES if shown(path).removesuffix(".py").split("/")[0] in names]
    assert files
    for path in files:
        roots = {module.split(".")[0] for module in imports(path)}
        assert not roots & set(PROGRAMS[other]), shown(path)


def test_serving_imports_nothing_that_only_training_or_scoring_needs():
    reached, ahead = set(), {"predict", "inputs", "highlight"}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= from_library(LIBRARY[name]) - reached
    assert not reached & {"scores", "metrics", "baselines", "report", "plots", "calibrate"}
    heavy = {"sklearn", "evaluate", "datasets", "accelerate", "matplotlib", "scipy"}
    for name in reached:
        assert not {module.split(".")[0] for module in imports(LIBRARY[name])} & heavy, name


def test_no_module_is_named_after_a_package_it_could_import():
    packages = {
        "accelerate", "compressed_tensors", "datasets", "evaluate", "gradio", "huggingface_hub",
        "matplotlib", "numpy", "safetensors", "scipy", "sklearn", "tokenizers", "torch",
        "transformers", "yaml",
    }  # fmt: skip
    for path in FILES:
        assert path.stem not in packages, shown(path)
    # Files at the top are importable by their bare names, and so must not hide anything.
    for path in ROOT.glob("*.py"):
        found = importlib.util.find_spec(path.stem)
        assert found is None or Path(found.origin or "").resolve() == path, shown(path)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_module_opens_with_what_it_knows(path):
    opening = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert opening
    assert opening.split("\n\n")[0].rstrip().endswith("."), "a whole sentence"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_only_command_lines_print(path):
    if path.name in {"cli.py", "__main__.py", "serve.py"}:
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        called = node.func if isinstance(node, ast.Call) else None
        assert not (isinstance(called, ast.Name) and called.id == "print"), (
            f"{shown(path)}:{called.lineno}"
        )
