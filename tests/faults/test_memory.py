"""What needs more memory than is free is refused before it is begun, with numbers."""

import numpy as np
import pytest

import microtwin as mt
from microtwin import _memory
from microtwin.errors import InputError, MicrotwinError, NotEnoughMemoryError


@pytest.fixture
def little(monkeypatch):
    """A machine with 24 MB free, on which nothing is too small to be looked at."""
    monkeypatch.setattr(_memory, "available", lambda: 24_000_000)
    monkeypatch.setattr(_memory, "SMALL", 1_000_000)


def test_the_message_says_what_is_needed_and_what_there_is(monkeypatch):
    monkeypatch.setattr(_memory, "available", lambda: 24 * 10**9)
    with pytest.raises(NotEnoughMemoryError) as caught:
        _memory.check(37e9, what="describing a volume", instead="take a part")
    assert str(caught.value) == (
        "describing a volume needs about 37 GB of memory, and 24 GB are free; take a part"
    )
    assert isinstance(caught.value, MicrotwinError | MemoryError)
    _memory.check(23e9, what="describing a volume", instead="take a part")


def test_nothing_is_refused_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(_memory, "available", lambda: None)
    _memory.check(1e18, what="this", instead="that")


@pytest.mark.parametrize(
    "call",
    [
        lambda volume: mt.describe(volume, statistics="surface_void"),
        lambda volume: mt.describe(volume, directions="radial"),
        lambda volume: mt.effective_conductivity(volume, {0: 0, 1: 1}, axis=0),
        lambda volume: mt.geodesic_tortuosity(volume, phase=1),
        lambda volume: mt.anneal(mt.describe(volume[:16, :16, :16]), shape=volume.shape),
    ],
    ids=["surface functions", "radial", "transport", "paths", "annealing"],
)
def test_long_work_is_refused_at_once(little, call):
    volume = (np.indices((128, 128, 128)).sum(axis=0) % 2).astype(np.uint8)
    with pytest.raises(NotEnoughMemoryError, match=r"of memory, and 0.0 GB are free; "):
        call(volume)


def test_what_is_known_to_fit_is_not_refused(little):
    volume = (np.indices((128, 128, 128)).sum(axis=0) % 2).astype(np.uint8)
    assert mt.describe(volume, max_lag=4).porosity == 0.5


@pytest.mark.parametrize("kind", ["raw", "npy", "tif"])
def test_a_file_larger_than_memory_is_left_where_it_is(little, tmp_path, kind):
    file = tmp_path / f"volume.{kind}"
    volume = np.zeros((30, 1000, 1000), np.uint8)
    volume[:, ::2] = 1
    options = {}
    if kind == "raw":
        volume.tofile(file)
        options = {"shape": volume.shape}
    else:
        mt.save_image(file, volume)
    with pytest.raises(NotEnoughMemoryError, match=r"reading .* open_volume leaves it"):
        mt.read_image(file, **options)
    assert mt.describe_tiles(mt.open_volume(file, **options), max_lag=2).porosity == 0.5


def group(folder, limit, used, cached, *, version):
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cached}\n")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 100 kB free, whose control groups a test may write."""
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 100 kB\n")
    (tmp_path / "cgroup").write_text("0::/job/step\n4:memory:/box\n")
    for name, path in {"_MEMINFO": "meminfo", "_CGROUPS": "cgroup", "_MOUNTED": "sys"}.items():
        monkeypatch.setattr(_memory, name, tmp_path / path)
    return tmp_path


def test_free_is_what_the_machine_has(machine):
    assert _memory.available() == 100 << 10
    (machine / "meminfo").unlink()
    assert _memory.available() is None


@pytest.mark.parametrize("version", [1, 2])
def test_the_limit_of_a_container_counts_without_what_is_cached(machine, version):
    where = machine / "sys" / ("memory/box" if version == 1 else "job/step")
    group(where, 50_000, 30_000, 4_000, version=version)
    assert _memory.available() == 24_000
    group(where, "max" if version == 2 else 2**63 - 4096, 30_000, 4_000, version=version)
    assert _memory.available() == 100 << 10
    group(where, 50_000, 60_000, 4_000, version=version)
    assert _memory.available() == 0


def test_the_limit_of_a_group_above_counts_too(machine):
    group(machine / "sys/job/step", "max", 30_000, 0, version=2)
    group(machine / "sys/job", 40_000, 35_000, 0, version=2)
    assert _memory.available() == 5_000


def test_in_a_shell_it_is_one_line(little, tmp_path, capsys):
    from microtwin.cli import app

    file = tmp_path / "volume.npy"
    np.save(file, np.zeros((30, 1000, 1000), np.uint8))
    with pytest.raises(SystemExit) as end:
        app(["describe", str(file)], prog_name="microtwin")
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_samples_that_do_not_fit_go_to_disk(little, tmp_path, monkeypatch):
    from generation.tiny import TINY, grey_images, install_tiny_preset

    install_tiny_preset(monkeypatch.setitem)
    generator = mt.train_gan(grey_images(), preset=TINY, workdir=tmp_path / "run", steps=1)
    with pytest.raises(NotEnoughMemoryError, match="sample_to and `microtwin sample` write"):
        generator.sample(1000, shape=(512, 512))
    with pytest.raises(InputError):
        generator.sample(0)


@pytest.mark.skipif(_memory._status("VmHWM") is None, reason="the system does not tell")
def test_what_was_held_at_most_is_watched_each_time_anew():
    held = []
    for count in (1, 25_000_000, 1):  # 200 MB, given back at once
        with _memory.watched() as at_most:
            np.ones(count).sum()
            held.append(at_most())
    assert held[0] < held[1] - 150_000_000
    assert held[2] < held[1] - 150_000_000


def test_nothing_is_told_of_where_the_system_does_not(monkeypatch, tmp_path):
    monkeypatch.setattr(_memory, "_CLEAR", tmp_path / "none" / "such")
    with _memory.watched() as held:
        pass
    assert held() is None
