"""The facts that microvae.py teaches."""

import math
import random

import pytest
from scripts import load

g = load("microvae.py")
WORDS = g.DIGITS.split()
ONE = [1] * 10 + [0] * 54


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(g, "show_progress", lambda *args: None)


@pytest.fixture
def model():
    rng = random.Random(3)
    model = g.init_autoencoder(rng)
    for name in model:
        if name.endswith(".bias"):
            for p in model[name][0]:
                p.data = rng.uniform(-0.5, 0.5)  # they start at 0
    for p, bias in zip(model["log_var.bias"][0], (-1.5, 0.8)):
        p.data = bias  # standard deviations of about 0.5 and 1.5
    return model


@pytest.fixture
def pixels():
    return g.read_pixels(WORDS[3])


class Fixed:
    """Stands in for random.Random: hands out these normal draws in turn, again and again."""

    def __init__(self, *draws):
        self.draws = draws
        self.i = 0

    def gauss(self, mean, sigma):
        self.i += 1
        return mean + sigma * self.draws[(self.i - 1) % len(self.draws)]


def layer(model, name, x):
    """W x + b in plain floats."""
    rows, (biases,) = model[f"{name}.weight"], model[f"{name}.bias"]
    sums = [sum(p.data * v for p, v in zip(row, x)) for row in rows]
    return [s + b.data for s, b in zip(sums, biases)]


def numbers(values):
    return [v.data for v in values]


def pictures(*all_pixels):
    return [g.Picture(pixels, 0) for pixels in all_pixels]


# --- Data and model ------------------------------------------------------------------------------


def test_pixels_are_the_bits_from_the_top_left():
    assert g.read_pixels("8000000000000001") == [1] + [0] * 62 + [1]
    assert g.read_pixels("00ff000000000000") == [0] * 8 + [1] * 8 + [0] * 48
    assert len(WORDS) == 300 and WORDS[0] == "183c262626242c18"


def test_a_fresh_model_has_no_biases_and_inputs_of_size_one():
    model = g.init_autoencoder(random.Random(1))
    for name, rows in model.items():
        if name.endswith(".bias"):
            assert {p.data for row in rows for p in row} == {0.0}
        else:
            squares = [p.data**2 * len(row) for row in rows for p in row]
            assert sum(squares) / len(squares) == pytest.approx(1.0, abs=0.4)
    assert len(model["pixels.weight"]) == 64 and len(model["decoder.weight"][0]) == 2


def test_encode_is_a_network_of_tanh_units(model, pixels):
    hidden = [math.tanh(a) for a in layer(model, "encoder", pixels)]
    mean, log_var = g.encode(model, pixels)
    assert numbers(mean) == pytest.approx(layer(model, "mean", hidden), rel=1e-12)
    assert numbers(log_var) == pytest.approx(layer(model, "log_var", hidden), rel=1e-12)
    assert g.encode(g.freeze(model), pixels) == (numbers(mean), numbers(log_var))


def test_decode_is_a_network_of_tanh_units(model):
    hidden = [math.tanh(a) for a in layer(model, "decoder", [0.3, -1.2])]
    logits = numbers(g.decode(model, [g.Value(0.3), g.Value(-1.2)]))
    assert logits == pytest.approx(layer(model, "pixels", hidden), rel=1e-12)
    assert g.decode(g.freeze(model), [0.3, -1.2]) == logits


@pytest.mark.parametrize("x, value, slope", [(2.0, 2.0, 1.0), (7.0, 5.0, 0.0), (-9.0, -5.0, 0.0)])
def test_clamp_keeps_its_child(x, value, slope):
    leaf = g.Value(x)
    out = g.clamp(leaf * 1.0, -5.0, 5.0)
    out.backward()
    assert (out.data, leaf.grad) == (value, slope)
    assert out._prev  # outside the interval too, it is a node and no fresh leaf
    assert g.clamp(x, -5.0, 5.0) == value


def test_clamp_lets_nan_be_seen():
    assert math.isnan(g.clamp(g.Value(math.nan), -5.0, 5.0).data)
    assert math.isnan(g.clamp(math.nan, -5.0, 5.0))


def test_encode_clamps_the_log_variance(model, pixels):
    for p, bias in zip(model["log_var.bias"][0], (900.0, -900.0)):
        p.data = bias
    _, log_var = g.encode(model, pixels)
    assert numbers(log_var) == [g.LOG_VAR_LIMIT, -g.LOG_VAR_LIMIT]


