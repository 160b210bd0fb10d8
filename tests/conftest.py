"""What all tests share: one temporary home, kernels that are compiled once, seeds, and small data sets.

The suite runs in several processes (pytest-xdist) and in a random order (pytest-randomly, which prints its
seed; `--randomly-seed=...` repeats an order). `python -m pytest -n 0` runs everything in one process.
"""

import hashlib
import json
import os
import random
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

pytest_plugins = [
    "tests.browser",
    "tests.ray_head",
    "tests.ray_nodes",
    "tests.s3_server",
    "tests.mlflow_server",
]

ROOT = Path(__file__).parent.parent
IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ
if not IN_WORKER:
    os.environ["RAYDIST_HOME"] = tempfile.mkdtemp(prefix="raydist-test-")
HOME = Path(os.environ["RAYDIST_HOME"])
os.environ["NUMBA_CACHE_DIR"] = str(HOME / "cache" / "numba")
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["GOMP_SPINCOUNT"] = "0"
os.environ.pop("COLUMNS", None)  # tables are as wide as for a file, wherever the tests run
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


def _compiled_kernels() -> Path:
    """The folder of compiled kernels, which sessions share as long as no file of the package changes.

    Numba looks at the file of a kernel only, not at the files of the functions that it calls.
    """
    sources = hashlib.sha256()
    for path in sorted((ROOT / "raydist").rglob("*.py")):
        sources.update(path.read_bytes())
    folder = ROOT / ".pytest_cache" / "kernels" / sources.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    for other in folder.parent.iterdir():
        if time.time() - other.stat().st_mtime > 86_400:
            shutil.rmtree(other, ignore_errors=True)
    return folder


if not IN_WORKER:
    (HOME / "cache").mkdir()
    (HOME / "cache" / "numba").symlink_to(_compiled_kernels())

from raydist.distributed.cluster import prepare

prepare(None)  # before anything imports Ray

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import strategies as st
from typer.testing import CliRunner
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from raydist import redaction
from raydist.cli.app import app
from raydist.engine.inputs import Inputs, open_inputs, read_tracklets
from raydist.engine.run import train_run
from raydist.engine.run_folder import RunFolder
from raydist.engine.schema import Config, load_config
from raydist.engine.state import build_state
from raydist.home import cache_folder
from raydist.tracking.tracker import NoTracker

torch.set_num_threads(1)


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # it shuffles the tests only, see `_seed_generators`


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes of `-n auto`: none but this one where single files are named."""
    named = [Path(str(argument).split("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in named) else max(2, min(4, (os.cpu_count() or 2) // 2))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Draw what several processes read."""
    if session.config.getoption("numprocesses", None):
        open_inputs(load_config("smoke", []), cache_folder())


