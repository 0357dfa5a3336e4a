"""The facts that micrornn.py teaches."""

import math
import random

import pytest
from scripts import load

r = load("micrornn.py")
V = 27


def numbers(matrix):
    return [[p.data for p in row] for row in matrix]


def affine(layer, token, h):
    w, u = numbers(layer[0]), numbers(layer[1])
    return [sum(a * b for a, b in zip(row, h)) + row[-1] + x for row, x in zip(u, w[token])]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.fixture(params=["RNN", "GRU"])
def model(request):
    return r.init_model(request.param, V, random.Random(4), 0.7)


def test_sigmoid_and_its_derivative():
    for x in (-800.0, -3.0, 0.0, 2.0, 800.0):
        leaf = r.Value(x)
        out = leaf.sigmoid()
        out.backward()
        exact = 1 / (1 + math.exp(-x)) if x > -600 else math.exp(x)
        assert out.data == pytest.approx(exact, rel=1e-12)
        assert leaf.grad == pytest.approx(exact * (1 - exact), rel=1e-9, abs=1e-300)


def test_models_have_equal_size_within_2_percent():
    sizes = [len(r.parameters(r.init_model(kind, V, random.Random(0)))) for kind in ("RNN", "GRU")]
    assert sizes == [1433, 1437]


def test_orthogonal_keeps_lengths_and_angles():
    rows = r.orthogonal(7, random.Random(1))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            assert sum(x * y for x, y in zip(a, b)) == pytest.approx(float(i == j), abs=1e-12)


def test_rnn_step_is_elmans():
    model = r.init_model("RNN", V, random.Random(2))
    h = [0.1 * i - 0.8 for i in range(r.RNN_HIDDEN)]
    states, gates = r.rnn_step(model, 5, [r.Value(x) for x in h])
    assert gates is None
    expected = [math.tanh(a) for a in affine(model["h"], 5, h)]
    assert [v.data for v in states] == pytest.approx(expected, rel=1e-12)


def test_gru_step_is_that_of_the_paper():
    model = r.init_model("GRU", V, random.Random(2), 4.0)
    h = [0.15 * i - 0.8 for i in range(r.GRU_HIDDEN)]
    z = [sigmoid(a) for a in affine(model["z"], 5, h)]
    gate = [sigmoid(a) for a in affine(model["r"], 5, h)]
    c = [math.tanh(a) for a in affine(model["h"], 5, [a * b for a, b in zip(gate, h)])]
    expected = [zi * hi + (1 - zi) * ci for zi, hi, ci in zip(z, h, c)]
    states, gates = r.gru_step(model, 5, [r.Value(x) for x in h])
    assert [v.data for v in gates] == pytest.approx(z, rel=1e-12)
    assert [v.data for v in states] == pytest.approx(expected, rel=1e-12)
    assert min(z) > 0.5  # the bias opens every gate at first


def test_losses_against_finite_differences(model, monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 5)
    tokens, symbol = r.recall_task(V, random.Random(3))
    word = r.encode("anna", "\nabcdefghijklmnopqrstuvwxyz")
    params = r.parameters(model)
    for build in (lambda: r.recall_loss(model, tokens, symbol), lambda: r.word_loss(model, word)):
        for p in params:
            p.grad = 0.0
        build().backward()
        used = [p for p in params if p.grad != 0.0]
        assert len(used) > len(params) // 3
        for p in random.Random(9).sample(used, 20):
            x, h = p.data, 1e-6
            p.data = x + h
            above = build().data
            p.data = x - h
            below = build().data
            p.data = x
            assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_word_loss_predicts_each_token_from_those_before(model):
    tokens = [0, 3, 1, 0]
    nats = []
    for i in range(3):
        h = r.read(model, tokens[: i + 1])[0][-1]
        nats.append(-math.log(r.predict(model, h)[tokens[i + 1]].data))
    assert r.word_loss(model, tokens).data == pytest.approx(sum(nats) / 3, rel=1e-12)
    docs = [tokens, [0, 5, 0]]
    losses = [r.word_loss(model, doc).data for doc in docs]
    expected = (3 * losses[0] + 2 * losses[1]) / 5
    assert r.evaluate(model, docs) == pytest.approx(expected, rel=1e-12)


def test_recall_needs_the_first_token():
    rng = random.Random(5)
    seen = set()
    for _ in range(200):
        tokens, symbol = r.recall_task(V, rng)
        assert len(tokens) == r.DISTANCE + 2 and r.DISTANCE >= 20
        assert tokens[0] == symbol and 1 <= symbol <= r.N_SYMBOLS and tokens[-1] == 0
        assert all(r.N_SYMBOLS < token < V for token in tokens[1:-1])
        seen.add(symbol)
    assert len(seen) == r.N_SYMBOLS


