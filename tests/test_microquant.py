"""The facts that microquant.py teaches."""

import math
import random
import struct

import pytest
from scripts import load

q = load("microquant.py")
V = 27
WORD = q.encode("anna", "\nabcdefghijklmnopqrstuvwxyz")


def matrix(rows, columns, seed=0, std=1.0):
    rng = random.Random(seed)
    return [[rng.gauss(0.0, std) for _ in range(columns)] for _ in range(rows)]


def stored(p):
    return q.dequantize({"w": p})["w"]


@pytest.fixture(scope="module")
def values():
    return q.init_model(V, random.Random(3))


@pytest.fixture(scope="module")
def model(values):
    """A model of floats, larger than at first, so that every part of it matters."""
    return {name: [[4 * p.data for p in row] for row in w] for name, w in values.items()}


def test_whole_loss_against_finite_differences(values):
    params = [p for w in values.values() for row in w for p in row]
    for p in params:
        p.grad = 0.0
    q.word_loss(values, WORD).backward()
    for p in random.Random(1).sample(params, 20) + values["wte"][1][:3]:
        old, losses = p.data, []
        for h in (1e-5, -1e-5):
            p.data = old + h
            losses.append(q.word_loss(values, WORD).data)
        p.data = old
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(p.grad, abs=1e-8, rel=1e-5)


def test_infer_is_gpt_in_floats(values):
    floats = {name: [[p.data for p in row] for row in w] for name, w in values.items()}
    cache, found = ([], []), q.predictions(floats, [WORD])
    for token, log_p in zip(WORD[:-1], found):
        probs = q.softmax(q.gpt(values, token, cache))
        assert [math.exp(y) for y in log_p] == pytest.approx([p.data for p in probs], rel=1e-12)
    assert len(found) == len(WORD) - 1
    loss, kl = q.compare(found, found, [WORD])
    assert loss == pytest.approx(q.word_loss(values, WORD).data, rel=1e-12)
    assert kl == 0.0


def test_compare_is_the_mean_loss_and_divergence():
    p, r = [0.5, 0.25, 0.25], [0.125, 0.125, 0.75]
    logs = [[math.log(x) for x in row] for row in (p, r)]
    loss, kl = q.compare([logs[0], logs[1]], [logs[1], logs[1]], [[0, 0, 2]])
    assert loss == pytest.approx(-(math.log(0.125) + math.log(0.75)) / 2)
    assert kl == pytest.approx(sum(a * math.log(a / b) for a, b in zip(p, r)) / 2)


@pytest.mark.parametrize("bits", range(1, 9))
def test_unpack_gives_back_what_was_packed(bits):
    rng = random.Random(bits)
    for n in [*range(1, 20), 97, 1023]:
        codes = [rng.randrange(2**bits) for _ in range(n)]
        packed = q.pack(codes, bits)
        assert isinstance(packed, bytearray) and len(packed) == math.ceil(bits * n / 8)
        assert q.unpack(packed, bits, n) == codes
        text = "".join(format(byte, "08b") for byte in reversed(packed))
        assert int(text, 2) == sum(c * 2 ** (bits * i) for i, c in enumerate(codes))


