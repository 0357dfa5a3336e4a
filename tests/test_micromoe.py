"""The facts that micromoe.py teaches, each checked against a second way to compute it."""

import math
import random

import pytest
from scripts import load

moe = load("micromoe.py")
WORD = [0, 1, 2, 3, 1, 4, 0]


@pytest.fixture
def model():
    return moe.init_model(6, moe.N_EXPERT, moe.N_HIDDEN, random.Random(3))


def floats(w):
    return [[p.data for p in row] for row in w]


def times(w, x):
    return [math.fsum(a * b for a, b in zip(row, x)) for row in w]


def softmax(scores):
    exps = [math.exp(s - max(scores)) for s in scores]
    return [e / math.fsum(exps) for e in exps]


def reference(model, tokens):
    """Nats per token, and the router's probabilities for each letter, in plain floats.

    Every expert is computed, and those that were not chosen get the gate 0.
    """
    w, nats, probs = {name: floats(rows) for name, rows in model.items()}, [], []
    for t, token in enumerate(tokens[:-1]):
        so_far = [w["bag"][k] for k in tokens[: t + 1]]
        bag = [math.fsum(column) / (t + 1) for column in zip(*so_far)] + [1.0]
        h = times(w["mixer"], w["wte"][token] + bag)
        gates = [1.0]
        if "router" in w:
            scores = times(w["router"], bag)
            least = sorted(scores)[-moe.TOP_K]
            gates = softmax([s if s >= least else -math.inf for s in scores])
            probs.append(softmax(scores))
        y = list(h)
        for e, gate in enumerate(gates):
            hidden = [max(a, 0.0) for a in times(w[f"in{e}"], h + [1.0])]
            y = [a + gate * b for a, b in zip(y, times(w[f"out{e}"], hidden))]
        nats.append(-math.log(softmax(times(w["lm_head"], y + [1.0]))[tokens[t + 1]]))
    return math.fsum(nats) / len(nats), probs


@pytest.mark.parametrize("n_expert", [1, 4])
def test_forward_is_the_formula_with_gate_0_for_who_is_not_chosen(n_expert):
    model = moe.init_model(6, n_expert, 5, random.Random(8))
    loss, tape = moe.forward(model, WORD)
    assert loss.data == pytest.approx(reference(model, WORD)[0], rel=1e-12)
    assert len(tape) == len(WORD) - 1


def test_gradients_through_graph_hand_and_graph_are_finite_differences(model):
    load, weight = [0.1, 0.4, 0.3, 0.2], 0.7

    def total():
        nats, probs = reference(model, WORD)
        mean = [math.fsum(column) / len(probs) for column in zip(*probs)]
        return nats + weight * 4 * math.fsum(f * p for f, p in zip(load, mean))

    loss, tape = moe.forward(model, WORD)
    moe.backward(model, loss, tape, moe.balance_loss(tape, load) * weight)
    rng, seen = random.Random(5), 0
    for w in model.values():
        params = [p for row in w for p in row]
        for p in rng.sample(params, 12):
            old, sides = p.data, []
            for p.data in (old + 1e-5, old - 1e-5):
                sides.append(total())
            p.data = old
            assert p.grad == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-9)
            seen += abs(p.grad) > 1e-4
    assert seen > 60  # that is, most of the gradients compared are not 0


def test_without_balance_the_gradient_is_that_of_the_loss_alone(model):
    loss, tape = moe.forward(model, WORD)
    moe.backward(model, loss, tape)
    for p in (model["router"][1][3], model["mixer"][2][5], model["wte"][1][0]):
        old, sides = p.data, []
        for p.data in (old + 1e-5, old - 1e-5):
            sides.append(reference(model, WORD)[0])
        p.data = old
        assert p.grad == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-9)


def test_an_expert_that_is_not_chosen_is_not_touched(model):
    model["router"][2] = [moe.Value(0.0)] * moe.N_BAG + [moe.Value(-100.0)]
    loss, tape = moe.forward(model, WORD)
    assert all(2 not in visit.chosen for visit in tape)
    moe.backward(model, loss, tape)
    used = {e for visit in tape for e in visit.chosen}
    for e in range(4):
        grads = [p.grad for name in (f"in{e}", f"out{e}") for row in model[name] for p in row]
        assert any(grads) == (e in used)


def test_the_best_two_are_chosen_and_share_one(model):
    for bag in moe.bags(model, WORD):
        chosen, gates, scores = moe.route(model, bag)
        data = [s.data for s in scores]
        assert data == pytest.approx(times(floats(model["router"]), [v.data for v in bag]))
        assert chosen == sorted(range(4), key=lambda e: data[e], reverse=True)[:2]
        assert [g.data for g in gates] == pytest.approx(softmax([data[e] for e in chosen]))