def test_distortion_is_the_bernoulli_likelihood():
    xs, pixels = [-3.0, 0.5, 2.0, 800.0, -800.0], [1, 0, 1, 1, 0]
    logits = [g.Value(x) for x in xs]
    nats = g.distortion_of(logits, pixels)
    probs = [1 / (1 + math.exp(-x)) for x in xs[:3]]
    exact = -math.log(probs[0]) - math.log(1 - probs[1]) - math.log(probs[2])
    assert nats.data == pytest.approx(exact, rel=1e-12)
    assert g.distortion_of(xs, pixels) == nats.data
    nats.backward()
    slopes = [probs[0] - 1, probs[1], probs[2] - 1, 0.0, 0.0]
    assert [v.grad for v in logits] == pytest.approx(slopes, rel=1e-12)
    assert g.distortion_of([800.0], [0]) == 800.0


def test_kl_divergence_against_numerical_integration():
    for mean, log_var in [(0.0, 0.0), (1.3, -0.7), (-0.4, 0.9)]:
        sigma, total, step = math.exp(log_var / 2), 0.0, 0.002
        for i in range(-6000, 6001):
            z = i * step
            log_q = -0.5 * ((z - mean) / sigma) ** 2 - math.log(sigma)
            total += step * math.exp(log_q) * (log_q + 0.5 * z * z) / math.sqrt(2 * math.pi)
        kl = g.kl_divergence(g.Value(mean), g.Value(log_var)).data
        assert kl == pytest.approx(total, abs=1e-6)
        assert kl == g.kl_divergence(mean, log_var) >= 0.0


def test_the_examples_of_the_comments():
    assert g.kl_divergence(1.5, math.log(0.1)) == pytest.approx(1.83, abs=0.005)
    (z,) = g.draw_z([2.0], [math.log(0.25)], Fixed(-1.2))
    assert z == pytest.approx(1.4)
    (moved,) = g.draw_z([2.0], [math.log(0.25) + 0.01], Fixed(-1.2))
    assert moved - z == pytest.approx(-0.003, rel=1e-2)
    assert 64 * math.log(2) == pytest.approx(44.36, abs=0.005)


def test_draw_z_is_mean_plus_sigma_times_noise_and_passes_gradients():
    mean, log_var = g.Value(0.5), g.Value(-1.0)
    (z,) = g.draw_z([mean], [log_var], Fixed(2.0))
    assert z.data == pytest.approx(0.5 + math.exp(-0.5) * 2.0, rel=1e-12)
    z.backward()
    assert mean.grad == 1.0
    assert log_var.grad == pytest.approx(math.exp(-0.5), rel=1e-12)  # 0.5 sigma noise


def test_loss_against_finite_differences(model, pixels):
    def build():
        distortion, rates = g.loss_of(model, pixels, 2, Fixed(0.7, -1.1, 0.2, 1.4))
        return distortion + 0.8 * g.vsum(rates)

    for p in g.parameters(model):
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


# --- Training ------------------------------------------------------------------------------------


def test_train_takes_adam_steps_on_the_mean_of_a_batch(pixels):
    train_set = pictures(pixels, ONE)
    model, reference = [g.init_autoencoder(random.Random(5)) for _ in range(2)]
    g.train(model, train_set, 0.5, 2, random.Random(6))
    params, rng = g.parameters(reference), random.Random(6)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2):
        for p in params:
            p.grad = 0.0
        for _ in range(g.BATCH):
            distortion, rates = g.loss_of(reference, rng.choice(train_set).pixels, 1, rng)
            ((distortion + 0.5 * g.vsum(rates)) * (1.0 / g.BATCH)).backward()
        g.adam_step(params, m, v, step, g.LEARNING_RATE / step, g.ADAM_BETA1, g.ADAM_BETA2)
    trained = numbers(g.parameters(model))
    assert trained == pytest.approx(numbers(params), rel=1e-9)


