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
    monkeypatch.setattr(r, "N_LOOKS", 2)
    start = r.freeze(model)
    training = r.train("phase", model, r.recall_loss, batches, 3, 0.03)
    params = r.parameters(reference)
    m, v, expected = [0.0] * len(params), [0.0] * len(params), []
    for step, (recall,) in enumerate(batches, 1):
        for p in params:
            p.grad = 0.0
        loss = r.recall_loss(reference, recall)
        loss.backward()
        expected.append(loss.data)
        r.adam_step(params, m, v, step, 0.03 * ((4 - step) / 3), r.ADAM_BETA1, r.ADAM_BETA2)
        if step == 2:
            after_two = r.freeze(reference)
    assert training.losses == expected
    assert training.copies == {0: start, 2: after_two, 3: r.freeze(reference)}
    assert [p.data for p in r.parameters(model)] == [p.data for p in params]


# --- The lesson ----------------------------------------------------------------------------------


def test_the_arithmetic_of_the_lesson():
    assert 0.64**46 == pytest.approx(1.2e-9, rel=0.03)
    assert 1.98**46 == pytest.approx(4.4e13, rel=0.03)
    h = 0.1
    for _ in range(30):
        h = math.tanh(2 * h)  # the latch
    assert h == pytest.approx(0.96, abs=0.005)
    assert 2 * (1 - 0.96**2) == pytest.approx(0.16, abs=0.005)
    assert 0.16**46 == pytest.approx(2e-37, rel=0.25)
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


def test_the_bias_lets_the_gradient_through_and_a_loud_input_does_not():
    reach = {}
    for network in [*r.NETWORKS, r.LOUD_RNN]:
        model = r.fresh_network(network, V, 8)
        reach[network] = r.gradient_shares(model, recalls(4))[0]
    assert reach[r.KEEPING_GRU] > 0.05
    assert reach[r.GRU] < 1e-4
    assert reach[r.LOUD_RNN] < 1e-6 < reach[r.RNN] < 1e-2


def test_shares_are_medians(monkeypatch):
    norms = iter([[0.1, 1.0], [0.9, 1.0], [0.2, 1.0]])
    monkeypatch.setattr(r, "gradient_norms", lambda *args: next(norms))
    assert r.gradient_shares(None, [1, 2, 3]) == [0.2, 1.0]
    assert r.median([4.0, 1.0, 2.0, 8.0]) == 3.0
    assert r.median([5.0, 1.0, 9.0, 2.0, 3.0]) == 3.0


