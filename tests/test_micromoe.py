"""The facts that micromoe.py teaches, each checked against a second way to compute it."""

import argparse
import math
import random

import pytest
from scripts import load

moe = load("micromoe.py")
WORD = [0, 1, 2, 3, 1, 4, 0]
SHARES = [0.3, -0.2, 0.5, 0.0, -0.4, 0.1]
DOC = SHARES, WORD


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


def reference(model, doc):
    """Nats per token of a document, and the router's probabilities, in plain floats.

    Every expert is computed, and those that were not chosen get the gate 0.
    """
    (shares, tokens), nats, probs = doc, [], None
    w = {name: floats(rows) for name, rows in model.items()}
    bag = [math.fsum(f * v for f, v in zip(shares, column)) for column in zip(*w["bag"])] + [1.0]
    gates = [1.0]
    if "router" in w:
        scores = [moe.SHARPNESS * s for s in times(w["router"], bag)]
        least = sorted(scores)[-moe.TOP_K]
        gates = softmax([s if s >= least else -math.inf for s in scores])
        probs = softmax(scores)
    for token, target in zip(tokens, tokens[1:]):
        both = times(w["mixer"], w["wte"][token]), times(w["mixer_bag"], bag)
        h = [a + b for a, b in zip(*both)]
        y = list(h)
        for e, gate in enumerate(gates):
            hidden = [math.tanh(a) for a in times(w[f"in{e}"], h + [1.0])]
            y = [a + gate * b for a, b in zip(y, times(w[f"out{e}"], hidden))]
        nats.append(-math.log(softmax(times(w["lm_head"], y + [1.0]))[target]))
    return math.fsum(nats) / len(nats), probs


@pytest.mark.parametrize("n_expert", [1, 4])
def test_forward_is_the_formula_with_gate_0_for_who_is_not_chosen(n_expert):
    model = moe.init_model(6, n_expert, 5, random.Random(8))
    loss, tape = moe.forward(model, DOC)
    assert loss.data == pytest.approx(reference(model, DOC)[0], rel=1e-12)
    assert len(tape.visits) == len(WORD) - 1


def compare_gradients(model, total):
    """Finite differences of total() for some parameters of each matrix; how many are not 0."""
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
    return seen


def test_gradients_through_graph_hand_and_graph_are_finite_differences(model):
    load, weight = [0.1, 0.4, 0.3, 0.2], 0.7

    def total():
        nats, probs = reference(model, DOC)
        return nats + weight * 4 * math.fsum(f * p for f, p in zip(load, probs))

    loss, tape = moe.forward(model, DOC)
    moe.backward(model, loss, tape, moe.balance_loss(tape.scores, load) * weight)
    assert compare_gradients(model, total) > 60  # that is, most of them


def test_without_balance_the_gradient_is_that_of_the_loss_alone(model):
    loss, tape = moe.forward(model, DOC)
    moe.backward(model, loss, tape)
    assert compare_gradients(model, lambda: reference(model, DOC)[0]) > 60


def test_gradients_of_a_dense_model_are_finite_differences():
    model = moe.init_model(6, 1, 5, random.Random(8))
    loss, tape = moe.forward(model, DOC)
    moe.backward(model, loss, tape)
    assert compare_gradients(model, lambda: reference(model, DOC)[0]) > 50


def test_an_expert_that_is_not_chosen_is_not_touched(model):
    model["router"][2] = [moe.Value(0.0)] * moe.N_BAG + [moe.Value(-100.0)]
    loss, tape = moe.forward(model, DOC)
    assert 2 not in tape.chosen and len(set(tape.chosen)) == 2
    moe.backward(model, loss, tape)
    for e in range(4):
        grads = [p.grad for name in (f"in{e}", f"out{e}") for row in model[name] for p in row]
        assert any(grads) == (e in tape.chosen)