def test_all_models_have_the_same_start_and_the_same_draws(monkeypatch):
    seen = []

    def train(model, train_set, beta, steps, rng):
        seen.append((beta, numbers(g.parameters(model)), rng.random()))

    monkeypatch.setattr(g, "train", train)
    monkeypatch.setattr(g, "OTHER_BETAS", (4.0, 0.0))
    models = g.train_models([], 9, 2)
    assert list(models) == [0.0, 1.0, 4.0] == [beta for beta, _, _ in seen]
    assert seen[0][1:] == seen[1][1:] == seen[2][1:]


# --- The lesson ----------------------------------------------------------------------------------


def test_grid_against_the_mean_over_the_prior(model, pixels):
    frozen = g.freeze(model)
    for name in ("decoder.weight", "pixels.weight"):
        frozen[name] = [[2.0 * p for p in row] for row in frozen[name]]  # z should matter
    exact = g.nats_on_grid(g.make_grid(frozen), pixels)
    finer = g.nats_on_grid(g.make_grid(frozen, limit=5.5, h=0.16), pixels)
    assert exact == pytest.approx(finer, abs=2e-3)
    rng = random.Random(1)
    chances = []
    for _ in range(2000):
        logits = g.decode(frozen, [rng.gauss(0.0, 1.0) for _ in range(2)])
        chances.append(math.exp(-g.distortion_of(logits, pixels)))
    mean = sum(chances) / 2000
    error = math.sqrt(sum((c - mean) ** 2 for c in chances)) / 2000
    assert 0 < error < 0.14 * mean
    assert abs(math.exp(-exact) - mean) < 4 * error


def test_the_map_is_for_two_numbers(monkeypatch):
    monkeypatch.setattr(g, "N_LATENT", 3)
    with pytest.raises(ValueError, match="two numbers"):
        g.main(None)


def test_the_loss_is_never_below_what_the_grid_says(model, pixels):
    frozen = g.freeze(model)
    grid = g.make_grid(frozen, h=0.2)
    rng = random.Random(1)
    for picture in (pixels, ONE, g.read_pixels(WORDS[17])):
        loss = g.loss_of(frozen, picture, 1000, rng)
        gap = loss.distortion + sum(loss.rates) - g.nats_on_grid(grid, picture)
        assert gap > 0.0


def test_the_gap_is_the_divergence_from_the_posterior(model, pixels):
    """KL(q || p(z|x)), summed over the grid by its definition."""
    frozen = g.freeze(model)
    mean, log_var = g.encode(frozen, pixels)
    nats = g.nats_on_grid(g.make_grid(frozen), pixels)
    kl = 0.0
    for i in range(-25, 26):
        for j in range(-25, 26):
            z = [0.2 * i, 0.2 * j]
            log_q = log_joint = 0.0
            for x, m, lv in zip(z, mean, log_var):
                log_q -= 0.5 * ((x - m) ** 2 / math.exp(lv) + lv + math.log(2 * math.pi))
                log_joint -= 0.5 * (x * x + math.log(2 * math.pi))
            log_joint -= g.distortion_of(g.decode(frozen, z), pixels)
            kl += 0.2**2 * math.exp(log_q) * (log_q - log_joint - nats)
    loss = g.loss_of(frozen, pixels, 3000, random.Random(2))
    gap = loss.distortion + sum(loss.rates) - nats
    assert gap == pytest.approx(kl, abs=0.1) and kl > 0.3


def test_estimators_agree_and_the_score_is_noisier(model):
    pixels = g.read_pixels(WORDS[1])
    for name in ("decoder.weight", "pixels.weight"):
        for p in [p for row in model[name] for p in row]:
            p.data *= 3.0  # a decoder that cares where z is
    ways = g.estimate_gradient(model, pixels, 0, 1500, random.Random(8))
    found = {name: g.estimate(values) for name, values in ways.items()}
    mean, error = found["through the draw"]
    for name in ("score", "score, baseline"):
        both = math.hypot(error, found[name].error)
        assert abs(found[name].mean - mean) < 4 * both
    assert abs(mean) > 12 * both  # of the last: a factor of 2 would not go unnoticed
    assert found["score"].error > 4 * found["score, baseline"].error > 4 * error
    # The mean itself, by a finite difference over the same draws of noise.
    frozen = g.freeze(model)
    means, log_vars = g.encode(frozen, pixels)

    def expected(shift):
        rng, losses = random.Random(8), []
        for _ in range(1500):
            z = g.draw_z([means[0] + shift, means[1]], log_vars, rng)
            losses.append(g.distortion_of(g.decode(frozen, z), pixels))
        return sum(losses) / 1500

    assert mean == pytest.approx((expected(1e-5) - expected(-1e-5)) / 2e-5, rel=1e-4, abs=1e-6)