def test_the_bag_is_the_mean_over_the_letters_so_far(model):
    bags = list(moe.bags(model, [1, 2, 1]))
    rows = floats(model["bag"])
    assert [v.data for v in bags[2]] == pytest.approx(
        [(2 * a + b) / 3 for a, b in zip(rows[1], rows[2])] + [1.0]
    )
    assert [v.data for v in bags[0]] == rows[1] + [1.0]


def test_multiplications_are_those_of_the_chosen_experts(model):
    moe.work.clear()
    loss, tape = moe.forward(model, WORD)
    n, unit = len(tape), 2 * moe.N_STREAM + 1  # products that a hidden unit takes
    assert moe.work == {
        "experts": n * moe.TOP_K * moe.N_HIDDEN * unit,
        "router": n * moe.N_EXPERT * (moe.N_BAG + 1),
        "mixing": n * moe.TOP_K * moe.N_STREAM,
    }
    moe.work.clear()
    moe.backward(model, loss, tape)
    live = sum(h > 0.0 for visit in tape for _, hidden, _ in visit.ran for h in hidden)
    back = n * moe.TOP_K * moe.N_HIDDEN * moe.N_STREAM + live * (3 * moe.N_STREAM + 2)
    assert moe.work == {
        "experts": back,
        "router": 2 * n * moe.N_EXPERT * (moe.N_BAG + 1),
        "mixing": 2 * n * moe.TOP_K * moe.N_STREAM,
    }


def test_a_dense_model_counts_its_one_expert():
    model = moe.init_model(6, 1, 5, random.Random(8))
    moe.work.clear()
    moe.forward(model, WORD)
    assert moe.work == {"experts": 6 * 5 * (2 * moe.N_STREAM + 1)}


def test_a_dense_model_mixes_nothing_on_the_way_back_either():
    model = moe.init_model(6, 1, 5, random.Random(8))
    loss, tape = moe.forward(model, WORD)
    moe.work.clear()
    moe.backward(model, loss, tape)
    live = sum(h > 0.0 for visit in tape for h in visit.ran[0][1])
    assert moe.work == {"experts": 6 * 5 * moe.N_STREAM + live * (3 * moe.N_STREAM + 2)}


def test_gradients_of_a_dense_model_are_finite_differences():
    model = moe.init_model(6, 1, 5, random.Random(8))
    loss, tape = moe.forward(model, WORD)
    moe.backward(model, loss, tape)
    for p in (model["in0"][2][3], model["out0"][4][1], model["mixer"][2][5], model["bag"][1][0]):
        old, sides = p.data, []
        for p.data in (old + 1e-5, old - 1e-5):
            sides.append(reference(model, WORD)[0])
        p.data = old
        assert p.grad == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-9)