def test_the_best_two_are_chosen_and_share_one(model):
    rng = random.Random(2)
    for _ in range(20):
        bag = moe.make_bag(model, [rng.gauss(0, 1) for _ in SHARES])
        chosen, gates, scores = moe.route(model, bag)
        data = [s.data for s in scores]
        assert data == pytest.approx(
            [moe.SHARPNESS * s for s in times(floats(model["router"]), [v.data for v in bag])]
        )
        assert chosen == sorted(range(4), key=lambda e: data[e], reverse=True)[:2]
        assert [g.data for g in gates] == pytest.approx(softmax([data[e] for e in chosen]))


def test_a_document_is_a_word_and_the_excess_of_letters_in_words_of_its_kind():
    vocab, kind = "\nabc", ["aa", "ab", "ca", "bb", "ac", "cc", "ba"]
    assert moe.letter_shares(["aa", "ab"], vocab) == [2 / 6, 3 / 6, 1 / 6, 0.0]
    usual = [0.1, 0.2, 0.3, 0.4]
    shares, tokens = moe.make_doc("ab", kind, usual, vocab, random.Random(1))
    others = [word for word in kind if word != "ab"]  # N_HINTS = 6: all of them
    assert tokens == [0, 1, 2, 0]
    expected = [2 * (a - b) for a, b in zip(moe.letter_shares(others, vocab), usual)]
    assert shares == pytest.approx(expected)
    for seed in range(20):  # the word itself is never a hint, nor is a hint used twice
        shares, _ = moe.make_doc("bb", kind + ["bc", "cb"], [0.0] * 4, vocab, random.Random(seed))
        counts = [round(a / 2 * 18) for a in shares]
        assert counts[0] == 6 and sum(counts) == 18


def test_multiplications_are_those_of_the_chosen_experts(model):
    moe.work.clear()
    loss, tape = moe.forward(model, DOC)
    n, unit = len(WORD) - 1, 2 * moe.N_STREAM + 1  # products that a hidden unit takes
    assert moe.work == {
        "experts": n * moe.TOP_K * moe.N_HIDDEN * unit,
        "router": moe.N_EXPERT * (moe.N_BAG + 1),
        "mixing": n * moe.TOP_K * moe.N_STREAM,
    }
    moe.work.clear()
    moe.backward(model, loss, tape)
    assert moe.work == {
        "experts": n * moe.TOP_K * moe.N_HIDDEN * 2 * unit,
        "router": 2 * moe.N_EXPERT * (moe.N_BAG + 1),
        "mixing": 2 * n * moe.TOP_K * moe.N_STREAM,
    }


def test_a_dense_model_counts_its_one_expert_and_mixes_nothing():
    model = moe.init_model(6, 1, 5, random.Random(8))
    moe.work.clear()
    loss, tape = moe.forward(model, DOC)
    assert moe.work == {"experts": 6 * 5 * (2 * moe.N_STREAM + 1)}
    moe.work.clear()
    moe.backward(model, loss, tape)
    assert moe.work == {"experts": 6 * 5 * (4 * moe.N_STREAM + 2)}