# --- Experiments ---------------------------------------------------------------------------------


def test_pixel_rules_by_hand():
    blank, full = [0] * 64, [1] * 64
    labelled = [(blank, 0), (full, 1)] * 5 + [(blank, c) for c in range(2, 10)]
    train_set = [g.Picture(*pair) for pair in labelled]
    alone = g.PixelRule(train_set, [None]).nats(full)
    assert alone == pytest.approx(-64 * math.log(5.5 / 19), rel=1e-12)
    half = g.PixelRule(train_set, [None]).nats([1] * 32 + [0] * 32)
    assert half == pytest.approx(-32 * math.log(5.5 / 19 * 13.5 / 19), rel=1e-12)
    # Class 0 gives a pixel 0.5 / 6, class 1 5.5 / 6, each other class 0.5 / 2.
    p = (0.5 / 6) ** 64 + (5.5 / 6) ** 64 + 8 * (0.5 / 2) ** 64
    mixed = g.PixelRule(train_set, range(10)).nats(full)
    assert mixed == pytest.approx(-math.log(p / 10), rel=1e-9)


def test_measure_keeps_distortion_and_rate_apart(model, pixels):
    frozen = g.freeze(model)
    grid = g.make_grid(frozen, h=0.5)
    costs = g.measure(frozen, grid, pictures(pixels, ONE), random.Random(4))
    rng = random.Random(4)
    for i, picture in enumerate((pixels, ONE)):
        distortions = []
        for _ in range(g.N_DRAWS):
            z = g.draw_z(*g.encode(frozen, picture), rng)
            distortions.append(g.distortion_of(g.decode(frozen, z), picture))
        rates = [g.kl_divergence(m, lv) for m, lv in zip(*g.encode(frozen, picture))]
        assert costs.distortion[i] == pytest.approx(sum(distortions) / g.N_DRAWS, rel=1e-12)
        assert costs.rate[i] == pytest.approx(sum(rates), rel=1e-12)
        assert costs.exact[i] == g.nats_on_grid(grid, picture)
    gaps = [d + r - e for d, r, e in zip(*costs)]
    assert g.gaps(costs) == gaps
    assert g.costs_as_text(g.Costs([0.004], [0.004], [1.0])).split()[:3] == ["0.00", "0.00", "0.00"]
    assert g.costs_as_text(g.Costs([1.0, 2.0], [0.25, 0.75], [1.0, 1.5])).split() == [
        "1.50", "0.50", "2.00", "1.25",
    ]  # fmt: skip


def costs(distortion, rate, exact):
    """Costs of four pictures that differ a little."""
    parts = [[x + d for d in (-0.1, 0.1, -0.2, 0.2)] for x in (distortion, rate, exact)]
    return g.Costs(*parts)


def test_claims_of_part_1():
    wobble = [0.3, -0.3, 0.3, -0.3]
    held = {0.25: costs(10, 4, 13), 1.0: costs(11, 3, 13.5), 4.0: costs(15, 1, 15.5)}
    learned = {0.25: costs(8, 3, 0), 1.0: costs(9, 2, 0), 4.0: costs(10, 1, 0)}

    def marks(pixels_alone=(20, 21, 20, 21)):
        return " ".join([c[1:3] for c in g.claims_of_part_1(learned, held, pixels_alone)])

    assert marks() == "ok ok ok ok"
    assert marks((13, 14, 13, 14)) == "no ok ok ok"
    # a step of 0.3 with an error of 0.17 is not enough
    last = learned[4.0]
    rates = [r - 0.3 + w for r, w in zip(learned[1.0].rate, wobble)]
    learned[4.0] = g.Costs(last.distortion, rates, last.exact)
    assert marks() == "ok ok ok no"
    learned[4.0] = last
    distortions = [d - 0.3 + w for d, w in zip(learned[1.0].distortion, wobble)]
    learned[0.25] = g.Costs(distortions, learned[0.25].rate, learned[0.25].exact)
    assert marks() == "ok ok no ok"
    held[1.0] = costs(11, 3, 13)
    assert marks() == "ok no no ok"