def test_product_and_scaled():
    moe.work.clear()
    assert moe.product("a", [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == 32.0
    assert moe.scaled("b", 2.0, [1.0, 5.0]) == [2.0, 10.0]
    assert moe.work == {"a": 3, "b": 2}


def test_cross_entropy_is_minus_log_softmax():
    for data, target in (([0.3, -1.2, 2.0], 1), ([1000.0, 1001.0, 999.0], 0), ([800.0, 0.0], 1)):
        fused, plain = [moe.Value(v) for v in data], [moe.Value(v) for v in data]
        loss = moe.cross_entropy(fused, target)
        loss.backward()
        high = max(data)
        assert loss.data == pytest.approx(
            high - data[target] + math.log(math.fsum(math.exp(v - high) for v in data))
        )
        (-moe.softmax(plain)[target].log()).backward()
        if data[0] != 800.0:  # log() clamps p there
            assert [v.grad for v in fused] == pytest.approx([v.grad for v in plain])
        else:
            assert [v.grad for v in fused] == [1.0, -1.0]


def visits(scores):
    return [moe.Visit([], [], [], [moe.Value(s) for s in row], [], []) for row in scores]


def test_balance_loss_is_1_when_even_and_pushes_the_busy_down():
    even = moe.balance_loss(visits([[0.7] * 4] * 3), [0.25] * 4)
    assert even.data == pytest.approx(1.0)
    tape = visits([[1.0, 0.0, 2.0, -1.0], [0.0, 0.0, 1.0, 0.5]])
    load = [0.4, 0.1, 0.4, 0.1]
    loss = moe.balance_loss(tape, load)
    probs = [softmax([s.data for s in visit.scores]) for visit in tape]
    mean = [math.fsum(column) / 2 for column in zip(*probs)]
    assert loss.data == pytest.approx(4 * math.fsum(f * p for f, p in zip(load, mean)))
    loss.backward()
    grads = [v.grad for v in tape[0].scores]
    assert grads[0] > 0 and grads[2] > 0 > max(grads[1], grads[3])


def test_train_is_adam_on_the_loss_and_the_balance(model):
    docs, steps, balance = [[0, 1, 2, 0], [0, 3, 1, 5, 0], WORD], 3, 0.5
    twin = moe.init_model(6, moe.N_EXPERT, moe.N_HIDDEN, random.Random(3))
    choices = moe.train("test", model, docs, steps, balance)
    params = moe.parameters(twin)
    m, v, load = [0.0] * len(params), [0.0] * len(params), [0.25] * 4
    for step, tokens in enumerate((docs[1], docs[2], docs[0]), 1):
        loss, tape = moe.forward(twin, tokens)
        counts = [sum(visit.chosen.count(e) for visit in tape) for e in range(4)]
        assert choices[step - 1] == counts and sum(counts) == 2 * (len(tokens) - 1)
        load = [0.99 * f + 0.01 * n / sum(counts) for f, n in zip(load, counts)]
        for p in params:
            p.grad = 0.0
        moe.backward(twin, loss, tape, moe.balance_loss(tape, load) * balance)
        rate = moe.LEARNING_RATE * (steps - step + 1) / steps
        moe.adam_step(params, m, v, step, rate, moe.BETA1, moe.BETA2)
    assert [p.data for p in moe.parameters(model)] == pytest.approx([p.data for p in params])


def test_a_dense_model_learns_its_word():
    model = moe.init_model(6, 1, 5, random.Random(1))
    before = moe.evaluate(model, [WORD])
    assert moe.train("test", model, [WORD], 30, 0.0) == []
    assert moe.evaluate(model, [WORD]) < before / 2


def test_evaluate_weighs_every_token_alike(model):
    docs = [[0, 1, 0], WORD]
    nats = [reference(model, tokens)[0] * (len(tokens) - 1) for tokens in docs]
    assert moe.evaluate(model, docs) == pytest.approx(math.fsum(nats) / 8)


def test_mutual_information_in_closed_form():
    assert moe.mutual_information([[5, 0], [0, 5]]) == pytest.approx(1.0)
    four = [[7 * (i == j) for j in range(4)] for i in range(4)]
    assert moe.mutual_information(four) == pytest.approx(2.0)
    assert moe.mutual_information([[1, 3], [10, 30]]) == pytest.approx(0.0, abs=1e-12)
    # H(column) - H(column | row): the column is fair, and in row 1 it is 3 to 1
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert moe.mutual_information([[3, 1], [1, 3]]) == pytest.approx(1.0 - entropy)


def test_tables_and_loads():
    kinds = list(moe.KINDS)
    table = moe.count_table([[0, 0, 3], [1], [0, 1]], [kinds[0], kinds[2], kinds[0]])
    assert table[kinds[0]] == [3, 1, 0, 1] and table[kinds[2]] == [0, 1, 0, 0]
    assert table[kinds[1]] == [0, 0, 0, 0] and list(table) == kinds
    assert moe.loads([[4, 2, 1, 1], [0, 2, 3, 3]]) == [0.25] * 4
    both = moe.mean_information([[[0], [1]], [[0], [0]]], kinds[:2])
    assert both == pytest.approx(0.5)  # one model tells one bit, the other none


def test_first_choices_are_the_routers(model):
    _, tape = moe.forward(model, WORD)
    assert moe.first_choices(model, WORD) == [visit.chosen[0] for visit in tape]


def test_drawn_loads(capsys):
    even, two = [[1, 1, 1, 1]] * 4, [[2, 2, 0, 0]] * 2 + [[0, 0, 0, 4]] * 2
    moe.draw_loads({"one": even, "two": two}, rows=2)
    lines = capsys.readouterr().out.splitlines()
    eights = "".join(letter * 8 for letter in "ABCD")
    assert lines == [
        "   one" + " " * 33 + "two",
        f"   {eights}    {'A' * 16}{'B' * 16}",
        f"   {eights}    {'D' * 32}",
    ]


def test_words_have_one_kind_each():
    words = [word for kind in moe.KINDS.values() for word in kind]
    assert len(set(words)) == len(words) > 1000
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