def test_trace_follows_all_four_symbols(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    model = r.init_network("GRU", V, random.Random(3), 2.0)
    recall = r.make_recall(V, random.Random(1))
    others = recall.tokens[1:]
    traces = r.trace(r.freeze(model), recall)
    assert len(traces) == 5
    by_symbol = []
    for symbol in (1, 2, 3, 4):
        states = r.read(model, [symbol, *others])
        by_symbol.append([[v.data for v in h] for h in states])
    # z of the second step by the interface's own formula, from the first states
    for unit in range(r.GRU_UNITS):
        z = [sigmoid(layer(model, "update", others[0], states[0])[unit]) for states in by_symbol]
        assert traces[1].least_kept[unit] == pytest.approx(min(z), rel=1e-12)
        for t in (0, 4):
            numbers = [states[t][unit] for states in by_symbol]
            width = max(numbers) - min(numbers)
            assert traces[t].ranges[unit] == pytest.approx(width, rel=1e-12)


def test_exchanged_units_carry_the_answer(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 5)
    model = r.freeze(r.init_network("GRU", V, random.Random(3), 2.0))
    recall = r.make_recall(V, random.Random(1))
    other = recall.symbol % 4 + 1
    ours, theirs = recall.tokens, [other, *recall.tokens[1:]]
    answers = [r.likeliest(model, r.read(model, tokens)[-1]) for tokens in (ours, theirs)]
    assert r.answer_after_exchange(model, recall, other, []) == answers[0]
    assert r.answer_after_exchange(model, recall, other, range(10)) == answers[1]
    # with one unit exchanged after 3 of 7 tokens, by hand
    h, push = r.read(model, ours[:3])[-1], r.read(model, theirs[:3])[-1]
    h = [*h[:6], push[6], *h[7:]]
    for token in ours[3:]:
        h = r.gru_step(model, token, h)
    seen = []
    monkeypatch.setattr(r, "likeliest", lambda model, state: seen.append(state) or 7)
    assert r.answer_after_exchange(model, recall, other, [6]) == 7
    assert seen == [h]
    monkeypatch.setattr(
        r, "answer_after_exchange", lambda model, recall, symbol, units: units[recall.symbol]
    )
    four = [r.Recall([], symbol) for symbol in (1, 2, 3, 4)]
    assert r.share_that_follows(model, four, [0, 2, 3, 3, 1]) == 0.75


def test_mean_gates(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 2)
    model = r.init_network("GRU", V, random.Random(3), 2.0)
    recall = r.make_recall(V, random.Random(1))
    h = [0.0] * 10
    zs = []
    for token in recall.tokens:
        zs.append([sigmoid(a) for a in layer(model, "update", token, h)])
        h = r.gru_step(r.freeze(model), token, h)
    expected = [sum(column) / 3 for column in zip(*zs[1:])]
    assert r.mean_gates(r.freeze(model), [recall]) == pytest.approx(expected, rel=1e-12)


def test_thaw_undoes_freeze(model):
    frozen = r.freeze(model)
    again = r.thaw(frozen)
    assert isinstance(again["output.bias"][0][0], r.Value)
    assert r.freeze(again) == frozen


# --- Experiments ---------------------------------------------------------------------------------


def test_step_below_is_the_first_good_window():
    assert r.step_below(0.5, [1.0] * 100) is None
    assert r.step_below(0.5, [1.0] * 30 + [0.0] * 30) == 43  # 13 of 25 are 0: the mean is 0.48
    assert r.step_below(0.5, [0.0] * 25) == 25
    assert r.step_below(0.5, [0.0] * 24) is None


def test_answered_right_counts_the_highest_score(model):
    tests = recalls(3)
    guesses = []
    for test in tests:
        scores = [v.data for v in r.output(model, r.read(model, test.tokens)[-1])]
        guesses.append(scores.index(max(scores)))
    relabelled = [r.Recall(test.tokens, guess) for test, guess in zip(tests, guesses)]
    trained = {"a": r.Trained(model, None, {})}
    assert r.answered_right(trained, relabelled) == {"a": 1.0}
    relabelled[0] = r.Recall(tests[0].tokens, (guesses[0] + 1) % V)
    assert r.answered_right(trained, relabelled)["a"] == pytest.approx(2 / 3)


def test_all_networks_learn_from_the_same_sequences(monkeypatch):
    monkeypatch.setattr(r, "DISTANCE", 3)
    trained = r.train_on_recall(V, 7, 2)
    assert set(trained) == {(n, rate) for n in r.NETWORKS for rate in r.RECALL_RATES}
    rng = random.Random("7 recall")
    batches = [[r.make_recall(V, rng)] for _ in range(2)]
    for key in ((r.GRU, 0.08), (r.RNN, 0.16)):
        model = r.fresh_network(key[0], V, 7)
        r.train("", model, r.recall_loss, batches, 2, key[1])
        assert r.freeze(trained[key].model) == r.freeze(model)
        assert r.freeze(model) != r.freeze(r.fresh_network(key[0], V, 7))


def test_networks_of_one_kind_start_from_the_same_draws():
    open_gru, closed = r.fresh_network(r.GRU, V, 3), r.fresh_network(r.KEEPING_GRU, V, 3)
    for name in open_gru:
        if name != "update.bias":
            assert r.freeze(open_gru)[name] == r.freeze(closed)[name]
    assert {p.data for p in closed["update.bias"][0]} == {r.KEEP_BIAS}
    loud, rnn = r.fresh_network(r.LOUD_RNN, V, 3), r.fresh_network(r.RNN, V, 3)
    ratio = loud["candidate.input"][5][2].data / rnn["candidate.input"][5][2].data
    assert ratio == pytest.approx(r.LOUD_STD / r.INPUT_STD)


def names():
    data = r.split_names(r.NAMES.split()[:150], random.Random(1))
    return r.Names(data.vocabulary, data.train_set, data.held_out[:20])


def test_split_holds_out_100_names():
    data = r.split_names(r.NAMES.split(), random.Random(1))
    assert (len(data.train_set), len(data.held_out)) == (500, 100)
    assert data.held_out != r.split_names(r.NAMES.split(), random.Random(2)).held_out
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
    batches = [r.next_batch(data.train_set, s) for s in (1, 2)]
    r.train("", model, r.word_loss, batches, 2, r.NAMES_RATE)
    frozen = r.freeze(model)
    assert f"   RNN                {r.word_loss(frozen, *data.held_out):.3f}" in lines
    size = len(data.vocabulary)
    rule = r.CountingRule(data.train_set, size, lambda tokens: r.last_tokens(tokens, 2))
    rule.choose_alpha(data.held_out)
    nats = sum(rule.nats(tokens) for tokens in data.held_out)
    n_tokens = sum(len(tokens) - 1 for tokens in data.held_out)
    assert f"   counted threes     {nats / n_tokens:.3f}" in lines
    first = r.write_name(frozen, data.vocabulary, r.TEMPERATURE, rng)
    assert any(line.startswith(f"   RNN  {first}, ") for line in lines)
    assert [claim[:5] for claim in claims] == ["[no] "] * 2  # two steps are too few


def recall_claims(rnn, keeping):
    right = dict.fromkeys([(n, rate) for n in r.NETWORKS for rate in r.RECALL_RATES], 0.25)
    trained = dict.fromkeys(right, r.Trained({}, None, {}))
    trained[r.GRU, 0.08] = r.Trained({}, 77, {})
    for rate, a, b in zip(r.RECALL_RATES, rnn, keeping):
        right[r.RNN, rate] = a
        right[r.KEEPING_GRU, rate] = b
    return " ".join([claim[1:3] for claim in r.recall_with_a_long_past(trained, right)])


def test_part_2_compares_the_means_over_the_rates(capsys):
    assert recall_claims([0.25, 0.25, 0.25], [0.41, 1.0, 1.0]) == "ok ok"
    assert recall_claims([0.25, 0.25, 0.25], [0.38, 1.0, 1.0]) == "no ok"
    assert recall_claims([0.9, 0.6, 0.61], [0.9, 0.9, 0.9]) == "ok no"
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].endswith("gets 0.900 or more at each of these rates, the RNN 0.900")
    assert lines[-4].split() == ["mean", "0.703", "0.250", "0.900"]
    assert lines[-6].split() == ["0.08", "0.600", "(77)", "0.250", "0.900"]