def test_estimates():
    mean, error = g.estimate([1.0, 2.0, 6.0])
    assert mean == 3.0
    assert error == pytest.approx(math.sqrt(7.0 / 3.0), rel=1e-12)
    assert g.difference([3.0, 5.0], [1.0, 1.0]) == g.estimate([2.0, 4.0])


def test_the_example_of_the_bound():
    """Two points, a and b: the bound, the gap and the posterior."""
    log_p = math.log(0.5 * 0.2 + 0.5 * 0.02)
    posterior = 0.5 * 0.2 / math.exp(log_p)
    fit = 0.8 * math.log(0.2) + 0.2 * math.log(0.02)
    kl = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    gap = 0.8 * math.log(0.8 / posterior) + 0.2 * math.log(0.2 / (1 - posterior))
    assert [round(x, 4) for x in (log_p, fit, kl, gap, posterior)] == [
        -2.2073, -2.07, 0.1927, 0.0554, 0.9091,
    ]  # fmt: skip
    assert fit - kl + gap == pytest.approx(log_p, rel=1e-12)


def test_principal_axes_are_the_directions_of_largest_variance():
    rng = random.Random(4)
    corners = [[3.0 * rng.gauss(0, 1), rng.gauss(0, 1), 0.1 * rng.gauss(0, 1)] for _ in range(300)]
    c, s = math.cos(0.4), math.sin(0.4)
    turned = [[5.0 + c * x - s * y, s * x + c * y, z] for x, y, z in corners]
    first, second = g.principal_axes(turned, 2)
    assert abs(c * first[0] + s * first[1]) > 0.995
    assert abs(-s * second[0] + c * second[1]) > 0.995
    assert sum(a * b for a, b in zip(first, second)) == pytest.approx(0.0, abs=1e-9)
    assert sum(a * a for a in first) == pytest.approx(1.0)


def test_neighbours_are_those_at_the_smallest_distance():
    known = [g.Place([0.0, 0.0], 1), g.Place([1.0, 1.0], 2)]
    unknown = [([0.1, 0.2], 1), ([0.9, 0.7], 2), ([0.2, 0.1], 2), ([2.0, 2.0], 2)]
    assert g.neighbours_right(known, [g.Place(*pair) for pair in unknown]) == [1, 1, 0, 1]


def test_the_map_shows_means_and_claims_what_they_say(model, capsys):
    digits = [g.Picture(g.read_pixels(word), i % 10) for i, word in enumerate(WORDS[:40])]
    claims = g.the_map(model, digits[10:], digits[:10], 3)
    text = capsys.readouterr().out
    frozen = g.freeze(model)
    assert g.places(frozen, digits)[4] == (g.encode(frozen, digits[4].pixels)[0], 4)
    rates = [0.0, 0.0]
    for picture in digits[:10]:
        for i, pair in enumerate(zip(*g.encode(frozen, picture.pixels))):
            rates[i] += g.kl_divergence(*pair) / 10
    assert g.mean_rates(frozen, digits[:10]) == pytest.approx(rates)
    assert f"{rates[0]:.2f} nats, the second {rates[1]:.2f}" in text
    assert claims[0].startswith("[ok]" if min(rates) > 0.5 else "[no]")
    assert claims[1].startswith("[no]")  # 10 digits are too few


def test_new_digits_come_from_the_decoder(model, capsys, monkeypatch):
    frozen = g.freeze(model)
    monkeypatch.setattr(g, "N_NEW", 3)
    rng = random.Random("5 new")
    z = [rng.gauss(0.0, 1.0) for _ in range(2)]
    chances = [1 / (1 + math.exp(-v)) for v in g.decode(frozen, z)]
    assert g.chances_at(frozen, z) == pytest.approx(chances, rel=1e-12)
    first = [int(rng.random() < chance) for chance in chances]
    assert g.new_pictures(frozen, random.Random("5 new"))[0] == first
    assert g.toss([0.0, 1.0, 1.0], rng) == [0, 1, 1]
    digits = [g.Picture(g.read_pixels(word), i % 10) for i, word in enumerate(WORDS[:40])]
    g.pictures_from_the_map(model, digits[10:], digits[:10], 5)
    lines = capsys.readouterr().out.splitlines()
    top = lines[
        lines.index("   New digits: a point drawn from the prior, then each pixel tossed") + 2
    ]
    assert top[3:11].rstrip() == "".join(" @"[pixel] for pixel in first[:8]).rstrip()