def test_dot_floats_and_scaled():
    moe.work.clear()
    assert moe.dot_floats("a", [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == 32.0
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


def test_balance_loss_is_1_when_even_and_pushes_the_busy_down():
    even = moe.balance_loss([moe.Value(s) for s in (0.7, -1.0, 2.0, 0.1)], [0.25] * 4)
    assert even.data == pytest.approx(1.0)
    scores, load = [moe.Value(s) for s in (1.0, 0.0, 2.0, -1.0)], [0.4, 0.1, 0.4, 0.1]
    loss = moe.balance_loss(scores, load)
    probs = softmax([s.data for s in scores])
    assert loss.data == pytest.approx(4 * math.fsum(f * p for f, p in zip(load, probs)))
    loss.backward()
    grads = [v.grad for v in scores]
    assert grads[0] > 0 and grads[2] > 0 > max(grads[1], grads[3])


def test_train_is_adam_on_the_loss_and_the_balance(model):
    docs = [(SHARES, [0, 1, 2, 0]), (SHARES[::-1], [0, 3, 1, 5, 0]), DOC]
    steps, balance = len(docs), 0.5
    twin = moe.init_model(6, moe.N_EXPERT, moe.N_HIDDEN, random.Random(3))
    choices = moe.train("test", model, docs, balance)
    params = moe.parameters(twin)
    m, v, load = [0.0] * len(params), [0.0] * len(params), [0.25] * 4
    for step, doc in enumerate(docs, 1):
        loss, tape = moe.forward(twin, doc)
        counts = [tape.chosen.count(e) for e in range(4)]
        assert choices[step - 1] == counts and sum(counts) == 2
        load = [0.99 * f + 0.01 * n / 2 for f, n in zip(load, counts)]
        for p in params:
            p.grad = 0.0
        moe.backward(twin, loss, tape, moe.balance_loss(tape.scores, load) * balance)
        rate = moe.LEARNING_RATE * (steps - step + 1) / steps
        moe.adam_step(params, m, v, step, rate, moe.BETA1, moe.BETA2)
    assert [p.data for p in moe.parameters(model)] == pytest.approx([p.data for p in params])


def test_a_dense_model_learns_its_word():
    model = moe.init_model(6, 1, 5, random.Random(1))
    (before,) = moe.word_nats(model, [DOC])
    assert moe.train("test", model, [DOC] * 30, 0.0) == []
    assert moe.word_nats(model, [DOC])[0] < before / 2


def test_word_nats_gives_the_nats_of_whole_words(model):
    docs = [(SHARES, [0, 1, 0]), DOC]
    nats = [reference(model, doc)[0] * (len(doc[1]) - 1) for doc in docs]
    assert moe.word_nats(model, docs) == pytest.approx(nats)


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
    table = moe.count_table([0, 1, 3, 0], [kinds[0], kinds[2], kinds[0], kinds[0]])
    assert table[kinds[0]] == [2, 0, 0, 1] and table[kinds[2]] == [0, 1, 0, 0]
    assert table[kinds[1]] == [0, 0, 0, 0] and list(table) == kinds
    assert moe.loads([[4, 2, 1, 1], [0, 2, 3, 3]]) == [0.25] * 4


def test_choices_are_the_routers(model):
    docs = [DOC, (SHARES[::-1], WORD)]
    expected = [moe.forward(model, doc)[1].chosen for doc in docs]
    assert moe.choices_of(model, docs) == expected


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


def test_the_table_of_the_output(capsys):
    """Sizes by the formulas; each gain is the difference of two losses."""
    moe.main(argparse.Namespace(steps=3, seed=1))
    rows = {}
    for line in capsys.readouterr().out.splitlines():
        cells = line[20:].split()
        if line[3:20].strip() in ("mixture", "dense, same work", "dense, same size", "unbalanced"):
            rows[line[3:20].strip()] = [float(cell) for cell in cells if cell != "+-"]
    unit, router = 2 * moe.N_STREAM + 1, moe.N_EXPERT * (moe.N_BAG + 1)
    size = moe.N_EXPERT * moe.N_HIDDEN * unit + router
    work = moe.TOP_K * (moe.N_HIDDEN * unit + moe.N_STREAM)
    assert rows["mixture"][0] == rows["unbalanced"][0] == size
    for name, least in (("dense, same work", work + router), ("dense, same size", size)):
        parameters, forward, both, *_ = rows[name]
        assert least <= parameters < least + unit
        assert forward == parameters and both == 3 * parameters
    assert work < rows["mixture"][1] < work + router <= rows["dense, same work"][1]
    for name, (*_, nats, gain, error) in list(rows.items())[1:]:
        assert gain == pytest.approx(nats - rows["mixture"][3], abs=0.0011), name
        assert error > 0


def test_spread_of_fresh_parameters(model):
    model = moe.init_model(27, 4, 8, random.Random(6))
    for name, std in (
        ("wte", 0.5),
        ("bag", 1.0),
        ("mixer", 0.36),
        ("lm_head", 0.3),
        ("out2", 0.18),
    ):
        squares = [p.data**2 for row in model[name] for p in row]
        assert math.sqrt(sum(squares) / len(squares)) == pytest.approx(std, rel=0.2), name
    assert {row[-1].data for row in model["router"]} == {0.0}