def test_pack_straddles_bytes():
    assert q.pack([7, 0, 7], 3) == bytearray([0b11000111, 0b1])
    assert q.pack([1, 2, 3], 4) == bytearray([0x21, 0x03])


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("bits", [8, 4, 3, 2])
@pytest.mark.parametrize("group", ["tensor", "row", 4])
def test_round_to_nearest_within_half_a_step(bits, group, affine):
    w = matrix(5, 12, seed=bits)
    p = q.quantize(w, bits, group, affine)
    n = {"tensor": 60, "row": 12, 4: 4}[group]
    flat, found = [x for row in w for x in row], [x for row in stored(p) for x in row]
    assert len(p.codes) == math.ceil(60 * bits / 8) and len(p.scales) == 2 * 60 // n
    assert len(p.zeros) == (math.ceil(60 // n * bits / 8) if affine else 0)
    size = len(p.codes) + len(p.scales) + len(p.zeros)
    assert q.size({"a": p, "b": p}) == 2 * size
    for i in range(0, 60, n):
        part, got = flat[i : i + n], found[i : i + n]
        scale = struct.unpack("<e", p.scales[2 * i // n : 2 * i // n + 2])[0]
        if affine:
            span = max(0, *part) - min(0, *part)
            assert scale == pytest.approx(span / (2**bits - 1), rel=2**-11)
        else:
            top = 2 ** (bits - 1) - 1
            assert scale == pytest.approx(max(map(abs, part)) / top, rel=2**-11)
            assert max(map(abs, got)) == pytest.approx(top * scale, rel=1e-12)
        for a, b in zip(part, got):
            # half a step, and what a scale rounded to 11 bits adds at the ends
            assert abs(a - b) <= 0.5 * scale + 2**-11 * (max(0, *part) - min(0, *part))
    middle = sorted(abs(a - b) for a, b in zip(flat, found))[30]
    assert middle <= 0.5 * max(s for (s,) in struct.iter_unpack("<e", p.scales))


def test_affine_spends_all_codes_on_one_side_and_keeps_zero_exact():
    w = [[0.0, 0.1, 0.35, 1.5]]
    p = q.quantize(w, 4, "row", True)
    assert q.unpack(p.zeros, 4, 1) == [0]
    assert stored(p)[0][0] == 0.0
    assert stored(p)[0] == pytest.approx([0, 0.1, 0.4, 1.5], rel=1e-3)
    high = q.quantize([[5.0, 6.0, 5.5]], 8, "row", True)  # the span holds 0 all the same
    assert stored(high)[0] == pytest.approx([5.0, 6.0, 5.5], abs=6 / 255)
    low = q.quantize([[-5.0, -6.0]], 8, "row", True)
    assert stored(low)[0] == pytest.approx([-5.0, -6.0], abs=6 / 255)
    half = q.quantize(w, 4, "row")  # absmax: steps of 1.5 / 7
    assert stored(half)[0] == pytest.approx([0, 0, 3 / 7, 1.5], rel=1e-3)


def test_zeros_stay_zeros():
    for affine in (False, True):
        assert stored(q.quantize([[0.0] * 3, [0.0] * 3], 3, "row", affine)) == [[0.0] * 3] * 2


def test_integer_product_is_the_product_of_what_is_stored(model):
    docs = [WORD, WORD[:1] + WORD[2:]]
    inputs = q.record(model, docs)
    assert sorted(inputs) == sorted(set(model) - {"wte", "wpe"})
    assert all(len(xs) == len(docs[0]) + len(docs[1]) - 2 for xs in inputs.values())
    packed = q.quantize_all(model, 8, "row")
    grids, sums, floats = q.activation_grids(inputs), [], q.dequantize(packed)
    product = q.int8_product(packed, grids, sums)
    for name, xs in inputs.items():
        scale, zero = grids[name]
        assert 0 <= zero <= 255
        x = [scale * (min(255, max(0, zero + round(v / scale))) - zero) for v in xs[1]]
        expected = [sum(a * b for a, b in zip(row, x)) for row in floats[name]]
        assert product(name, xs[1]) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        simulated = q.rounded_product(floats, grids)(name, xs[1])
        assert simulated == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert all(type(total) is int for total in sums)
    assert max(map(abs, sums)) <= 127 * 255 * 64
    x = [50.0] + [0.0] * 15  # beyond the calibrated range: clamped
    scale, zero = grids["wq"]
    expected = [row[0] * scale * (255 - zero) for row in floats["wq"]]
    assert product("wq", x) == pytest.approx(expected, rel=1e-9)


def test_signal_to_noise_of_a_uniform_source():
    w = {"w": [[(i * 0.6180339887498949 % 1) * 2 - 1 for i in range(4096)]]}
    w["w"][0][0] = 1.0
    for bits in (4, 8):
        p = q.quantize_all(w, bits, "row")
        line, step, seen = q.signal_to_noise(w, p)
        assert line == pytest.approx(20 * bits * math.log10(2), abs=0.1)  # peak to rms is sqrt(3)
        exact = 20 * math.log10(2**bits - 2)
        assert step == pytest.approx(exact, abs=0.1)
        assert seen == pytest.approx(exact, abs=0.15)
        got = stored(p["w"])[0]
        noise = sum((a - b) ** 2 for a, b in zip(w["w"][0], got))
        assert seen == pytest.approx(10 * math.log10(sum(a * a for a in w["w"][0]) / noise))


def test_the_largest_weight_has_no_error():
    w = {"w": matrix(400, 2, seed=5)}
    line, step, seen = q.signal_to_noise(w, q.quantize_all(w, 6, "row"))
    assert seen == pytest.approx(step, abs=0.5)  # an error for both would be 3 dB less


def test_rescaling_keeps_the_function_and_one_outlier_costs_all_others_their_bits(model):
    exact = q.predictions(model, [WORD])
    factors = [256.0 if j == 9 else 1.0 for j in range(64)]
    planted = q.rescale(model, factors)
    assert planted["fc1"][9] == [256 * a for a in model["fc1"][9]]
    assert [row[9] for row in planted["fc2"]] == [row[9] / 256 for row in model["fc2"]]
    assert q.predictions(planted, [WORD]) == exact  # powers of two: to the last bit
    rows, _ = q.integers(q.quantize(planted["fc1"], 8, "tensor"))
    assert sum(row.count(0) for row in rows[:9] + rows[10:]) > 0.8 * 63 * 16
    rows, _ = q.integers(q.quantize(planted["fc1"], 8, "row"))
    assert sum(row.count(0) for row in rows) < 0.05 * 64 * 16


def test_smoothing_evens_the_peaks_and_undoes_any_rescaling(model):
    docs = [WORD, q.encode("bob", "\nabcdefghijklmnopqrstuvwxyz")]
    smoothed = q.smooth(model, q.record(model, docs))
    exact, found = q.predictions(model, docs), q.predictions(smoothed, docs)
    assert [y for row in found for y in row] == pytest.approx([y for row in exact for y in row])
    inputs = q.record(smoothed, docs)["fc2"]
    for j, column in enumerate(zip(*smoothed["fc2"])):
        peak = max(x[j] for x in inputs)
        if peak > 0:
            assert peak == pytest.approx(max(map(abs, column)))
    planted = q.rescale(model, [4.0 ** (j % 5) for j in range(64)])
    again = q.smooth(planted, q.record(planted, docs))
    for name in ("fc1", "fc2"):
        for a, b, x in zip(again[name], smoothed[name], range(64)):
            if name == "fc2" or max(v[x] for v in inputs) > 0:
                live = [j for j in range(64) if max(v[j] for v in inputs) > 0]
                keep = live if name == "fc2" else range(16)
                assert [a[j] for j in keep] == pytest.approx([b[j] for j in keep])


def test_output_error_is_that_of_the_outputs():
    w, got, inputs = matrix(3, 5), matrix(3, 5, seed=1), matrix(7, 5, seed=2)

    def outputs(m):
        return [sum(a * b for a, b in zip(row, x)) for x in inputs for row in m]

    noise = sum((a - b) ** 2 for a, b in zip(outputs(w), outputs(got)))
    expected = noise / sum(a * a for a in outputs(w))
    assert q.output_error(w, got, q.gram(inputs)) == pytest.approx(expected)


def gptq(w, h, grids, bits):
    """Column by column, as in the paper: the later ones move by the inverse of H."""
    n = len(h)
    extra = 0.01 * sum(h[i][i] for i in range(n)) / n
    h = [[a + extra * (i == j) for j, a in enumerate(row)] for i, row in enumerate(h)]
    w, out = [list(row) for row in w], [[] for _ in w]
    for j in range(n):
        m = n - j
        a = [[*row[j:], *(float(r == c) for c in range(m))] for r, row in enumerate(h[j:])]
        for i in range(m):  # Gauss-Jordan: the inverse of H over the columns that are left
            pivot = [x / a[i][i] for x in a[i]]
            a = [
                pivot if r == i else [x - row[i] * y for x, y in zip(row, pivot)]
                for r, row in enumerate(a)
            ]
        inverse = [row[m:] for row in a]
        for row, line, (scale, zero) in zip(w, out, grids):
            code = max(0, min(2**bits - 1, zero + round(row[j] / scale)))
            line.append(scale * (code - zero))
            error = (row[j] - line[-1]) / inverse[0][0]
            for k in range(1, m):
                row[j + k] -= error * inverse[0][k]
    return out


@pytest.mark.parametrize("affine", [False, True])
def test_error_feedback_is_gptq_and_lowers_the_output_error(affine):
    mix, w = matrix(8, 8, seed=7), matrix(40, 8, seed=4)
    inputs = [[sum(a * b for a, b in zip(x, row)) for row in mix] for x in matrix(40, 8, seed=8)]
    h = q.gram(inputs)
    fed = stored(q.quantize(w, 3, "row", affine, q.eliminate(h)))
    grids = [q.find_grid(row, 3, affine) for row in w]
    for a, b in zip(fed, gptq(w, h, grids, 3)):
        assert a == pytest.approx(b, abs=1e-9)
    near = stored(q.quantize(w, 3, "row", affine))
    assert q.output_error(w, fed, h) < 0.8 * q.output_error(w, near, h)


def test_elimination_is_a_factorization():
    h = q.gram(matrix(30, 6, seed=9))
    extra = 0.01 * sum(h[i][i] for i in range(6)) / 6
    columns = q.eliminate(h)
    u = [[1.0 if i == j else columns[j][i] * (i < j) for j in range(6)] for i in range(6)]
    d = [columns[j][j] for j in range(6)]
    for i in range(6):
        assert d[i] <= h[i][i] + extra
        for k in range(6):
            product = sum(u[i][j] * d[j] * u[k][j] for j in range(6))
            assert product == pytest.approx(h[i][k] + extra * (i == k), abs=1e-9)


def test_without_correlation_feedback_is_rounding():
    w = matrix(4, 6, seed=2)
    h = [[float(i == j) * (i + 1) for j in range(6)] for i in range(6)]
    assert q.quantize(w, 3, "row", True, q.eliminate(h)) == q.quantize(w, 3, "row", True)
    empty = q.eliminate([[0.0] * 6 for _ in range(6)])  # inputs that are all 0
    assert q.quantize(w, 3, "row", True, empty) == q.quantize(w, 3, "row", True)


def test_the_plot_puts_decades_on_five_rows(capsys):
    q.draw_losses([(0.1, 3.0, "T"), (0.2, 2.1, "r"), (0.3, 1.9, "G"), (0.0, 9.0, "x")], 2.0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("   3.000 x") and lines[0][9 + 16] == "T"
    assert lines[5].startswith("   2.100") and lines[5][9 + 32] == "r"
    assert lines[15].startswith("   2.001") and lines[15][9 + 48] == "G"
    assert lines[16].split()[:2] == ["0.00", "0.05"]
    assert lines[16].index("0.10") == 9 + 16


def test_train_returns_the_trained_numbers(values):
    model = q.init_model(V, random.Random(2))
    before = q.word_loss(model, WORD).data
    floats = q.train(model, [WORD], 8)
    after, _ = q.compare(*[q.predictions(floats, [WORD])] * 2, [WORD])
    assert after < before
    assert floats == {name: [[p.data for p in row] for row in w] for name, w in model.items()}


def test_train_is_adam_with_a_falling_rate():
    docs = [WORD, WORD[:3] + WORD[-1:], WORD[2:]]
    model, twin = [q.init_model(V, random.Random(8)) for _ in range(2)]
    floats = q.train(model, docs, 3)
    params = [p for w in twin.values() for row in w for p in row]
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2, 3):
        for p in params:
            p.grad = 0.0
        q.word_loss(twin, docs[step % 3]).backward()
        q.adam_step(params, m, v, step, q.LEARNING_RATE * (4 - step) / 3, q.BETA1, q.BETA2)
    assert [p for w in floats.values() for row in w for p in row] == [p.data for p in params]
