"""The facts that microvae.py teaches."""

import math
import random

import pytest
from scripts import load

g = load("microvae.py")
ONE = [1] * 10 + [0] * 54


def params_of(model):
    return [p for w in model.values() for row in w for p in row]


@pytest.fixture
def model():
    rng = random.Random(3)
    model = g.init_model(rng)
    for rows in model.values():
        for row in rows:
            row[-1].data = rng.uniform(-0.5, 0.5)  # biases, which start at 0
    for row, bias in zip(model["log_var"], (-1.5, 0.8)):
        row[-1].data = bias  # standard deviations of about 0.5 and 1.5
    return model


@pytest.fixture
def pixels():
    return g.pixels_of(g.DIGITS[3])


class Fixed:
    """Stands in for random.Random: hands out these normal draws in turn, again and again."""

    def __init__(self, *draws):
        self.draws, self.i = draws, 0

    def gauss(self, mean, sigma):
        self.i += 1
        return mean + sigma * self.draws[(self.i - 1) % len(self.draws)]


def affine(rows, x):
    return [sum(p.data * v for p, v in zip(row, [*x, 1.0])) for row in rows]


def test_pixels_are_the_bits_from_the_top_left():
    assert g.pixels_of("8000000000000001") == [1] + [0] * 62 + [1]
    assert g.pixels_of("00ff000000000000") == [0] * 8 + [1] * 8 + [0] * 48
    assert len(g.DIGITS) == 300 and g.DIGITS[0] == "183c262626242c18"


def test_encode_is_a_network_of_tanh_units(model, pixels):
    hidden = [math.tanh(a) for a in affine(model["enc"], pixels)]
    mean, log_var = g.encode(model, pixels)
    assert [v.data for v in mean] == pytest.approx(affine(model["mean"], hidden), rel=1e-12)
    assert [v.data for v in log_var] == pytest.approx(affine(model["log_var"], hidden), rel=1e-12)


def test_decode_is_a_network_of_tanh_units(model):
    hidden = [math.tanh(a) for a in affine(model["dec"], [0.3, -1.2])]
    logits = [v.data for v in g.decode(model, [g.Value(0.3), g.Value(-1.2)])]
    assert logits == pytest.approx(affine(model["out"], hidden), rel=1e-12)


@pytest.mark.parametrize("x, value, slope", [(2.0, 2.0, 1.0), (7.0, 5.0, 0.0), (-9.0, -5.0, 0.0)])
def test_clamp_keeps_its_child(x, value, slope):
    leaf = g.Value(x)
    out = g.clamp(leaf * 1.0)
    out.backward()
    assert (out.data, leaf.grad) == (value, slope)
    assert out._prev  # outside the interval too, it is a node and no fresh leaf


def test_reconstruction_is_the_bernoulli_likelihood():
    xs, pixels = [-3.0, 0.5, 2.0, 800.0, -800.0], [1, 0, 1, 1, 0]
    logits = [g.Value(x) for x in xs]
    nats = g.reconstruction(logits, pixels)
    probs = [1 / (1 + math.exp(-x)) for x in xs[:3]]
    exact = -math.log(probs[0]) - math.log(1 - probs[1]) - math.log(probs[2])
    assert nats.data == pytest.approx(exact, rel=1e-12)
    nats.backward()
    slopes = [probs[0] - 1, probs[1], probs[2] - 1, 0.0, 0.0]
    assert [v.grad for v in logits] == pytest.approx(slopes, rel=1e-12)
    assert g.reconstruction([g.Value(800.0)], [0]).data == 800.0


def test_kl_divergence_against_numerical_integration():
    for mean, log_var in [(0.0, 0.0), (1.3, -0.7), (-0.4, 0.9)]:
        sigma, total, step = math.exp(log_var / 2), 0.0, 0.002
        for i in range(-6000, 6001):
            z = i * step
            log_q = -0.5 * ((z - mean) / sigma) ** 2 - math.log(sigma)
            total += step * math.exp(log_q) * (log_q + 0.5 * z * z) / math.sqrt(2 * math.pi)
        kl = g.kl_divergence(g.Value(mean), g.Value(log_var)).data
        assert kl == pytest.approx(total, abs=1e-6)
        assert kl >= 0.0


def test_sample_is_mean_plus_sigma_times_noise_and_passes_gradients():
    mean, log_var = g.Value(0.5), g.Value(-1.0)
    (z,) = g.sample([mean], [log_var], Fixed(2.0))
    assert z.data == pytest.approx(0.5 + math.exp(-0.5) * 2.0, rel=1e-12)
    z.backward()
    assert mean.grad == 1.0
    assert log_var.grad == pytest.approx(math.exp(-0.5), rel=1e-12)  # 0.5 sigma noise


def test_loss_against_finite_differences(model, pixels):
    params = params_of(model)

    def build():
        recon, kls = g.loss_parts(model, pixels, Fixed(0.7, -1.1))
        return recon + 0.8 * g.vsum(kls)

    for p in params:
        p.grad = 0.0
    build().backward()
    rng = random.Random(2)
    chosen = [rng.choice(row) for w in model.values() for row in rng.sample(w, min(len(w), 6))]
    assert sum(p.grad != 0.0 for p in chosen) > 14
    for p in chosen:
        x, h = p.data, 1e-6
        p.data = x + h
        above = build().data
        p.data = x - h
        below = build().data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-7)