def test_the_map_is_compared_with_the_one_before_training(monkeypatch, capsys):
    def marks(after, before, rates):
        shares = iter([after, before, [1, 1], [0, 1]])
        monkeypatch.setattr(g, "neighbours_right", lambda *args: next(shares))
        monkeypatch.setattr(g, "mean_rates", lambda *args: rates)
        model = g.init_autoencoder(random.Random(1))
        digits = [g.Picture(g.read_pixels(word), 0) for word in WORDS[:9]]
        return [claim[1:3] for claim in g.the_map(model, digits, digits[:2], 1)]

    assert marks([1, 1, 1, 1, 1, 0], [0, 0, 0, 1, 0, 0], [0.6, 0.7]) == ["ok", "ok"]
    assert marks([1, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0.6, 0.4]) == ["no", "no"]


def test_rows_of_pictures(model, monkeypatch):
    rows = []
    monkeypatch.setattr(g, "draw_pictures", rows.append)
    monkeypatch.setattr(g, "N_NEW", 7)
    digits = [g.Picture(g.read_pixels(word), i % 10) for i, word in enumerate(WORDS[:40])]
    g.pictures_from_the_map(model, digits[10:], digits[:10], 5)
    originals, drawn, high, _, low, path, new = rows
    frozen = g.freeze(model)
    points = [place.point for place in g.places(frozen, digits[:7])]
    assert originals == [digit.pixels for digit in digits[:7]] and len(new) == 7
    assert drawn == [g.chances_at(frozen, point) for point in points]
    assert high[0] == g.chances_at(frozen, [-1.5, 1.0])
    assert low[6] == g.chances_at(frozen, [1.5, -1.0])
    middle = [(a + b) / 2 for a, b in zip(points[0], points[1])]
    assert path[0] == pytest.approx(drawn[0]) and path[6] == pytest.approx(drawn[1])
    assert path[3] == pytest.approx(g.chances_at(frozen, middle))


def test_part_4_compares_variances(model, capsys, monkeypatch):
    ways = {"a": [0.0, 2.0], "b": [0.0, 10.0], "c": [0.0, 2.2]}
    monkeypatch.setattr(g, "estimate_gradient", lambda *args: ways)
    claims = g.through_a_random_draw(model, pictures(*[ONE] * 5), 1)
    assert [claim[1:3] for claim in claims] == ["ok", "ok"]
    ways.update({"b": [0.0, 8.0], "c": [0.0, 2.1]})
    claims = g.through_a_random_draw(model, pictures(*[ONE] * 5), 1)
    assert [claim[1:3] for claim in claims] == ["no", "no"]
    assert "0, z_1   1.00 +- 1.00     2.0   4.00 +- 4.00    32.0" in capsys.readouterr().out


def test_pictures(capsys):
    g.draw_pictures([[0.0] * 56 + [1.0] * 8, [0.55] + [0.0] * 63])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8 and lines[0] == " " * 13 + "+" and lines[7] == "   @@@@@@@@"
    places = [
        ([0.0, 0.0], 4),
        ([3.0, 3.0], 7),
        ([-1.0, -3.0], 2),
        ([0.01, 0.0], 5),
        ([3.1, 0.0], 1),
    ]
    g.draw_map([g.Place(*pair) for pair in places])
    lines = capsys.readouterr().out.splitlines()
    assert lines[12] == "   " + " " * 36 + "5"
    assert lines[0] == "   " + " " * 72 + "7"
    assert lines[24] == "   " + " " * 24 + "2"
    assert lines[-1] == "   1 of 5 are hidden behind others, and 1 lie outside."


@pytest.mark.parametrize("lead, mark", [(0.5, "[ok]"), (0.39, "[no]")])
def test_new_digits_lead_by_more_than_two_errors(model, monkeypatch, lead, mark):
    rng = random.Random(8)
    digits = [g.Picture([rng.randrange(2) for _ in range(64)], i % 10) for i in range(30)]
    monkeypatch.setattr(g, "difference", lambda *args: g.Estimate(lead, 0.2))
    (claim,) = g.pictures_from_the_map(model, digits[10:], digits[:10], 5)
    assert claim.startswith(mark)
