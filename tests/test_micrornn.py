"""The facts that micrornn.py teaches."""

import math
import random

import pytest
from scripts import load

r = load("micrornn.py")
V = 27


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(r, "show_progress", lambda *args: None)


@pytest.fixture(params=["RNN", "GRU"])
def model(request):
    return r.init_network(request.param, V, random.Random(4), 0.7)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def layer(model, name, token, h):
    """W x + U h + b with a one-hot x, in plain floats."""
    w, u, b = [
        [[p.data for p in row] for row in model[f"{name}.{part}"]]
        for part in ("input", "recurrent", "bias")
    ]
    x = [float(i == token) for i in range(V)]
    n = len(b[0])
    from_input = [sum(w[t][i] * x[t] for t in range(V)) for i in range(n)]
    from_state = [sum(u[i][j] * h[j] for j in range(n)) for i in range(n)]
    return [from_input[i] + from_state[i] + b[0][i] for i in range(n)]


def recalls(n, distance=None):
    return [r.make_recall(V, random.Random(i)) for i in range(n)]


# --- Data and autograd ---------------------------------------------------------------------------


def test_recall_needs_the_first_token():
    seen = set()
    for recall in recalls(200):
        tokens = recall.tokens
        assert len(tokens) == r.DISTANCE + 2 and r.DISTANCE >= 20
        assert tokens[0] == recall.symbol and tokens[-1] == 0
        assert 1 <= recall.symbol <= r.N_SYMBOLS
        assert all(r.N_SYMBOLS < token < V for token in tokens[1:-1])
        seen.add(recall.symbol)
    assert len(seen) == r.N_SYMBOLS


def test_sigmoid_and_its_derivative():
    for x in (-800.0, -3.0, 0.0, 2.0, 800.0):
        leaf = r.Value(x)
        out = leaf.sigmoid()
        out.backward()
        exact = 1 / (1 + math.exp(-x)) if x > -600 else math.exp(x)
        assert out.data == pytest.approx(exact, rel=1e-12) and r.sigmoid(x) == out.data
        assert leaf.grad == pytest.approx(exact * (1 - exact), rel=1e-9, abs=1e-300)
    assert math.isnan(r.Value(math.nan).sigmoid().data)


# --- Model ---------------------------------------------------------------------------------------


def test_networks_have_equal_size_within_2_percent():
    sizes = [
        len(r.parameters(r.init_network(kind, V, random.Random(0)))) for kind in ("RNN", "GRU")
    ]
    assert sizes == [1433, 1437]


def test_orthogonal_keeps_lengths_and_angles():
    rows = r.random_orthogonal(7, random.Random(1))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            assert sum(x * y for x, y in zip(a, b)) == pytest.approx(float(i == j), abs=1e-12)


def test_biases_start_at_zero_unless_a_gate_is_to_keep():
    model = r.init_network("GRU", V, random.Random(1), keep_bias=4.0)
    biases = {
        name: {b.data for b in model[f"{name}.bias"][0]}
        for name in ("candidate", "update", "reset", "output")
    }
    assert biases == {"candidate": {0.0}, "update": {4.0}, "reset": {0.0}, "output": {0.0}}


def test_input_std_is_the_spread_of_the_input():
    for std in (1.0, 0.1):
        model = r.init_network("GRU", V, random.Random(1), input_std=std)
        for name in ("candidate", "update", "reset"):
            numbers = [p.data for row in model[f"{name}.input"] for p in row]
            spread = math.sqrt(sum(x * x for x in numbers) / len(numbers))
            assert spread == pytest.approx(std, rel=0.15)


def test_rnn_step_is_elmans():
    model = r.init_network("RNN", V, random.Random(2))
    h = [0.1 * i - 0.8 for i in range(r.RNN_UNITS)]
    states = r.rnn_step(model, 5, [r.Value(x) for x in h])
    expected = [math.tanh(a) for a in layer(model, "candidate", 5, h)]
    assert [v.data for v in states] == pytest.approx(expected, rel=1e-12)


