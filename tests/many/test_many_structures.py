"""Jobs over many structures: the same numbers as a plain loop, kept, and gone on with."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

import microtwin as mt
from many import measures
from microtwin.errors import InputError
from microtwin.images import save_image, save_zarr


def numbers(results):
    """Return the table without what differs from run to run."""
    return results.to_dataframe().drop(columns="seconds")


def test_descriptions_of_many_are_those_of_a_loop_to_the_last_count(two_workers, files, tmp_path):
    found = mt.describe_many(
        files, store=tmp_path / "store", statistics="all", max_lag=12, cluster=two_workers
    )
    described = dict(found.descriptions())
    assert list(described) == [str(file) for file in sorted(files.iterdir())]
    for file, one in described.items():
        alone = mt.describe(mt.read_image(file), statistics="all", max_lag=12)
        assert one.to_record() == alone.to_record()
    table = found.to_dataframe()
    first = mt.describe(mt.read_image(table["item"][0]), max_lag=12)
    assert table["porosity"][0] == first.porosity
    np.testing.assert_array_equal(table["two_point_1"][0], first.two_point.mean)


def test_the_table_is_one_that_others_read(two_workers, files, tmp_path):
    found = mt.describe_many(files, store=tmp_path / "store", cluster=two_workers)
    plain = pd.read_parquet(tmp_path / "store" / "table.parquet")
    assert sorted(plain["item"]) == sorted(found.items)
    assert plain["porosity"].between(0.3, 0.6).all()


def test_what_structures_conduct_is_what_each_conducts_by_itself(two_workers, tmp_path):
    media = [(np.random.default_rng(i).random((10, 10, 10)) < 0.7) for i in range(3)]
    found = mt.transport_many(
        media, store=tmp_path / "store", phase=1, axes=(0, 2), cluster=two_workers
    )
    table = found.to_dataframe()
    assert list(table["axis"]) == ["z", "x"] * 3
    for i, medium in enumerate(media):
        for axis, name in ((0, "z"), (2, "x")):
            alone = mt.effective_conductivity(medium, {0: 0, 1: 1}, axis=axis, threads=1)
            row = table[(table["item"] == f"array[{i}]") & (table["axis"] == name)].iloc[0]
            assert (row["effective"], row["lower"]) == (alone.effective, alone.bounds[0])


def test_scores_are_those_of_screening(two_workers, structures, tmp_path):
    real, samples = structures[:8], structures[8:]
    found = mt.screen_many(
        samples, store=tmp_path / "store", reference=real, cluster=two_workers
    ).to_dataframe()
    together = mt.screen(samples, reference=real, threads=1)
    np.testing.assert_array_equal(found["score"], together.scores)
    np.testing.assert_array_equal(found["passed"].astype(bool), together.passed)


def test_screening_goes_by_the_voxel_edge_of_the_real_ones(two_workers, structures, tmp_path):
    (tmp_path / "samples").mkdir()
    for i, labels in enumerate(structures[8:]):
        save_image(tmp_path / "samples" / f"{i}.tif", mt.ScaledImage(labels, spacing=2e-8))
    found = mt.screen_many(
        tmp_path / "samples", store=tmp_path / "store", reference=structures[:8],
        cluster=two_workers,
    )  # fmt: skip
    assert not found.failed
    together = mt.screen(structures[8:], reference=structures[:8], threads=1)
    np.testing.assert_array_equal(found.to_dataframe()["score"], together.scores)


def test_an_array_that_was_written_anew_is_opened_anew(two_workers, tmp_path):
    for number, side in enumerate((24, 32)):
        images = np.random.default_rng(side).integers(0, 2, (3, side, side), np.uint8)
        shutil.rmtree(tmp_path / "a.zarr", ignore_errors=True)
        save_zarr(tmp_path / "a.zarr", images)
        found = mt.describe_many(
            tmp_path / "a.zarr", store=tmp_path / f"s{number}", max_lag=4, cluster=two_workers
        )
        assert not found.failed


def test_twins_are_those_of_their_seeds_and_more_can_be_asked_for(
    two_workers, structures, tmp_path
):
    def many(count):
        return mt.anneal_many(
            mt.describe(structures[0]),
            store=tmp_path / "store",
            shape=(32, 32),
            replicas=count,
            seed=3,
            max_proposals=20_000,
            cluster=two_workers,
        )

    assert many(2).labels.shape == (2, 32, 32)
    found = many(4)
    assert not found.failed
    assert found.skipped == 2
    assert not list((tmp_path / "store" / ".job").glob("*.npz"))  # no checkpoint is left
    for row in found.to_dataframe().to_dict("records"):
        twin = mt.anneal(
            mt.describe(structures[0]), shape=(32, 32), seed=row["seed"], max_proposals=20_000
        )
        assert row["energy"] == twin.energy
        np.testing.assert_array_equal(found.labels[row["index"]], twin.labels)


def test_an_array_on_disk_is_as_many_items_as_it_holds(two_workers, structures, tmp_path):
    pytest.importorskip("zarr", reason="zarr is not installed")
    stack = save_zarr(tmp_path / "stack.zarr", np.stack(structures))
    found = mt.map_many(
        measures.noted, stack, store=tmp_path / "store", cluster=two_workers
    ).to_dataframe()
    assert list(found["item"]) == [f"{stack}[{i}]" for i in range(12)]
    assert list(found["sum"]) == [int(one.sum()) for one in structures]


def test_greys_are_cut_each_at_its_own_level_which_is_told(two_workers, tmp_path):
    rng = np.random.default_rng(0)
    for i, light in enumerate((40, 90)):
        grey = np.where(rng.random((32, 32)) < 0.4, light, 10) + rng.integers(0, 9, (32, 32))
        save_image(tmp_path / f"{i}.tif", grey.astype(np.uint8))
    table = mt.describe_many(
        [tmp_path / "0.tif", tmp_path / "1.tif"], store=tmp_path / "store", cluster=two_workers
    ).to_dataframe()
    assert 18 <= table["threshold"][0] < 40
    assert 18 <= table["threshold"][1] < 90
    assert table["porosity"].between(0.35, 0.45).all()


def test_what_is_done_is_not_done_again(two_workers, files, tmp_path):
    log = tmp_path / "log"

    def call():
        return mt.map_many(
            measures.noted,
            files,
            store=tmp_path / "store",
            settings={"log": str(log)},
            cluster=two_workers,
        )

    first = call()
    again = call()
    assert again.skipped == 12
    assert len(log.read_text().split()) == 12
    pd.testing.assert_frame_equal(numbers(first), numbers(again))


def test_only_what_has_changed_is_done_again(two_workers, files, tmp_path):
    log = tmp_path / "log"

    def call(where=files):
        return mt.map_many(
            measures.noted,
            where,
            store=tmp_path / "store",
            settings={"log": str(log)},
            cluster=two_workers,
        )

    call()
    changed = np.zeros((48, 48), np.uint8)
    changed[0, :7] = 1
    save_image(files / "03.png", changed)  # other content
    os.utime(files / "04.png")  # touched, but the same
    save_image(files / "new.png", np.eye(48, dtype=np.uint8))
    (files / "05.png").rename(files / "moved.png")
    found = call()
    assert log.read_text().split()[12:] == ["7", "48"] or set(log.read_text().split()[12:]) == {
        "7",
        "48",
    }
    table = found.to_dataframe().set_index("item")
    assert table.loc[str(files / "03.png"), "sum"] == 7
    assert str(files / "moved.png") in table.index
    assert str(files / "05.png") not in table.index  # it was not asked for
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(files, elsewhere)
    assert call(elsewhere).skipped == 13
    assert len(log.read_text().split()) == 14
    everything = mt.open_store(tmp_path / "store").to_dataframe()
    assert everything["item"].is_unique


def test_an_item_that_fails_tells_why_and_is_tried_again(two_workers, files, tmp_path):
    (files / "bad.png").write_bytes(b"no picture")
    (files / "gone.png").symlink_to(tmp_path / "nowhere")
    found = mt.map_many(
        measures.noted, [files / "bad.png", files], store=tmp_path / "s", cluster=two_workers
    )
    assert set(found.failed) == {str(files / "bad.png")}
    assert "not a readable PNG" in found.failed[str(files / "bad.png")]
    assert found.to_dataframe()["sum"].notna().sum() == 12
    save_image(files / "bad.png", np.eye(48, dtype=np.uint8))
    found = mt.map_many(
        measures.noted, [files / "bad.png", files], store=tmp_path / "s", cluster=two_workers
    )
    assert not found.failed
    assert found.skipped == 12


def test_an_error_nobody_foresaw_says_where_it_came_from(two_workers, files, tmp_path):
    found = mt.map_many(measures.picky, files, store=tmp_path / "store", cluster=two_workers)
    odd = [f for f in files.iterdir() if mt.read_image(f).sum() % 2]
    assert set(found.failed) == {str(f) for f in odd}
    assert all("ZeroDivisionError: an odd one (measures.py" in r for r in found.failed.values())


def test_an_item_may_have_several_rows(two_workers, files, tmp_path):
    found = mt.map_many(measures.two_rows, files, store=tmp_path / "store", cluster=two_workers)
    assert list(found.to_dataframe()["half"]) == [0, 1] * 12


def test_progress_is_told_in_items_of_the_whole_job(two_workers, files, tmp_path):
    told = []
    mt.map_many(
        measures.noted,
        files,
        store=tmp_path / "store",
        cluster=two_workers,
        progress=lambda done, total, values: told.append((done, total)),
    )
    assert told[0] == (0, 12)
    assert told[-1] == (12, 12)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_store_is_of_one_job_and_settings(two_workers, files, tmp_path):
    store = tmp_path / "store"
    mt.describe_many(files, store=store, max_lag=5, cluster=two_workers)
    with pytest.raises(InputError, match=r"store must be .*same settings.*max_lag was 5, now 6"):
        mt.describe_many(files, store=store, max_lag=6, cluster=two_workers)
    with pytest.raises(InputError, match=r"store must be .*same job.*'describe'.*'transport'"):
        mt.transport_many(files, store=store, phase=1, cluster=two_workers)
    with pytest.raises(InputError, match="store must be a new folder"):
        mt.describe_many(files, store=files, cluster=two_workers)


def test_columns_of_two_types_are_refused(two_workers, files, tmp_path):
    with pytest.raises(InputError, match="rows must have columns of one type"):
        mt.map_many(measures.mixed, files, store=tmp_path / "store", cluster=two_workers)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"workers": 0}, "workers must be between 1 and 1024, not 0"),
        ({"cluster": "tcp://127.0.0.1:9"}, "cluster must be the address of a Dask scheduler"),
        ({"workers": 1, "cluster": "tcp://127.0.0.1:9"}, "workers must not be given beside"),
        ({"statistics": "porosity"}, "each of statistics must be one of"),
        ({"spacing": -1}, "spacing must be positive"),
        ({"reading": {"color": 1}}, "each of reading must be one of"),
    ],
)
def test_bad_input_is_told_before_the_work(files, tmp_path, options, complaint, monkeypatch):
    monkeypatch.setattr("microtwin.scale.cluster.PATIENCE", 0.5)
    with pytest.raises(InputError, match=complaint):
        mt.describe_many(files, store=tmp_path / "store", **options)


def test_a_function_without_a_name_is_refused(files, tmp_path):
    with pytest.raises(InputError, match="function must be found by its name"):
        mt.map_many(lambda image: {"a": 1}, files, store=tmp_path / "store")


def test_no_store_is_told(tmp_path):
    with pytest.raises(InputError, match="is no store"):
        mt.open_store(tmp_path)
