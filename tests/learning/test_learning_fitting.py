"""Epochs: when training stops, when it slows down, what is kept, and how it goes on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from microtwin.errors import CheckpointError, TrainingError
from microtwin.learning import optimisers, supervised
from microtwin.learning.fitting import FitFolder, Plan, Standing, fit
from microtwin.learning.network import Network
from microtwin.learning.optimisers import Rule
from microtwin.models.layers import Dense, dropout


class Line(nnx.Module):
    def __init__(self, *, rngs):
        self.base = Dense(3, 8, rngs=rngs)
        self.top = Dense(8, 2, rngs=rngs)

    def __call__(self, x, *, train=False, key=None):
        return self.top(dropout(jnp.tanh(self.base(x)), 0.2, key))


def points(seed, count):
    x = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    return x, (x @ [1.0, -2.0, 0.5] > 0).astype(np.int32)


TRAIN, TEST = points(0, 64), points(1, 200)


def batches(i):
    pick = np.random.default_rng([5, i]).choice(64, 16, replace=False)
    return supervised.Batch(TRAIN[0][pick], TRAIN[1][pick], np.ones(16, np.float32))


def run(folder, *, rate=0.1, evaluate=None, frozen=None, rules=(), watch=None, **plan):
    network = Network(Line(rngs=nnx.Rngs(0)))
    optimiser = optimisers.optimiser("adam", rate=rate, frozen=frozen)
    step = supervised.step(
        network,
        optimiser,
        supervised.sparse_cross_entropy,
        measure=supervised.is_right,
        penalty=optimisers.penalty(rules),
        hold=optimisers.held(frozen),
    )

    def judge(weights):
        logits, _ = network(weights, TEST[0], train=False)
        loss = supervised.sparse_cross_entropy(logits, TEST[1]).mean()
        return {
            "val_loss": float(loss),
            "val_accuracy": float(supervised.is_right(logits, TEST[1]).mean()),
        }

    where = FitFolder(folder)
    history = fit(
        supervised.initial(network, optimiser),
        step,
        batches,
        evaluate or judge,
        folder=where,
        identity={"name": "line"},
        plan=Plan(**{"epochs": 6, "steps": 4, **plan}),
        seed=1,
        progress=watch,
    )
    return history, where.weights(network.initial), network


def without_times(history):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def equal(a, b):
    return all(
        np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def test_what_can_be_learned_is_learned(tmp_path):
    history, (_, reached), _ = run(tmp_path)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["val_accuracy"] > 0.9 > history[0]["val_loss"]
    assert reached["val_loss"] == pytest.approx(min(row["val_loss"] for row in history))


def test_an_interrupted_run_goes_on_to_the_same_weights_and_history(tmp_path):
    whole, best, _ = run(tmp_path / "whole")

    class Interrupted(Exception):
        pass

    def stop(done, total, values):
        if done == 11:  # in the middle of an epoch, after no checkpoint
            raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "parts", watch=stop)
    parts, again, _ = run(tmp_path / "parts")
    assert without_times(parts) == without_times(whole)
    assert equal(best[0], again[0])
    assert without_times(run(tmp_path / "parts")[0]) == without_times(whole)  # nothing left to do


def scripted(values):
    """Return an evaluation that says these losses one after the other."""
    said = iter(values)
    return lambda weights: {"val_loss": next(said)}


def test_training_stops_when_patience_ends_and_the_best_weights_stay(tmp_path):
    seen = []
    losses = scripted([3.0, 2.0, 2.5, 2.5, 1.0])
    history, (best, reached), _ = run(
        tmp_path, patience=2, evaluate=lambda w: (seen.append(jax.device_get(w)), losses(w))[1]
    )
    assert [row["val_loss"] for row in history] == [3.0, 2.0, 2.5, 2.5]
    assert reached["step"] == 8
    assert equal(best, seen[1])
    assert not equal(best, seen[3])
    assert len(run(tmp_path, patience=2, evaluate=scripted([]))[0]) == 4  # stays stopped


def test_the_learning_rate_falls_on_a_plateau_not_below_its_limit(tmp_path):
    losses = scripted([3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    history, _, _ = run(
        tmp_path, rate=0.1, epochs=8, reduce_patience=2, smallest_rate=0.005, evaluate=losses
    )
    rates = [row["rate"] for row in history]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.005, 0.005])


def test_a_fallen_learning_rate_survives_an_interruption(tmp_path):
    class Interrupted(Exception):
        pass

    def stop(done, total, values):
        if done == 18:
            raise Interrupted

    losses = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    with pytest.raises(Interrupted):
        run(tmp_path, reduce_patience=2, evaluate=scripted(losses), watch=stop)
    history, _, _ = run(tmp_path, reduce_patience=2, evaluate=scripted([2.0, 2.0]))
    assert [row["rate"] for row in history] == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_where_more_is_better_the_largest_wins():
    plan = Plan(epochs=9, steps=1, monitor="a", larger_is_better=True, patience=2)
    rows = [{"a": value} for value in (0.5, 0.9, 0.7, 0.8)]
    assert Standing.of(rows, plan) == (1, 2, 2)
    assert Standing.of(rows, plan).ends(plan)
    assert not Standing.of(rows[:3], plan).ends(plan)


def test_frozen_parameters_stay_as_they_are(tmp_path):
    _, (best, _), network = run(tmp_path, frozen=r"base\..*")
    assert equal(best.params["base"], network.initial.params["base"])
    assert not equal(best.params["top"], network.initial.params["top"])


def test_a_penalty_shrinks_the_parameters_it_names_and_no_others(tmp_path):
    def size(weights, part):
        return float(jnp.square(weights.params[part]["kernel"][...]).sum())

    _, (free, _), _ = run(tmp_path / "free")
    _, (bound, _), _ = run(tmp_path / "bound", rules=[Rule(r"top\.kernel", l2=1.0)])
    assert size(bound, "top") < 0.2 * size(free, "top")
    assert size(bound, "base") > 0.5 * size(free, "base")


def test_what_a_penalty_costs_is_the_sum_over_the_parameters_it_names():
    params = Network(Line(rngs=nnx.Rngs(0))).initial.params
    kernel = np.asarray(params["base"]["kernel"][...])
    cost = optimisers.penalty([Rule(r"base\.kernel", l1=0.5, l2=2.0)])(params)
    assert cost == pytest.approx(0.5 * np.abs(kernel).sum() + 2.0 * (kernel**2).sum(), rel=1e-6)


def test_clipped_gradients_of_an_array_have_no_larger_norm():
    clip = optimisers.optimiser("sgd", rate=1.0, clip_norm=1.0)
    gradient = {"a": jnp.array([3.0, 4.0]), "b": jnp.array([0.3])}
    updates, _ = clip.update(gradient, clip.init(gradient), gradient)
    np.testing.assert_allclose(updates["a"], [-0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(updates["b"], [-0.3], rtol=1e-6)


def test_examples_count_by_their_weight():
    network = Network(Line(rngs=nnx.Rngs(0)))
    optimiser = optimisers.optimiser("sgd", rate=1.0)
    take = supervised.step(network, optimiser, supervised.sparse_cross_entropy)
    state = supervised.initial(network, optimiser)
    x, y = TRAIN[0][:4], TRAIN[1][:4]
    key = jax.random.key(0)
    counted = supervised.Batch(x, y, np.array([1, 1, 0, 0], np.float32))
    spoilt = supervised.Batch(x, 1 - y, np.array([1, 1, 0, 0], np.float32))
    spoilt.targets[:2] = y[:2]
    assert equal(take(state, counted, key)[0].weights, take(state, spoilt, key)[0].weights)


def test_a_validation_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(TrainingError, match="diverged"):
        run(tmp_path, evaluate=scripted([1.0, float("nan")]))


def test_a_cosine_ends_at_nothing():
    optimiser = optimisers.optimiser("adam", rate=0.1, schedule="cosine", steps=10)
    params = {"a": jnp.ones(2)}
    memory, rates = optimiser.init(params), []
    for _ in range(11):
        _, memory = optimiser.update(params, memory, params)
        rates.append(optimisers.rate_of(memory))
    assert rates[0] == pytest.approx(0.1)
    assert rates[5] == pytest.approx(0.05)
    assert rates[10] == pytest.approx(0.0, abs=1e-9)


def test_the_folder_of_another_run_is_refused(tmp_path):
    run(tmp_path, epochs=1)
    network = Network(Line(rngs=nnx.Rngs(0)))
    optimiser = optimisers.optimiser("adam", rate=0.1)
    with pytest.raises(CheckpointError, match="of name line, not other"):
        fit(
            supervised.initial(network, optimiser),
            supervised.step(network, optimiser, supervised.sparse_cross_entropy),
            batches,
            scripted([1.0]),
            folder=FitFolder(tmp_path),
            identity={"name": "other"},
            plan=Plan(epochs=2, steps=4),
            seed=1,
        )