def test_gru_step_is_that_of_the_paper():
    model = r.init_network("GRU", V, random.Random(2), 4.0)
    h = [0.15 * i - 0.8 for i in range(r.GRU_UNITS)]
    z = [sigmoid(a) for a in layer(model, "update", 5, h)]
    reset = [sigmoid(a) for a in layer(model, "reset", 5, h)]
    visible = [a * b for a, b in zip(reset, h)]
    c = [math.tanh(a) for a in layer(model, "candidate", 5, visible)]
    expected = [zi * hi + (1 - zi) * ci for zi, hi, ci in zip(z, h, c)]
    values = [r.Value(x) for x in h]
    assert [v.data for v in r.update_gate(model, 5, values)] == pytest.approx(z, rel=1e-12)
    assert [v.data for v in r.gru_step(model, 5, values)] == pytest.approx(expected, rel=1e-12)
    assert min(z) > 0.5  # the bias opens every gate at first


def test_blend_and_its_derivatives():
    z, old, new = r.Value(0.25), r.Value(3.0), r.Value(-1.0)
    out = r.blend(z, old, new)
    out.backward()
    assert (out.data, z.grad, old.grad, new.grad) == (0.0, 4.0, 0.25, 0.75)
    assert r.blend(0.25, 3.0, -1.0) == 0.0


def test_a_gate_of_1_keeps_a_unit_and_a_gate_of_0_replaces_it():
    model = r.init_network("GRU", V, random.Random(2))
    h = [0.15 * i - 0.8 for i in range(r.GRU_UNITS)]
    for bias, wanted in ((60.0, h), (-60.0, None)):
        for b in model["update.bias"][0]:
            b.data = bias
        states = [v.data for v in r.gru_step(model, 5, [r.Value(x) for x in h])]
        if wanted is None:
            reset = [sigmoid(a) for a in layer(model, "reset", 5, h)]
            visible = [a * b for a, b in zip(reset, h)]
            wanted = [math.tanh(a) for a in layer(model, "candidate", 5, visible)]
        assert states == pytest.approx(wanted, abs=1e-9)


def test_a_frozen_network_gives_the_same_numbers(model):
    frozen = r.freeze(model)
    tokens = [0, 3, 1, 20, 0]
    states = [[unit.data for unit in h] for h in r.read(model, tokens)]
    assert r.read(frozen, tokens) == states
    assert r.log_probs(frozen, tokens) == [p.data for p in r.log_probs(model, tokens)]


def test_losses_against_finite_differences(model, monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 5)
    recall = r.make_recall(V, random.Random(3))
    words = [[0, 1, 14, 14, 1, 0], [0, 5, 0]]
    params = r.parameters(model)
    for build in (lambda: r.recall_loss(model, recall), lambda: r.word_loss(model, *words)):
        for p in params:
            p.grad = 0.0
        build().backward()
        used = [p for p in params if p.grad != 0.0]
        assert len(used) > len(params) // 4
        for p in random.Random(9).sample(used, 20):
            x, h = p.data, 1e-6
            p.data = x + h
            above = build().data
            p.data = x - h
            below = build().data
            p.data = x
            assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_word_loss_predicts_each_token_from_those_before(model):
    words = [[0, 3, 1, 0], [0, 5, 0]]
    nats = []
    for tokens in words:
        for i in range(1, len(tokens)):
            h = r.read(model, tokens[:i])[-1]
            logits = [v.data for v in r.output(model, h)]
            total = math.log(sum(math.exp(x) for x in logits))
            nats.append(total - logits[tokens[i]])
    assert r.word_loss(model, *words).data == pytest.approx(sum(nats) / 5, rel=1e-12)


def test_recall_loss_pays_for_the_symbol_at_the_end_only(model):
    recall = recalls(1)[0]
    logits = [v.data for v in r.output(model, r.read(model, recall.tokens)[-1])]
    total = math.log(sum(math.exp(x) for x in logits))
    expected = total - logits[recall.symbol]
    assert r.recall_loss(model, recall).data == pytest.approx(expected, rel=1e-12)


class Chance:
    """Stands in for random.Random: takes the tokens it was given and notes the weights it saw."""

    def __init__(self, tokens):
        self.tokens, self.seen = list(tokens), []

    def choices(self, population, weights):
        self.seen.append(list(weights))
        return [self.tokens.pop(0)]