def test_train_takes_adam_steps_on_the_mean_of_a_batch(pixels):
    pictures = [pixels, ONE]
    model, reference = [g.init_model(random.Random(5)) for _ in range(2)]
    g.train("phase", model, pictures, 0.5, 2, random.Random(6))
    params, rng = params_of(reference), random.Random(6)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2):
        for p in params:
            p.grad = 0.0
        for _ in range(g.BATCH):
            recon, kls = g.loss_parts(reference, rng.choice(pictures), rng)
            ((recon + 0.5 * g.vsum(kls)) * (1.0 / g.BATCH)).backward()
        g.adam_step(params, m, v, step, g.LEARNING_RATE / step, g.BETA1, g.BETA2)
    trained = [p.data for p in params_of(model)]
    assert trained == pytest.approx([p.data for p in params], rel=1e-9)


def test_measure_keeps_reconstruction_and_kl_apart(model, pixels):
    distortion, rates = g.measure(model, [pixels, ONE], random.Random(4))
    rng, recons, kls = random.Random(4), [], []
    for picture in (pixels, ONE):
        for _ in range(g.N_DRAWS):
            recon, parts = g.loss_parts(model, picture, rng)
            recons.append(recon.data)
        kls.append([k.data for k in parts])
    assert distortion == pytest.approx(sum(recons) / len(recons), rel=1e-12)
    assert rates == pytest.approx([sum(k) / 2 for k in zip(*kls)], rel=1e-12)


def test_pixel_baselines_by_hand():
    blank, full = [0] * 64, [1] * 64
    train_set = [(blank, 0), (full, 1)] * 5 + [(blank, c) for c in range(2, 10)]
    alone, mixed = g.pixel_baselines(train_set, [(full, 1)])
    assert alone == pytest.approx(-64 * math.log(5.5 / 19), rel=1e-12)
    # Class 0 gives a pixel 0.5 / 6, class 1 5.5 / 6, each other class 0.5 / 2.
    p = (0.5 / 6) ** 64 + (5.5 / 6) ** 64 + 8 * (0.5 / 2) ** 64
    assert mixed == pytest.approx(-math.log(p / 10), rel=1e-9)


def test_neighbours_are_those_at_the_smallest_distance():
    train_points = [([0.0, 0.0], 1), ([1.0, 1.0], 2)]
    held_out = [([0.1, 0.2], 1), ([0.9, 0.7], 2), ([0.2, 0.1], 2), ([2.0, 2.0], 2)]
    assert g.neighbour_share(train_points, held_out) == 0.75


def test_estimators_agree_and_the_score_function_is_noisier(model):
    pixels = g.pixels_of(g.DIGITS[1])
    for p in [p for name in ("dec", "out") for row in model[name] for p in row]:
        p.data *= 3.0  # a decoder that cares where z is
    ways = g.gradients_of_the_mean(model, pixels, 1500, random.Random(8))
    found = {name: g.mean_and_variance(values) for name, values in ways.items()}
    mean, variance = found["reparameterized"]
    for name in ("score function", "with a baseline"):
        error = math.sqrt((variance + found[name][1]) / 1500)
        assert abs(found[name][0] - mean) < 4 * error
    assert abs(mean) > 12 * error  # of the last: a factor of 2 would not go unnoticed
    assert found["score function"][1] > 20 * found["with a baseline"][1] > 20 * variance
    # The expectation itself, by a finite difference over the same draws of noise.
    means, log_vars = [[v.data for v in part] for part in g.encode(model, pixels)]

    def expected(shift):
        rng, losses = random.Random(8), []
        for _ in range(1500):
            z = g.sample(
                [g.Value(means[0] + shift), g.Value(means[1])], map(g.Value, log_vars), rng
            )
            losses.append(g.reconstruction(g.decode(model, z), pixels).data)
        return sum(losses) / 1500

    assert mean == pytest.approx((expected(1e-5) - expected(-1e-5)) / 2e-5, rel=1e-4, abs=1e-6)


def test_mean_and_variance():
    assert g.mean_and_variance([1.0, 2.0, 6.0]) == (3.0, 7.0)


def test_pictures(model, capsys, monkeypatch):
    g.draw_pictures([[0.0] * 56 + [1.0] * 8, [0.55] + [0.0] * 63])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and lines[0] == " " * 13 + "+" and lines[7] == "   @@@@@@@@"
    probs = g.pictures_at(model, [[0.3, -1.2]])[0]
    logits = g.decode(model, [g.Value(0.3), g.Value(-1.2)])
    assert probs == pytest.approx([1 / (1 + math.exp(-v.data)) for v in logits], rel=1e-12)
    monkeypatch.setattr(g, "place", lambda model, pixels: pixels)
    g.draw_map(None, [([0.0, 0.0], 4), ([3.0, 9.0], 7), ([-1.0, -3.0], 2)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 25
    assert lines[12] == "   " + " " * 36 + "4"
    assert lines[0] == "   " + " " * 72 + "7"
    assert lines[24] == "   " + " " * 24 + "2"


def test_a_fresh_model_has_no_biases_and_inputs_of_size_one():
    for rows in g.init_model(random.Random(1)).values():
        assert {row[-1].data for row in rows} == {0.0}
        squares = [p.data**2 * (len(row) - 1) for row in rows for p in row[:-1]]
        assert sum(squares) / len(squares) == pytest.approx(1.0, abs=0.4)