def test_part_3_claims_are_about_the_end_of_training(monkeypatch, capsys):
    shares = {"rnn": 2.55e-14, "keeping": 0.051, "gru": 0.3, "other": 1e-5, "slow": 2e-3}
    right = {(n, r.TRACED_RATE): 0.25 for n in r.NETWORKS}
    ends = {r.RNN: "rnn", r.GRU: "gru", r.KEEPING_GRU: "keeping"}
    trained = {}
    for network, end in ends.items():
        for rate in r.RECALL_RATES:
            last = end if rate == r.TRACED_RATE else "slow"
            trained[network, rate] = r.Trained(None, None, {0: "other", 25: last})
    n = r.DISTANCE + 1
    monkeypatch.setattr(r, "fresh_network", lambda *args: "other")
    monkeypatch.setattr(r, "thaw", lambda model: model)
    monkeypatch.setattr(r, "gradient_shares", lambda model, tests: [shares[model]] + [1.0] * n)
    (claim,) = r.what_reaches_the_symbol(trained, right, [1], V, 1)
    assert claim.startswith("[ok] trained, 0.05 comes back")
    lines = capsys.readouterr().out.splitlines()
    assert "   step 25                   ###########     ###########" in lines
    assert [line.split() for line in lines[-4:]] == [
        ["at", "the", "start", "1e-05", "1e-05", "1e-05"],
        ["trained,", "0.04", "2e-03", "2e-03", "2e-03"],
        ["trained,", "0.08", "2e-03", "2e-03", "2e-03"],
        ["trained,", "0.16", "3e-14", "3e-01", "5e-02"],
    ]
    assert "   t =  1    #######         #######         #######         #######" in lines
    assert "   t =  6    ############    ############    ############    ############" in lines
    shares.update({"rnn": 5.2e-8})
    (claim,) = r.what_reaches_the_symbol(trained, right, [1], V, 1)
    assert claim.startswith("[no] trained, 0.05 comes back")