def test_a_network_writes_with_its_own_probabilities(model):
    frozen = r.freeze(model)
    vocabulary = [r.BOUNDARY, *"abcdefghijklmnopqrstuvwxyz"]
    chance = Chance([3, 1, 0])
    assert r.write_name(frozen, vocabulary, 1.0, chance) == "ca"
    log_ps = r.log_probs(frozen, [0, 3, 1, 0])
    chosen = [weights[token] for weights, token in zip(chance.seen, (3, 1, 0))]
    assert chosen == pytest.approx([math.exp(log_p) for log_p in log_ps], rel=1e-9)
    assert len(r.write_name(frozen, vocabulary, 1.0, Chance([5] * 99))) == r.MAX_LETTERS


# --- Training ------------------------------------------------------------------------------------


def test_batches_go_round_the_list(monkeypatch):
    monkeypatch.setattr(r, "BATCH", 2)
    batches = [r.next_batch(["a", "b", "c"], step) for step in (1, 2, 3)]
    assert batches == [["a", "b"], ["c", "a"], ["b", "c"]]


def test_train_takes_adam_steps_and_returns_the_losses(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    batches = [[recall] for recall in recalls(3)]
    model, reference = [r.init_network("GRU", V, random.Random(5)) for _ in range(2)]
    losses = r.train("phase", model, r.recall_loss, batches, 0.03)
    params = r.parameters(reference)
    m, v, expected = [0.0] * len(params), [0.0] * len(params), []
    for step, (recall,) in enumerate(batches, 1):
        for p in params:
            p.grad = 0.0
        loss = r.recall_loss(reference, recall)
        loss.backward()
        expected.append(loss.data)
        r.adam_step(params, m, v, step, 0.03 * ((4 - step) / 3), r.BETA1, r.BETA2)
    assert losses == expected
    assert [p.data for p in r.parameters(model)] == [p.data for p in params]


# --- The lesson ----------------------------------------------------------------------------------


def test_the_arithmetic_of_the_lesson():
    assert 0.64**46 == pytest.approx(1.2e-9, rel=0.03)
    assert 1.98**46 == pytest.approx(4.4e13, rel=0.03)
    assert 0.98**46 == pytest.approx(0.39, abs=0.01)
    assert 0.5**46 == pytest.approx(1.4e-14, rel=0.03)
    assert sigmoid(r.KEEP_BIAS) == pytest.approx(0.98, abs=0.005)


def test_the_factor_of_a_single_unit():
    u, h = r.Value(1.5), r.Value(0.3)
    out = r.tanh(u * h + 0.4)
    out.backward()
    assert h.grad == pytest.approx(1.5 * (1 - out.data**2), rel=1e-12)


def test_gradient_norms_are_those_of_the_states(model, monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 4)
    recall = r.make_recall(V, random.Random(6))
    first, *_, last = r.gradient_norms(model, recall)
    step = r.gru_step if r.is_gru(model) else r.rnn_step
    states = [[v.data for v in h] for h in r.read(model, recall.tokens)]

    def norm(h, rest):
        """The length of dL/dh: push h along each coordinate and run on from there."""

        def loss(h):
            h = [r.Value(x) for x in h]
            for token in rest:
                h = step(model, token, h)
            logits = [v.data for v in r.output(model, h)]
            return math.log(sum(math.exp(x) for x in logits)) - logits[recall.symbol]

        slopes = []
        for i in range(len(h)):
            moved = [[x + s * (j == i) for j, x in enumerate(h)] for s in (1e-6, -1e-6)]
            slopes.append((loss(moved[0]) - loss(moved[1])) / 2e-6)
        return math.sqrt(sum(s * s for s in slopes))

    wanted = norm(states[0], recall.tokens[1:]) / norm(states[-1], [])
    assert first == pytest.approx(wanted, rel=1e-4)
    assert last == 1.0


def test_the_bias_lets_the_gradient_through_and_nothing_else_does():
    reach = {}
    for network in r.NETWORKS:
        model, _ = r.fresh_network(network, 0.04, V, 8)
        reach[network.label] = r.gradient_shares(model, recalls(4))[0]
    assert reach[r.OPEN_GRU] > 0.05
    assert reach["GRU, bias 0"] < 1e-4 and reach["RNN"] < 1e-4


def test_shares_are_medians(monkeypatch):
    norms = iter([[0.1, 1.0], [0.9, 1.0], [0.2, 1.0]])
    monkeypatch.setattr(r, "gradient_norms", lambda *args: next(norms))
    assert r.gradient_shares(None, [1, 2, 3]) == [0.2, 1.0]
    assert r.median([4.0, 1.0, 2.0, 8.0]) == 3.0


def test_the_road_of_a_unit(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    model = r.init_network("GRU", V, random.Random(3), 2.0)
    recall = r.make_recall(V, random.Random(1))
    unit = r.memory_unit(model, recall)
    states = r.read(model, recall.tokens)
    r.recall_loss(model, recall)
    probs = r.softmax(r.output(model, states[-1]))
    r.safe_log(probs[recall.symbol]).backward()
    slopes = [abs(value.grad) for value in states[0]]
    assert slopes[unit] == max(slopes)
    road = r.follow_unit(model, recall, unit)
    gates = r.all_gates(model, recall)
    assert len(gates) == 5 and len(gates[0]) == r.GRU_UNITS
    product = gates[1][unit] * gates[2][unit] * gates[3][unit] * gates[4][unit]
    assert road.product == pytest.approx(product, rel=1e-12)
    # z_2 by the interface's own formula, from the first state
    h = [v.data for v in states[0]]
    z = [sigmoid(a) for a in layer(model, "update", recall.tokens[1], h)]
    assert gates[1] == pytest.approx(z, rel=1e-12)

    def last(push):
        values = [r.Value(x + push * (i == unit)) for i, x in enumerate(h)]
        for token in recall.tokens[1:]:
            values = r.gru_step(model, token, values)
        return values[unit].data

    assert road.derivative == pytest.approx((last(1e-6) - last(-1e-6)) / 2e-6, rel=1e-5)


# --- Experiments ---------------------------------------------------------------------------------


def test_step_below_is_the_first_good_window():
    assert r.step_below(0.5, [1.0] * 100) is None
    assert r.step_below(0.5, [1.0] * 30 + [0.0] * 30) == 43  # 13 of 25 are 0: the mean is 0.48
    assert r.step_below(0.5, [0.0] * 25) == 25
    assert r.step_below(0.5, [0.0] * 24) is None


def test_share_right_counts_the_highest_score(model):
    frozen = r.freeze(model)
    tests = recalls(3)
    guesses = []
    for test in tests:
        scores = r.output(frozen, r.read(frozen, test.tokens)[-1])
        guesses.append(scores.index(max(scores)))
    relabelled = [r.Recall(test.tokens, guess) for test, guess in zip(tests, guesses)]
    assert r.share_right(frozen, relabelled) == (1.0, 0.0)
    relabelled[0] = r.Recall(tests[0].tokens, (guesses[0] + 1) % V)
    share = r.share_right(frozen, relabelled)
    assert share.mean == pytest.approx(2 / 3)
    assert share.error == pytest.approx(math.sqrt(2 / 9 / 3))


def test_each_network_is_trained_at_each_rate_from_the_same_start(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    trained = r.train_on_recall(V, 7, 2)
    assert set(trained) == {(n.label, rate) for n in r.NETWORKS for rate in r.RECALL_RATES}
    network = r.NETWORKS[1]
    model, rng = r.fresh_network(network, 0.08, V, 7)
    batches = [[r.make_recall(V, rng)] for _ in range(2)]
    r.train("", model, r.recall_loss, batches, 0.08)
    found = r.freeze(trained[network.label, 0.08].model)
    assert found == r.freeze(model) != r.freeze(r.fresh_network(network, 0.08, V, 7)[0])


def names():
    data = r.split_names(r.NAMES.split()[:150], random.Random(1))
    return r.Names(data.vocabulary, data.train_set, data.held_out[:20])


def test_split_holds_out_100_names():
    data = r.split_names(r.NAMES.split(), random.Random(1))
    assert (len(data.train_set), len(data.held_out)) == (500, 100)
    spelled = [
        "".join(data.vocabulary[t] for t in tokens[1:-1])
        for tokens in data.train_set + data.held_out
    ]
    assert sorted(spelled) == sorted(r.NAMES.split())


def test_part_1_prints_the_losses_and_claims_what_they_say(capsys):
    data = names()
    claims = r.names_with_a_short_past(data, 5, 2)
    lines = capsys.readouterr().out.splitlines()
    rng = random.Random("5 names RNN")
    model = r.init_network("RNN", len(data.vocabulary), rng)
    r.train("", model, r.word_loss, [r.next_batch(data.train_set, s) for s in (1, 2)], r.NAMES_RATE)
    frozen = r.freeze(model)
    assert f"   RNN                {r.word_loss(frozen, *data.held_out):.3f}" in lines
    size = len(data.vocabulary)
    rule = r.CountingRule(data.train_set, size, lambda tokens: r.last_tokens(tokens, 2))
    rule.choose_alpha(data.held_out)
    nats = sum(rule.nats(tokens) for tokens in data.held_out)
    n_tokens = sum(len(tokens) - 1 for tokens in data.held_out)
    assert f"   counting, 2 back   {nats / n_tokens:.3f}" in lines
    first = r.write_name(frozen, data.vocabulary, r.TEMPERATURE, rng)
    assert any(line.startswith(f"   RNN  {first}, ") for line in lines)
    assert [claim[:5] for claim in claims] == ["[no] "] * 2  # two steps are too few


def recall_claims(monkeypatch, rights):
    shares = iter([r.Estimate(right, 0.01) for right in rights])
    monkeypatch.setattr(r, "share_right", lambda *args: next(shares))
    trained = {(n.label, rate): r.Trained({}, None) for n in r.NETWORKS for rate in r.RECALL_RATES}
    return " ".join([claim[1:3] for claim in r.recall_with_a_long_past(trained, [])])


def test_part_2_compares_the_best_rates(monkeypatch, capsys):
    low = [0.25, 0.25, 0.25]
    assert recall_claims(monkeypatch, [0.7, 0, 0.2] + [0.2, 0, 0.95] + low) == "ok ok"
    assert recall_claims(monkeypatch, [0.8, 0, 0.2] + [0.2, 0, 0.95] + low) == "ok no"
    assert recall_claims(monkeypatch, [0.5, 0, 0.2] + [0.2, 1, 0.94] + low) == "no ok"


def test_part_3_claims_are_about_the_first_step(monkeypatch, capsys):
    shares = {"RNN": 9e-7, r.OPEN_GRU: 0.051, "GRU, bias 0": 1e-3}
    trained = {(n.label, r.RECALL_RATES[-1]): r.Trained(n.label, None) for n in r.NETWORKS}
    n = r.DISTANCE + 1
    monkeypatch.setattr(r, "fresh_network", lambda network, *args: (network.label, None))
    monkeypatch.setattr(r, "init_network", lambda *args, **options: "RNN")
    monkeypatch.setattr(r, "gradient_shares", lambda model, tests: [shares[model]] + [1.0] * n)
    assert [c[1:3] for c in r.what_reaches_the_symbol(trained, [1], V, 1)] == ["ok", "ok"]
    shares.update({"RNN": 1.1e-6, r.OPEN_GRU: 0.049})
    assert [c[1:3] for c in r.what_reaches_the_symbol(trained, [1], V, 1)] == ["no", "no"]


def test_part_4_compares_the_product_of_the_gates_with_the_derivative(monkeypatch, capsys):
    monkeypatch.setattr(r, "DISTANCE", 3)
    tests = recalls(5)
    rate = r.RECALL_RATES[-1]
    model, _ = r.fresh_network(r.NETWORKS[-1], rate, V, 3)
    trained = {(r.OPEN_GRU, rate): r.Trained(model, None)}
    (claim,) = r.what_the_gate_does(trained, tests, V, 3)
    lines = capsys.readouterr().out.splitlines()
    roads = [r.follow_unit(model, test, r.memory_unit(model, test)) for test in tests]
    ratio = r.median([road.product / abs(road.derivative) for road in roads])
    assert f"is {ratio:.2f} times" in claim and claim.startswith(
        "[ok]" if 0.8 < ratio < 1.25 else "[no]"
    )
    expected = [roads[0].product, roads[0].derivative] * 2  # here trained is untrained
    row = lines[
        lines.index("   untrained: product  derivative       trained: product  derivative") + 1
    ]
    assert [float(cell) for cell in row.split()] == pytest.approx(expected, abs=6e-4)


def test_pictures(capsys):
    n = r.DISTANCE + 2
    r.draw_bars({"a": [1e-12] * n, "b": [1.0] * n, "c": [1e-30] * n})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["a", "b", "c"]
    assert lines[1].split() == ["t", "=", "1", "#" * 12]
    assert lines[1].index("#") == 13 + 16
    assert lines[-1].split()[2] == str(n)
    r.draw_gates([[0.0, 0.74], [0.55, 1.0]], 1)
    assert capsys.readouterr().out.splitlines() == ["   unit 1    +", "   unit 2   #@  <"]