def _unit(nodeid: str) -> str:
    """What runs in one process: a file; of the files on the local Ray cluster, all."""
    file = nodeid.split("::")[0]
    return "ray" if file.startswith("tests/distributed/") and not file.endswith("/test_jobs.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Deals out units in the order of the tests."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _unit
    return scheduler


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the local Ray cluster, then tests that start processes of Ray.

    Where more inputs are asked for than usual (``RAYDIST_FUZZ``), no test has a limit of time.
    """
    items.sort(key=lambda item: (_unit(item.nodeid) != "ray", item.get_closest_marker("ray") is None))
    if "RAYDIST_FUZZ" in os.environ:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


def _seed_generators(name: str) -> None:
    """Seed the global generators, so that what a test draws does not depend on the tests before it."""
    seed = zlib.crc32(name.encode())
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef) -> None:
    _seed_generators(fixturedef.argname)


def pytest_runtest_call(item: pytest.Item) -> None:
    _seed_generators(item.name)


@pytest.fixture(autouse=True)
def _without_the_secrets_of_other_tests() -> Iterator[None]:
    """A process hides every secret that it was given, also where the word means something else."""
    yield
    redaction.forget()


def pytest_sessionfinish() -> None:
    if not IN_WORKER:
        shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def smoke() -> Callable[..., Config]:
    """The smoke recipe with `section.key=value` words."""
    return lambda *words: load_config("smoke", words)


@pytest.fixture(scope="session")
def smoke_inputs(smoke: Callable[..., Config]) -> Inputs:
    """The smoke data set, drawn once."""
    return open_inputs(smoke(), cache_folder())


@pytest.fixture(scope="session")
def smoke_root(smoke_inputs: Inputs) -> Path:
    """Its folder."""
    return next((cache_folder() / "synthetic").glob("smoke-hitsz_vcm-*"))


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its last line on stdout."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture(scope="session")
def raydist() -> Callable[..., Outcome]:
    """Calls `raydist` with words, in this process."""

    def call(*words: object) -> Outcome:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture(scope="session")
def run_dir(
    smoke: Callable[..., Config], smoke_inputs: Inputs, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run of one epoch and one step a stage."""
    config = smoke("train.limit_epochs=1", "train.iterations=1", "evaluation.every=1")
    folder = RunFolder.create(tmp_path_factory.mktemp("runs"), None, "x")
    folder.write("config.yaml", config.dump())
    train_run(build_state(config, smoke_inputs), folder, NoTracker(), after_epoch=lambda report: None)
    return folder.path


@pytest.fixture
def smoke_manifest(smoke_inputs: Inputs, smoke: Callable[..., Config], tmp_path: Path) -> Callable[..., Path]:
    """`smoke_manifest(identities=..., splits=...)` lists the smoke set, with less than is known of it."""
    table = read_tracklets(smoke().data, cache_folder())[1]

    def write(*, identities: bool = True, splits: bool = True) -> Path:
        root = tmp_path / f"manifest-{identities}-{splits}"
        shutil.copytree(table.root, root, copy_function=os.link)
        rows = table.table if splits else table.select(split="train").table
        columns = {name: rows[name] for name in ("tracklet_id", "split", "modality", "camera", "frames")}
        if identities:
            columns["identity"] = rows["identity"]
        pq.write_table(pa.table(columns), root / "manifest.parquet")
        return root / "manifest.parquet"

    return write


@pytest.fixture
def run_env() -> dict[str, str]:
    """The environment of a command that a test starts: this session's home."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def _write_image(path: Path, person: int) -> None:
    """A picture in the colour of a person, unlike any other."""
    rng = np.random.default_rng([person, *path.as_posix().encode()[-40:]])
    colour = np.random.default_rng(person).integers(40, 216, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.clip(colour + rng.normal(0, 20, (16, 8, 3)), 0, 255).astype(np.uint8))


def _write_sysu_mm01(root: Path) -> None:
    for name, persons in {
        "train": "1,2,4,3",
        "val": "12,5",
        "test": "9,7,11,8",
        "available": "1,2,3,4,5,7,8,9,11,12",
    }.items():
        (root / "exp").mkdir(parents=True, exist_ok=True)
        (root / "exp" / f"{name}_id.txt").write_text(persons + "\n")
        for person in map(int, persons.split(",") if name != "available" else []):
            # Of the visible cameras, only the one in cam3's room saw person 7.
            for camera in (2, 3, 6) if person == 7 else range(1, 7):
                for number in range(1, 4 + person * camera % 3):
                    _write_image(root / f"cam{camera}" / f"{person:04d}" / f"{number:04d}.jpg", person)


def _write_regdb(root: Path) -> None:
    for trial in (1, 2):
        for part in ("train", "test"):
            persons = [person for person in range(1, 13) if (person % 2 == trial - 1) == (part == "train")]
            for camera in ("Visible", "Thermal"):
                lines = []
                for label, person in enumerate(persons):
                    files = [
                        f"{camera}/{person}/male_front_{camera[0].lower()}_{n:05d}_{person}.bmp"
                        for n in (21, 33, 40)
                    ]
                    lines += [f"{file} {label}" for file in files]
                    for file in files:
                        _write_image(root / file, person)
                (root / "idx").mkdir(exist_ok=True)
                (root / "idx" / f"{part}_{camera.lower()}_{trial}.txt").write_text("\n".join(lines) + "\n")


def _write_llcm(root: Path) -> None:
    (root / "idx").mkdir(parents=True)
    (root / "idx" / "test_id.txt").write_text("28,6,11,7")
    for kind in ("vis", "nir"):
        cameras = [camera for camera in range(1, 10) if kind == "vis" or camera != 3]
        lines = []
        for label, person in enumerate((4, 5, 9, 13, 20, 31)):
            for camera in cameras[person % 2 :: 3]:
                file = f"{kind}/{person:04d}/{person:04d}_c{camera:02d}_s180_f{camera * 30:04d}_{kind}.jpg"
                lines.append(f"{file} {label}")
                _write_image(root / file, person)
        (root / "idx" / f"train_{kind}.txt").write_text("\n".join(lines) + "\n")
        for camera in cameras:
            (root / f"test_{kind}" / f"cam{camera}").mkdir(parents=True)
            for person in (6, 7, 11, 28):
                for frame in range(210, 210 + (person + camera) % 4):
                    name = f"{person:04d}_c{camera:02d}_s180_f{frame:04d}_{kind}.jpg"
                    _write_image(root / f"test_{kind}" / f"cam{camera}" / f"{person:04d}" / name, person)


@pytest.fixture
def image_set(tmp_path: Path) -> Callable[[str], Path]:
    """`image_set(name)` writes a tiny set of single images in the layout of that data set, and gives its
    folder."""
    writers = {"sysu_mm01": _write_sysu_mm01, "regdb": _write_regdb, "llcm": _write_llcm}

    def make(name: str) -> Path:
        if not (tmp_path / name).exists():
            writers[name](tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def thermal_set(tmp_path: Path) -> Callable[..., Path]:
    """`thermal_set(name, frames=3)` writes crops of 7 persons by a visible camera and a thermal one, whose
    counts of 14 bits stand in files of 16, and gives the manifest."""

    def make(name: str = "set", frames: int = 3, cameras: tuple[str, str] = ("cam1", "ir3")) -> Path:
        root, rows = tmp_path / name, ["tracklet_id,split,modality,camera,identity,frames"]
        for person in range(7):
            for camera, modality in zip(cameras, ("visible", "infrared"), strict=True):
                for part in range(2):
                    split = "train" if person < 4 else ("query", "gallery")[part]
                    paths = [f"{camera}/{person}-{part}/{frame}.png" for frame in range(frames)]
                    for path in paths:
                        _write_crop(root / path, person, thermal=modality == "infrared")
                    words = (
                        f"{camera}-{person}-{part}",
                        split,
                        modality,
                        camera,
                        str(person),
                        "|".join(paths),
                    )
                    rows.append(",".join(words))
        (root / "manifest.csv").write_text("\n".join(rows) + "\n")
        return root / "manifest.csv"

    return make


def _write_crop(path: Path, person: int, *, thermal: bool) -> None:
    """Bands and noise: 7,400 to 8,400 counts, or colours."""
    rng = np.random.default_rng([person, *path.as_posix().encode()[-14:]])
    bands = np.repeat(np.random.default_rng(person).uniform(0.1, 0.9, (4, 1, 3)), 8, axis=0)
    heat = np.clip(bands + rng.normal(0, 0.05, (32, 16, 3)), 0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = (7400 + 1000 * heat[..., 0]).astype(np.uint16) if thermal else (255 * heat).astype(np.uint8)
    cv2.imwrite(str(path), pixels)


class Payload:
    """What makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def payload(tmp_path: Path) -> Iterator[Payload]:
    """An object whose pickle must not be executed: a folder shows if it was."""
    yield Payload(tmp_path / "executed")
    assert not (tmp_path / "executed").exists()


ODD_PIECES = [
    b"", b"\n", b"0", b"-1", b"1e999", b"9" * 25, b"9" * 5000, b".nan", b"true", b"null", b"~", b"<<: ",
    b"? ", b"\xff", b"\xed\xa0\x80", b"\0", b"\xef\xbb\xbf", b"\\ud800", b'"\\ud800"', b'"\\0"',
    b"\xc2\x85", b"\xd9\xa3", b"/", b"../", b" ", b"\t", b":", b": ", b",", b"[", b"]", b"{", b"}", b'"',
    b"'", b"#", b"- ", b"\r\n", b"_", b"[" * 3000, b'{"a":' * 3000, b"&a ", b"*a", b"&a [*a]",
    b"!!int x", b"!!timestamp 1-1-1", b"!x ", b"| ", b"---", b"extends: ", b"recipes: ", b"x" * 5000,
    b"[1, 2]", b"{a: 1}", b"[0, 1e-300]", b"quniform", b"randint",
]  # fmt: skip


@pytest.fixture(scope="session")
def edited() -> Callable[[bytes], st.SearchStrategy[bytes]]:
    """`edited(content)`: the content of a file with odd pieces in some places, or odd bytes."""

    def strategy(content: bytes) -> st.SearchStrategy[bytes]:
        places = st.tuples(st.integers(0, len(content)), st.integers(0, 12), st.sampled_from(ODD_PIECES))

        def replaced(edits):
            result = content
            for start, length, piece in edits:
                result = result[:start] + piece + result[start + length :]
            return result

        with_edits = st.lists(places, min_size=1, max_size=4).map(replaced)
        return st.one_of(with_edits, with_edits, with_edits, st.binary(max_size=60))

    return strategy


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="session")
def changed_json() -> Callable[..., object]:
    """`changed_json(data, values)`: plain values of which one place is replaced or removed, by Hypothesis."""
    return _changed_json


def _changed_json(data: st.DataObject, values: object) -> object:
    if isinstance(values, dict) and values and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(values)))
        rest = {name: value for name, value in values.items() if name != key}
        return rest if data.draw(st.integers(0, 4)) == 0 else rest | {key: _changed_json(data, values[key])}
    if isinstance(values, list) and values and data.draw(st.integers(0, 3)):
        place = data.draw(st.integers(0, len(values) - 1))
        return [*values[:place], _changed_json(data, values[place]), *values[place + 1 :]]
    return data.draw(ANY_JSON)


@pytest.fixture(scope="session")
def outcome() -> Callable[[RunFolder], dict[str, object]]:
    """`outcome(folder)`: all of a run that must be equal, the last checkpoint's bytes, the metrics and the
    labels, without seconds."""

    def outcome(folder: RunFolder) -> dict[str, object]:
        epoch, files = folder.checkpoints.newest()
        state = json.loads(files.pop("state.json"))
        state["report"].pop("seconds")
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in folder.metrics.rows()]
        labels = {p.name: p.read_bytes() for p in sorted((folder.path / "labels").iterdir())}
        return {"epoch": epoch, "state": state, "rows": rows, "labels": labels, **files}

    return outcome