def test_part_4_exchanges_the_units_that_are_kept(monkeypatch, capsys):
    monkeypatch.setattr(r, "DISTANCE", 3)
    model = r.fresh_network(r.KEEPING_GRU, V, 3)
    trained = {(r.KEEPING_GRU, r.TRACED_RATE): r.Trained(model, None, {})}
    monkeypatch.setattr(r, "mean_gates", lambda *args: [0.7, 0.81, 0.8, 0.99])
    asked = []

    def share(frozen, recalls, units):
        asked.append((len(recalls), units))
        return 0.95 if 1 in units else 0.64

    monkeypatch.setattr(r, "share_that_follows", share)
    assert r.what_the_gates_do(trained, recalls(60)) is None
    assert asked == [(50, [1, 3]), (50, [0, 2])]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[3] for line in lines[-2:]] == ["2", "2"]
    assert [line.split()[-1] for line in lines[-2:]] == ["0.95", "0.64"]


def test_pictures(capsys):
    n = r.DISTANCE + 2
    columns = {"a": [1e-12] * n, "b": [1.0] * n, "c": [1e-30] * n, "d": [1e9] * n}
    r.draw_bars("t = ", [1, n], columns, [0, n - 1])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["a", "b", "c", "d"]
    assert lines[1].split() == ["t", "=", "1", "#" * 12, "#" * 15]
    assert lines[1].index("#") == 13 + 16
    assert lines[-1].split()[2] == str(n)
    assert [r.shade_of_gate(z) for z in (0.0, 0.49, 0.51, 0.76, 0.9, 0.999, 1.0)] == [
        0, 0, 1, 2, 3, 9, 9,
    ]  # fmt: skip
    r.draw_units([[0, 7], [5, 9]])
    assert capsys.readouterr().out.splitlines() == ["   unit 1    +", "   unit 2   #@"]


def test_where_no_gradient_comes_to_the_last_step_all_shares_are_0():
    model = r.init_network("RNN", V, random.Random(5))
    model["output.weight"] = [[r.Value(0.0) for _ in row] for row in model["output.weight"]]
    recall = r.make_recall(V, random.Random(6))
    assert set(r.gradient_norms(model, recall)) == {0.0}


def test_part_4_draws_gates_and_ranges(monkeypatch, capsys):
    model = r.fresh_network(r.KEEPING_GRU, V, 3)
    trained = {(r.KEEPING_GRU, r.TRACED_RATE): r.Trained(model, None, {})}
    steps = [r.Trace([0.4, 0.6, 0.99], [0.0, 0.21, 2.0]), r.Trace([0.8, 0.9, 0.5], [0.5, 1.0, 1.7])]
    monkeypatch.setattr(r, "trace", lambda *args: steps)
    monkeypatch.setattr(r, "share_that_follows", lambda *args: 0.0)
    r.what_the_gates_do(trained, recalls(60))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("   unit ")]
    assert [line[12:] for line in lines] == [" :", ".-", "*.", " :", ".=", "@%"]


@pytest.mark.parametrize("loss, learned_at", [(0.4, 25), (0.5, None), (1.0, None)])
def test_recall_is_learned_where_25_losses_are_below_half_a_nat(monkeypatch, loss, learned_at):
    monkeypatch.setattr(r, "fresh_network", lambda *args: "model")
    monkeypatch.setattr(r, "train", lambda *args: ([loss] * 30, {0: "start"}))
    trained = r.train_on_recall(V, 1, 30)
    assert len(trained) == len(r.NETWORKS) * len(r.RECALL_RATES)
    assert all(t == r.Trained("model", learned_at, {0: "start"}) for t in trained.values())
