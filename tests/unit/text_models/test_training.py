import numpy as np
import pytest
import torch
from small_memory import small_memory

from hierarcaps.runtime.errors import InputError
from hierarcaps.text_models import training as text_training
from hierarcaps.text_models.training import Schedule, batch_order, fit, write_curve

SCHEDULE = Schedule(steps=30, batch_size=4, learning_rate=0.05, seed=3)


class StoppedError(Exception):
    pass


def run(state, stop_at=None, key="k", schedule=SCHEDULE):
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.Dropout(0.5), torch.nn.Linear(3, 1)
    )
    data = torch.arange(60.0).reshape(20, 3) / 60
    steps = iter(range(10**6))

    def loss(batch):
        if next(steps) == stop_at:
            raise StoppedError
        return (module(data[batch]) - data[batch].sum(1, keepdim=True)).square().mean()

    order = batch_order([len(str(i)) for i in range(20)], schedule)
    losses = fit(module, loss, order, schedule, state, key, "test")
    return losses, [p.detach().clone() for p in module.parameters()]


def test_an_interrupted_run_ends_in_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(text_training, "STATE_INTERVAL_SECONDS", 0.0)
    losses, weights = run(tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(tmp_path / "state", stop_at=17)
    resumed, again = run(tmp_path / "state")
    assert resumed == losses
    assert all(torch.equal(a, b) for a, b in zip(weights, again, strict=True))


def test_a_state_of_other_settings_or_a_broken_one_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(text_training, "STATE_INTERVAL_SECONDS", 0.0)
    losses, _ = run(tmp_path / "whole")
    with pytest.raises(StoppedError):
        run(tmp_path / "state", stop_at=10, key="other")
    assert run(tmp_path / "state")[0] == losses
    (tmp_path / "state").write_bytes(b"broken")
    assert run(tmp_path / "state")[0] == losses


def test_batches_use_every_example_and_have_like_lengths():
    lengths = [5, 50] * 64
    order = batch_order(lengths, Schedule(steps=32, batch_size=8, learning_rate=1))
    assert len(order) == 32
    counts = np.bincount(np.concatenate(order), minlength=128)
    assert set(counts) == {2}
    assert sum(len({lengths[i] for i in batch}) == 1 for batch in order) >= 30
    kept = batch_order(lengths, Schedule(2, 8, 1), shuffle=False)
    assert set(np.concatenate(kept)) == set(range(16))
    with pytest.raises(InputError, match="no examples"):
        batch_order([], SCHEDULE)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_memory_too_small_changes_no_step(tmp_path, capsys, most):
    """The loss is a mean over words, of which examples have different numbers."""
    words = np.arange(1, 21)

    def trained(most):
        torch.manual_seed(0)
        module = torch.nn.Linear(3, 1).double()
        data = torch.arange(60.0, dtype=torch.float64).reshape(20, 3) / 60

        def loss(batch):
            error = (module(data[batch]) - 1).square()[:, 0]
            weights = torch.from_numpy(words[batch])
            return (error * weights).sum() / weights.sum()

        loss = small_memory(loss, most)
        order = batch_order([1] * 20, SCHEDULE)
        losses = fit(module, loss, order, SCHEDULE, tmp_path / "s", f"{most}", "H", weights=words)
        return losses, [p.detach().numpy() for p in module.parameters()]

    (whole, weights), (losses, found) = trained(100), trained(most)
    np.testing.assert_allclose(losses, whole, atol=1e-9)
    for a, b in zip(weights, found, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-9)
    assert "H: memory does not hold a batch at once" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    module = torch.nn.Linear(1, 1)
    with pytest.raises(InputError, match="loss is nan at step 0"):
        fit(
            module, lambda batch: module.weight.sum() * float("nan"), [np.array([0])],
            Schedule(1, 1, 0.1), tmp_path / "s", "k", "test",
        )  # fmt: skip


def test_curve(tmp_path):
    write_curve(tmp_path / "c.csv", [4.0, 2.0, 1.0, 1.0], points=2)
    assert (tmp_path / "c.csv").read_text() == "step,loss\n2,3\n4,1\n"


def test_a_gpus_generator_is_saved_and_restored(monkeypatch):
    """Dropout on a GPU draws from a generator of the GPU's own."""

    class OnGpu(torch.nn.Module):
        def parameters(self, recurse=True):
            yield type("Weight", (), {"device": torch.device("cuda:1")})()

    asked = []
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: asked.append(device) or "its")
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: asked.append(state))
    state = text_training._random_state(OnGpu())
    text_training._set_random_state(OnGpu(), state)
    assert asked == [torch.device("cuda:1"), "its"]
    with pytest.raises(KeyError):  # which begins the run anew
        text_training._set_random_state(OnGpu(), {"cpu": torch.get_rng_state()})