def test_accuracy_counts_the_likeliest_token(model):
    tests = [r.recall_task(V, random.Random(i)) for i in range(3)]
    guesses = []
    for tokens, _ in tests:
        probs = [p.data for p in r.predict(model, r.read(model, tokens)[0][-1])]
        guesses.append(probs.index(max(probs)))
    relabelled = [(tokens, guess) for (tokens, _), guess in zip(tests, guesses)]
    assert r.accuracy(model, relabelled) == 1.0
    relabelled[0] = (tests[0][0], (guesses[0] + 1) % V)
    assert r.accuracy(model, relabelled) == pytest.approx(2 / 3)


def test_gradient_shares_are_those_of_the_states(model, monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 4)
    tokens, symbol = r.recall_task(V, random.Random(6))
    (first, *_, last) = r.gradient_shares(model, [(tokens, symbol)])
    # Push the first state along each coordinate and run on from there by hand.
    step = r.gru_step if "z" in model else r.rnn_step
    states = [[v.data for v in h] for h in r.read(model, tokens)[0]]

    def norm(h, rest):
        def loss(h):
            h = [r.Value(x) for x in h]
            for token in rest:
                h, _ = step(model, token, h)
            return -math.log(r.predict(model, h)[symbol].data)

        slopes = []
        for i in range(len(h)):
            moved = [[x + s * (j == i) for j, x in enumerate(h)] for s in (1e-6, -1e-6)]
            slopes.append((loss(moved[0]) - loss(moved[1])) / 2e-6)
        return math.sqrt(sum(s * s for s in slopes))

    assert first == pytest.approx(norm(states[0], tokens[1:]) / norm(states[-1], []), rel=1e-4)
    assert last == 1.0


def test_the_bias_lets_the_gradient_through_and_nothing_else_does():
    tests = [r.recall_task(V, random.Random(i)) for i in range(4)]
    reach = {}
    for name, kind, bias in (("rnn", "RNN", 0.0), ("0", "GRU", 0.0), ("4", "GRU", 4.0)):
        model = r.init_model(kind, V, random.Random(8), bias)
        reach[name] = r.gradient_shares(model, tests)[0]
    assert reach["4"] > 0.05
    assert reach["0"] < 1e-4 and reach["rnn"] < 1e-4


def test_solved_at_is_the_first_good_window():
    assert r.solved_at([1.0] * 100) == math.inf
    assert r.solved_at([1.0] * 30 + [0.0] * 30) == 43  # 13 of 25 losses are 0: the mean is 0.48
    assert r.solved_at([0.0] * 25) == 25
    assert r.solved_at([0.0] * 24) == math.inf


def test_train_takes_adam_steps_and_returns_the_losses(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    examples = [r.recall_task(V, random.Random(i)) for i in range(3)]
    model, reference = [r.init_model("GRU", V, random.Random(5)) for _ in range(2)]
    losses = r.train("phase", model, r.recall_loss, examples)
    params = r.parameters(reference)
    m, v, expected = [0.0] * len(params), [0.0] * len(params), []
    for step, example in enumerate(examples, 1):
        for p in params:
            p.grad = 0.0
        loss = r.recall_loss(reference, *example)
        loss.backward()
        expected.append(loss.data)
        r.adam_step(params, m, v, step, r.LEARNING_RATE * (4 - step) / 3, r.BETA1, r.BETA2)
    assert losses == expected
    trained = [p.data for p in r.parameters(model)]
    assert trained == pytest.approx([p.data for p in params], rel=1e-12)


def test_pictures(capsys):
    n = r.DISTANCE + 2
    r.draw_bars("title", {"a": [1e-12] * n, "b": [1.0] * n, "c": [1e-30] * n})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["title", "a", "b", "c"]
    assert lines[1].split() == ["t", "=", "1", "#" * 12]
    assert lines[1].index("#") == 14 + 18
    assert lines[-1].split()[2] == str(n)
    r.draw_gate([0.0, 0.74, 1.0])
    lines = capsys.readouterr().out.splitlines()
    assert [line[7:].rstrip() for line in lines] == ["  *", "", "", " *", "", "*"]


def test_memory_gate_follows_the_unit_with_the_largest_gradient(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 4)
    model = r.init_model("GRU", V, random.Random(3))
    for unit in range(r.GRU_HIDDEN):
        model["z"][1][unit][-1].data = 6.0 if unit == 7 else -2.0  # only unit 7 keeps its state
    tests = [r.recall_task(V, random.Random(i)) for i in range(3)]
    gate = r.memory_gate(model, tests)
    expected = [r.read(model, tokens)[1] for tokens, _ in tests]
    for t, value in enumerate(gate):
        assert value == pytest.approx(sum(z[t][7].data for z in expected) / 3, rel=1e-12)


def test_biases_start_at_zero_unless_a_gate_is_to_keep():
    for bias in (None, 4.0):
        more = [] if bias is None else [bias]
        model = r.init_model("GRU", V, random.Random(1), *more)
        biases = {name: {row[-1].data for row in model[name][1]} for name in ("h", "z", "r", "out")}
        assert biases == {"h": {0.0}, "z": {bias or 0.0}, "r": {0.0}, "out": {0.0}}
