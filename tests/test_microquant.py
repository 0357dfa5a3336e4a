"""The facts that microquant.py teaches."""

import math
import random

import pytest
from scripts import load

q = load("microquant.py")
V = 5


def matrix(rows, columns, seed=0, spread=1.0):
    rng = random.Random(seed)
    return [[rng.gauss(0.0, spread) for _ in range(columns)] for _ in range(rows)]


def sharp_model():
    made = q.init_model(V, random.Random(4))
    for p in q.parameters(made):
        p.data *= 5.0  # far from uniform guesses
    return made


@pytest.fixture(scope="module")
def model():
    return q.freeze(sharp_model())


WORDS = [[0, 1, 3, 2, 3, 0], [0, 4, 4, 0], [0, 2, 0]]


def test_word_loss_against_differences():
    made, tokens, h = sharp_model(), WORDS[0], 1e-6
    params = q.parameters(made)
    q.word_loss(made, tokens).backward()
    used = [p for p in params if p.grad != 0.0]
    for p in random.Random(2).sample(used, 15):
        x = p.data
        p.data = x + h
        above = q.word_loss(made, tokens).data
        p.data = x - h
        below = q.word_loss(made, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


# --- Grids ----------------------------------------------------------------------------------------


def test_the_worked_examples_of_grids():
    numbers = [-0.25, 0.15, 0.6]
    grid = q.absmax_grid(numbers, 3)
    assert grid.scale == pytest.approx(0.2) and grid.zero == 4
    assert [grid.code(x) for x in numbers] == [3, 5, 7]
    grid = q.affine_grid(numbers, 3)
    assert grid.scale == pytest.approx(0.85 / 7) and grid.zero == 2
    assert [grid.code(x) for x in numbers] == [0, 3, 7]
    assert grid.number(3) == pytest.approx(0.85 / 7)


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_no_error_is_over_half_a_step(bits, affine):
    for seed in range(20):
        numbers = [random.Random(seed).uniform(-1.0, 3.0) for _ in range(9)]
        grid = q.Scheme(bits, "row", affine).grid(numbers)
        for x in numbers:
            code = grid.code(x)
            assert 0 <= code < 2**bits
            # Affine grids may miss an end by another half step, as zero is rounded as well.
            limit = 1.01 if affine and x in (min(numbers), max(numbers)) else 0.501
            assert abs(grid.number(code) - x) <= limit * grid.scale
        assert grid.number(grid.code(0.0)) == 0.0
        if not affine:
            steps = [round(x / grid.scale) for x in numbers]
            assert max(map(abs, steps)) == 2 ** (bits - 1) - 1


def test_affine_spends_all_codes_on_one_side():
    numbers = [0.0, 0.5, 1.0]
    affine, absmax = q.affine_grid(numbers, 4), q.absmax_grid(numbers, 4)
    assert affine.zero == 0 and affine.scale == pytest.approx(1 / 15)
    assert absmax.scale == pytest.approx(1 / 7)
    assert q.affine_grid([2.0, 3.0], 4).scale == pytest.approx(3 / 15)  # 0.0 is always in it


def test_zeros_stay_zeros():
    for affine in (False, True):
        scheme = q.Scheme(4, "row", affine)
        assert q.dequantize(q.quantize([[0.0, 0.0], [1.0, -0.5]], scheme))[0] == [0.0, 0.0]


def test_a_scale_that_cannot_be_stored_is_refused():
    for numbers in ([1.1e-5, -5e-6], [1e7, 1.0]):
        with pytest.raises(ValueError):
            q.quantize([numbers], q.Scheme(8, "row"))
    assert q.as_stored(0.0) == 0.0 and q.as_stored(65504.0) == 65504.0
    assert q.as_stored(0.1) == pytest.approx(0.1, rel=1e-3) and q.as_stored(0.1) != 0.1


# --- Bytes ----------------------------------------------------------------------------------------


def test_pack_by_hand():
    assert q.pack([5, 2, 7], 3) == bytes([0b11010101, 1])
    assert q.pack([1, 2, 15], 4) == bytes([0x21, 0x0F])


@pytest.mark.parametrize("bits", range(1, 9))
def test_unpack_gives_back_what_was_packed(bits):
    rng = random.Random(bits)
    for n in (0, 1, 2, 7, 8, 9, 40):
        codes = [rng.randrange(2**bits) for _ in range(n)]
        packed = q.pack(codes, bits)
        assert len(packed) == math.ceil(n * bits / 8)
        assert q.unpack(packed, bits, n) == codes


@pytest.mark.parametrize("group, n_groups", [("matrix", 1), ("row", 3), (8, 6), (4, 12), (5, 10)])
def test_groups_and_bytes(group, n_groups):
    w = matrix(3, 16)
    for affine in (False, True):
        scheme = q.Scheme(3, group, affine)
        stored = q.quantize(w, scheme)
        zeros = math.ceil(3 * n_groups / 8) if affine else 0
        assert stored.n_bytes() == 3 * 48 // 8 + 2 * n_groups + zeros
        assert len(q.grids_of(stored)) == n_groups
        flat = [x for row in w for x in row]
        back = [x for row in q.dequantize(stored) for x in row]
        size = scheme.group_size(3, 16)
        for i, (x, y) in enumerate(zip(flat, back)):
            grid = scheme.grid(flat[i // size * size : (i // size + 1) * size])
            assert y == pytest.approx(grid.number(grid.code(x)), abs=1e-12)
    shape = [len(row) for row in q.dequantize(stored)]
    assert shape == [16, 16, 16]


def test_bytes_of_a_model(model):
    stored = q.quantize_model(model, q.Scheme(4, "row"))
    n_weights = sum([len(row) for w in model.values() for row in w])
    n_rows = sum([len(w) for w in model.values()])
    assert q.bytes_of(stored) == n_weights // 2 + 2 * n_rows
    assert list(q.floats_of(stored)) == list(model)


# --- The error ------------------------------------------------------------------------------------


def test_decibels():
    assert q.decibels(100.0, 1.0) == pytest.approx(20.0)
    assert q.decibels(4.0, 1.0) == pytest.approx(6.02, abs=2e-3)
    assert q.decibels(1.0, 0.0) == math.inf and q.decibels(0.0, 1.0) == -math.inf


def test_noise_of_evenly_spread_weights_is_as_expected():
    rng = random.Random(3)
    w = [[rng.uniform(-1.0, 1.0) for _ in range(200)] for _ in range(20)]
    for bits in (3, 5, 8):
        stored = q.quantize(w, q.Scheme(bits, "matrix"))
        scale = q.grids_of(stored)[0].scale
        assert scale == pytest.approx(
            max(abs(x) for row in w for x in row) / (2 ** (bits - 1) - 1), rel=1e-3
        )
        assert q.expected_noise(stored) == pytest.approx(3999 * scale * scale / 12)
        affine = q.quantize(w, q.Scheme(bits, "matrix", True))
        scale = q.grids_of(affine)[0].scale
        assert q.expected_noise(affine) == pytest.approx(4000 * scale * scale / 12)
        noise = q.sum_of_squares(q.error_of(w, q.dequantize(stored)))
        assert noise == pytest.approx(q.expected_noise(stored), rel=0.1)
    found = q.noise_of({"a": w}, q.Scheme(5, "matrix"))
    assert found.expected == pytest.approx(found.measured, abs=0.2)


# --- Products -------------------------------------------------------------------------------------


def test_integer_product_is_the_product_of_what_is_stored():
    w, xs = matrix(6, 16, seed=1), matrix(5, 16, seed=2)
    grid = q.grid_of_inputs(xs, 8)
    stored = q.quantize(w, q.Scheme(8, "row"))
    whole = q.IntegerMatrix(stored, grid)
    assert all([isinstance(n, int) for row in whole.rows for n in row])
    largest = 0
    for x in xs:
        codes = [grid.code(v) for v in x]
        rounded = [grid.number(code) for code in codes]
        for row, y, n in zip(q.dequantize(stored), whole.times(x), whole.rows):
            assert y == pytest.approx(sum([a * b for a, b in zip(row, rounded)]), abs=1e-12)
            largest = max(largest, abs(sum([a * b for a, b in zip(n, codes)])))
    assert whole.largest_sum == largest


def test_a_matrix_that_is_no_list_multiplies_itself(model):
    recorder = q.Recorder(model["lm_head"])
    x = [0.1 * i for i in range(16)]
    assert q.linear(x, recorder) == q.linear(x, model["lm_head"])
    assert recorder.inputs == [x]


def test_recorded_inputs_are_those_of_the_forward_pass(model):
    inputs = q.record_inputs(model, WORDS)
    assert sorted(inputs) == sorted([name for name in model if "embedding" not in name])
    n_places = sum([len(tokens) - 1 for tokens in WORDS])
    assert all([len(xs) == n_places for xs in inputs.values()])
    assert inputs["layer0.query"] == inputs["layer0.key"]
    hidden = [max(h, 0.0) for h in q.linear(inputs["layer0.fc1"][3], model["layer0.fc1"])]
    assert inputs["layer0.fc2"][3] == hidden
    logits = q.linear(inputs["lm_head"][0], model["lm_head"])
    assert q.softmax(logits) == q.predict(model, WORDS)[0][0]


def test_rounded_inputs():
    w, xs = matrix(3, 4), [[0.1, 0.2, 0.3, 1.0], [0.01, 0.02, 0.03, 0.1]]
    one = q.RoundedInputs(w, 4, q.grid_of_inputs(xs, 4))
    each = q.RoundedInputs(w, 4)
    grid = q.affine_grid(xs[0] + xs[1], 4)
    rounded = [grid.number(grid.code(v)) for v in xs[1]]
    assert one.times(xs[1]) == q.linear(rounded, w)
    exact = q.linear(xs[1], w)
    off = [sum([abs(a - b) for a, b in zip(m.times(xs[1]), exact)]) for m in (one, each)]
    assert off[1] < off[0] / 3  # a small input has a fine grid of its own


def test_smoothing_shares_the_trouble_and_keeps_the_product():
    w, xs = matrix(4, 3, seed=3), matrix(20, 3, seed=4)
    xs = [[50.0 * x[0], x[1], 0.0] for x in xs]
    factors = q.smoothing_factors(w, xs)
    assert factors[2] == 1.0  # no input there
    for j in (0, 1):
        peak_x = max([abs(x[j]) / factors[j] for x in xs])
        peak_w = max([abs(row[j]) * factors[j] for row in w])
        assert peak_x == pytest.approx(peak_w)
    smooth = q.SmoothedMatrix(w, xs, q.Scheme(8, 1), 24)  # such grids round hardly at all
    for x in xs:
        assert smooth.times(x) == pytest.approx(q.linear(x, w), rel=1e-2, abs=1e-2)
    coarse = q.RoundedInputs(w, 4, q.grid_of_inputs(xs, 4))
    smooth = q.SmoothedMatrix(w, xs, q.Scheme(8, "row"), 4)
    off = [0.0, 0.0]
    for x in xs:
        for i, m in enumerate((coarse, smooth)):
            off[i] += sum([abs(a - b) for a, b in zip(m.times(x), q.linear(x, w))])
    assert off[1] < off[0]


# --- Error feedback -------------------------------------------------------------------------------


def test_output_error_is_that_of_the_outputs():
    w, got, inputs = matrix(3, 5), matrix(3, 5, seed=1), matrix(7, 5, seed=2)

    def outputs(m):
        return [sum(a * b for a, b in zip(row, x)) for x in inputs for row in m]

    noise = sum((a - b) ** 2 for a, b in zip(outputs(w), outputs(got)))
    expected = noise / sum(a * a for a in outputs(w))
    h = q.products_of_inputs(inputs)
    assert q.output_error(w, got, h) == pytest.approx(expected)
    assert q.output_error(w, got, [[0.0] * 5] * 5) == 0.0  # no input, no error


def test_the_worked_example_of_feedback():
    h = [[4.0, 3.0], [3.0, 5.0]]
    feedback = q.eliminate(h)
    assert feedback[0] == [] and feedback[1] == pytest.approx([0.6], rel=0.02)

    def error(e):
        return 4 * e[0] ** 2 + 6 * e[0] * e[1] + 5 * e[1] ** 2

    assert error([-0.4, -0.4]) == pytest.approx(2.4)
    assert error([-0.4, 0.6]) == pytest.approx(1.0)
    scheme = q.Scheme(3, "row")  # with the scale 1.0: the largest weight is 3.0
    w = [[0.4, 0.4, 3.0]]
    nearest = q.quantize(w, scheme)
    fed = q.quantize_with_feedback(w, scheme, [[], [0.6], [0.0, 0.0]])
    assert q.dequantize(nearest) == [[0.0, 0.0, 3.0]] and q.dequantize(fed) == [[0.0, 1.0, 3.0]]


def gptq(w, h, grids):
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
        for row, line, grid in zip(w, out, grids):
            line.append(grid.number(grid.code(row[j])))
            error = (row[j] - line[-1]) / inverse[0][0]
            for k in range(1, m):
                row[j + k] -= error * inverse[0][k]
    return out


@pytest.mark.parametrize("affine", [False, True])
def test_error_feedback_is_gptq_and_lowers_the_output_error(affine):
    mix, w = matrix(8, 8, seed=7), matrix(40, 8, seed=4)
    inputs = [[sum(a * b for a, b in zip(x, row)) for row in mix] for x in matrix(40, 8, seed=8)]
    h, scheme = q.products_of_inputs(inputs), q.Scheme(3, "row", affine)
    fed = q.dequantize(q.quantize_with_feedback(w, scheme, q.eliminate(h)))
    for a, b in zip(fed, gptq(w, h, [scheme.grid(row) for row in w])):
        assert a == pytest.approx(b, abs=1e-9)
    nearest = q.dequantize(q.quantize(w, scheme))
    assert q.output_error(w, fed, h) < 0.8 * q.output_error(w, nearest, h)


def test_elimination_is_a_factorization():
    h = q.products_of_inputs(matrix(30, 6, seed=9))
    extra = 0.01 * sum(h[i][i] for i in range(6)) / 6
    shares = q.eliminate(h)
    assert [len(column) for column in shares] == [0, 1, 2, 3, 4, 5]
    u = [[1.0 if i == j else shares[j][i] if i < j else 0.0 for j in range(6)] for i in range(6)]
    d = [0.0] * 6
    for j in reversed(range(6)):  # from h_jj = sum over m >= j of d_m u_jm^2
        d[j] = h[j][j] + extra - sum(d[m] * u[j][m] ** 2 for m in range(j + 1, 6))
        assert 0.0 < d[j] <= h[j][j] + extra
    for i in range(6):
        for k in range(6):
            product = sum(u[i][j] * d[j] * u[k][j] for j in range(6))
            assert product == pytest.approx(h[i][k] + extra * (i == k), abs=1e-9)


def test_without_correlation_feedback_is_rounding():
    w = matrix(4, 6, seed=2)
    h = [[float(i == j) for j in range(6)] for i in range(6)]
    for group in q.GROUPS:
        scheme = q.Scheme(3, group)
        assert q.quantize_with_feedback(w, scheme, q.eliminate(h)) == q.quantize(w, scheme)
    assert q.eliminate([[0.0] * 3] * 3) == [[], [0.0], [0.0, 0.0]]  # inputs that are always 0


# --- The experiments ------------------------------------------------------------------------------


def test_kl_divergence():
    assert q.kl_divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(
        0.5 * math.log(2.0) + 0.5 * math.log(2.0 / 3.0)
    )
    assert q.kl_divergence([0.5, 0.5], [0.5, 0.5]) == 0.0
    assert q.kl_divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(math.log(2.0))


def test_judge(model):
    reference = q.Reference(model, WORDS)
    same = reference.judge(model)
    assert same.kl == [0.0, 0.0, 0.0]
    nats = [-sum(q.log_probs(model, tokens)) for tokens in WORDS]
    assert same.nats == pytest.approx(nats)
    other = {**model, "lm_head": [[0.9 * w for w in row] for row in model["lm_head"]]}
    judged = reference.judge(other)
    kl = 0.0
    for p, r in zip(q.predict(model, WORDS)[1], q.predict(other, WORDS)[1]):
        kl += sum([a * math.log(a / b) for a, b in zip(p, r)])
    assert judged.kl[1] == pytest.approx(kl) and min(judged.kl) > 0.0
    assert reference.per_token(judged.nats).mean == pytest.approx(sum(judged.nats) / 10)
    rise = reference.rise(same.nats, judged.nats)
    assert rise.mean == pytest.approx((sum(judged.nats) - sum(nats)) / 10)


def test_part_1_shows_only_what_nothing_smaller_beats(capsys, model):
    reference = q.Reference(model, WORDS)

    def tried(n_bytes, kl):
        return q.Tried(n_bytes, q.Judged([], [kl * n for n in reference.counts]))

    a, b, c, d = [q.Scheme(bits, "row") for bits in (2, 3, 4, 5)]
    found = {a: tried(10, 0.5), b: tried(20, 0.1), c: tried(30, 0.2), d: tried(40, 0.05)}
    q.print_best(reference, found, {a: 0.5, b: 0.1, c: 0.2, d: 0.05})
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split()[0] for line in lines if " bytes  KL" in line]
    assert rows == ["10", "20", "40"]


@pytest.mark.parametrize("groups", [("matrix", "row", 8), ("matrix", "row", 4)])
def test_other_groups_run(capsys, monkeypatch, model, groups):
    monkeypatch.setattr(q, "GROUPS", groups)
    monkeypatch.setattr(q, "BITS", (8, 6, 4))
    reference = q.Reference(model, WORDS)
    assert len(q.bytes_and_losses(reference, 4 * 2000)) == 3
    assert f"G {groups[2]}" in capsys.readouterr().out


def test_an_untrained_model_fails(capsys):
    rng = random.Random(1)
    model = q.freeze(q.init_model(27, rng))
    words = [[0, *[rng.randrange(1, 27) for _ in range(5)], 0] for _ in range(6)]
    reference = q.Reference(model, words)
    claims = q.which_numbers_hurt(reference, q.record_inputs(model, words))
    assert any([claim.startswith("[no]") for claim in claims])


def test_a_grid_that_is_too_coarse_fails_part_2(capsys, monkeypatch, model):
    assert all([claim.startswith("[ok]") for claim in q.error_and_theory(model)])
    floor = q.Grid.code
    monkeypatch.setattr(q.Grid, "code", lambda grid, x: floor(grid, x - 0.3 * grid.scale))
    assert q.error_and_theory(model)[0].startswith("[no]")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    eights = [row for row in rows if row[:1] == ["8"]]
    assert abs(float(eights[0][1]) - float(eights[0][2])) < 0.5  # as the theory says
    assert float(eights[1][1]) - float(eights[1][2]) > 2.0  # and a worse rounding is not


def test_picture(capsys, monkeypatch):
    a, b = q.Scheme(8, "matrix"), q.Scheme(2, 8, True)
    q.draw_kl({a: 0.5, b: 0.25}, {a: 0.001, b: 0.1}, width=10, height=3)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "    0.10000 |     g" and lines[1] == "    0.01000 |"
    assert lines[2] == "    0.00100 |          M"
    assert q.mark_of(q.Scheme(4, "row")) == "R"


def test_part_4_prints_the_errors_of_3_bits(capsys, model):
    reference, inputs = q.Reference(model, WORDS), q.record_inputs(model, WORDS)
    q.feedback_of_errors(reference, inputs, inputs)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    row = [row for row in rows if row[:1] == ["layer0.fc1"]][0]
    matrix, scheme = model["layer0.fc1"], q.Scheme(3, "row", True)
    h = q.products_of_inputs(inputs["layer0.fc1"])
    nearest = q.dequantize(q.quantize(matrix, scheme))
    fed = q.dequantize(q.quantize_with_feedback(matrix, scheme, q.eliminate(h)))
    wanted = [f"{100 * q.output_error(matrix, other, h):.2f}" for other in (nearest, fed)]
    assert row[1:] == wanted + wanted and wanted[0] != wanted[1]
