"""The facts that micromoe.py teaches, each checked against a second way to compute it."""

import collections
import gc
import math
import random

import pytest
from scripts import load

moe = load("micromoe.py")
WORD = [0, 1, 2, 3, 1, 4, 0]
EXCESS = [0.3, -0.2, 0.5, 0.0, -0.4, 0.1]
DOCUMENT = moe.Document(EXCESS, WORD, "verb")
MIXTURE = moe.Variant("mixture", 4, 5, 2, 0.5)
DENSE = moe.Variant("dense", 1, 7, 1, 0.0)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(moe, "show_progress", lambda *args: None)


def fresh(variant, seed=3):
    """A model for 6 tokens whose biases are not 0 and whose router has preferences."""
    rng = random.Random(seed)
    model = moe.init_variant(variant, 6, rng)
    for name, matrix in model.items():
        if name.endswith("bias") or name == "router.weight":
            for p in [p for row in matrix for p in row]:
                p.data = rng.gauss(0.0, 0.4)
    return model


def times(matrix, x):
    return [math.fsum(a * b for a, b in zip(row, x)) for row in matrix]


def plus(a, b):
    return [x + y for x, y in zip(a, b)]


def softmax(scores):
    exps = [math.exp(s - max(scores)) for s in scores]
    return [e / math.fsum(exps) for e in exps]


def reference(model, document, top_k):
    """Nats per token of a document and the router's probabilities for each token, in floats.

    Every expert is computed, and those that are not chosen get the gate 0.
    """
    w = moe.freeze(model)
    hints = [math.fsum(f * v for f, v in zip(document.excess, col)) for col in zip(*w["hint"])]
    nats, all_probs = [], []
    for token, target in zip(document.tokens, document.tokens[1:]):
        h = plus(w["token"][token], hints)
        gates = [1.0]
        if "router.weight" in w:
            scores = plus(times(w["router.weight"], h), w["router.bias"][0])
            least = sorted(scores)[-top_k]
            gates = softmax([s if s >= least else -math.inf for s in scores])
            all_probs.append(softmax(scores))
        y = list(h)
        for e, gate in enumerate(gates):
            inner = plus(times(w[f"expert{e}.in"], h), w[f"expert{e}.bias"][0])
            out = times(w[f"expert{e}.out"], [math.tanh(a) for a in inner])
            y = [a + gate * b for a, b in zip(y, out)]
        logits = plus(times(w["output.weight"], y), w["output.bias"][0])
        nats.append(-math.log(softmax(logits)[target]))
    return math.fsum(nats) / len(nats), all_probs


def read(model, variant, document=DOCUMENT):
    work = collections.Counter()
    return moe.read_document(model, document, variant.top_k, work), work


# --- Data ----------------------------------------------------------------------------------------


def test_a_document_is_a_word_and_the_excess_of_letters_in_other_words_of_its_kind():
    assert moe.letter_shares(["aa", "ab"], ["<>", "a", "b", "c"]) == [2 / 6, 3 / 6, 1 / 6, 0.0]
    words = moe.split_words(random.Random(1))
    some = words.train[:30] + words.held_out[:30]
    documents = list(moe.make_documents(words, some, random.Random(2)))
    by_letters = collections.defaultdict(list)
    for word in words.train:
        by_letters[words.kind_of[word]].append(word)
    rng = random.Random(2)
    for word, document in zip(some, documents):
        hints = rng.sample(by_letters[words.kind_of[word]], 7)
        hints = [hint for hint in hints if hint != word][:6]
        shares = moe.letter_shares(hints, words.vocabulary)
        assert document.excess == [a - b for a, b in zip(shares, words.usual)]
        assert document.kind == words.kind_of[word]
        assert "".join(words.vocabulary[t] for t in document.tokens) == f"<>{word}<>"
        assert word not in hints and not set(hints) & set(words.held_out)


def test_words_have_one_kind_each_and_a_sixth_is_held_out():
    words = [word for kind in moe.KINDS.values() for word in kind.split()]
    assert len(set(words)) == len(words) > 1000
    assert all(word.isascii() and word.isalpha() and word.islower() for word in words)
    split = moe.split_words(random.Random(4))
    assert sorted(split.train + split.held_out) == sorted(words)
    assert len(split.held_out) == len(words) // 6
    turns = list(moe.words_in_turn(split, 2 * len(split.train) + 5, random.Random(1)))
    assert sorted(turns[: len(split.train)]) == sorted(split.train)
    assert len(turns) == 2 * len(split.train) + 5


# --- Model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [MIXTURE, MIXTURE._replace(top_k=4), DENSE])
def test_reading_is_the_formula_with_gate_0_for_who_is_not_chosen(variant):
    model = fresh(variant)
    (loss, routes), _ = read(model, variant)
    expected, _ = reference(model, DOCUMENT, variant.top_k)
    assert loss.data == pytest.approx(expected, rel=1e-12)
    assert len(routes) == len(WORD) - 1
    (frozen_loss, frozen_routes), _ = read(moe.freeze(model), variant)
    assert frozen_loss == pytest.approx(expected, rel=1e-12)
    assert [r.chosen for r in routes] == [r.chosen for r in frozen_routes]


def compare_gradients(model, total):
    """Finite differences of total() for some parameters of each matrix; how many are not 0."""
    rng, seen = random.Random(5), 0
    for matrix in model.values():
        params = [p for row in matrix for p in row]
        for p in rng.sample(params, min(len(params), 12)):
            old, sides = p.data, []
            for p.data in (old + 1e-5, old - 1e-5):
                sides.append(total())
            p.data = old
            assert p.grad == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=2e-9)
            seen += abs(p.grad) > 1e-4
    return seen


@pytest.mark.parametrize(
    "variant, least", [(MIXTURE, 100), (MIXTURE._replace(top_k=4), 100), (DENSE, 50)]
)
def test_gradients_are_finite_differences(variant, least):
    model = fresh(variant)
    (loss, _), _ = read(model, variant)
    loss.backward()
    assert compare_gradients(model, lambda: reference(model, DOCUMENT, variant.top_k)[0]) > least


def test_gradients_with_the_balancing_loss():
    model = fresh(MIXTURE)
    load = [0.1, 0.4, 0.3, 0.2]

    def total():
        nats, all_probs = reference(model, DOCUMENT, 2)
        unfair = [4 * math.fsum(f * p for f, p in zip(load, probs)) for probs in all_probs]
        return nats + 0.7 * math.fsum(unfair) / len(unfair)

    (loss, routes), _ = read(model, MIXTURE)
    unfair = [moe.balance_loss(route.scores, load) for route in routes]
    (loss + moe.vsum(unfair) * (0.7 / len(unfair))).backward()
    assert compare_gradients(model, total) > 100


def test_a_second_walk_gives_the_same_gradients():
    model = fresh(MIXTURE)
    (loss, _), _ = read(model, MIXTURE)
    loss.backward()
    first = [p.grad for p in moe.parameters(model)]
    loss.backward()
    assert [p.grad for p in moe.parameters(model)] == pytest.approx([2 * g for g in first])


def test_graphs_are_freed_without_a_search_for_cycles():
    model = fresh(MIXTURE)
    gc.collect()
    gc.disable()
    try:
        (loss, routes), _ = read(model, MIXTURE)
        loss.backward()
        del loss, routes
        assert gc.collect() < 20
    finally:
        gc.enable()


def test_an_expert_that_is_not_chosen_is_not_touched():
    model = fresh(MIXTURE)
    model["router.bias"][0][2].data = -100.0
    (loss, routes), _ = read(model, MIXTURE)
    used = {e for route in routes for e in route.chosen}
    assert 2 not in used and all(len(set(route.chosen)) == 2 for route in routes)
    loss.backward()
    for e in range(4):
        names = [name for name in model if name.startswith(f"expert{e}.")]
        grads = [p.grad for name in names for row in model[name] for p in row]
        assert any(grads) == (e in used)


def test_the_best_two_are_chosen_and_share_one():
    model = fresh(MIXTURE)
    rng = random.Random(2)
    work = collections.Counter()
    for _ in range(20):
        h = [moe.Value(rng.gauss(0, 1)) for _ in range(moe.N_STREAM)]
        chosen, gates, scores = moe.choose_experts(model, h, 2, work)
        data = [s.data for s in scores]
        frozen = moe.freeze(model)
        products = times(frozen["router.weight"], [v.data for v in h])
        assert data == pytest.approx(plus(products, frozen["router.bias"][0]))
        assert chosen == sorted(range(4), key=lambda e: data[e], reverse=True)[:2]
        assert [gate.data for gate in gates] == pytest.approx(softmax([data[e] for e in chosen]))
    assert work == {"router": 20 * 4 * 12}


@pytest.mark.parametrize("variant", [MIXTURE, MIXTURE._replace(top_k=4)])
def test_multiplications_are_those_of_the_chosen_experts(variant):
    model = fresh(variant)
    (loss, _), work = read(model, variant)
    n = len(WORD) - 1
    assert work == {
        "experts": n * variant.top_k * variant.n_hidden * 24,
        "router": n * 4 * 12,
        "mixing": n * variant.top_k * 12,
    }
    work.clear()
    loss.backward()
    assert work == {
        "experts": n * variant.top_k * variant.n_hidden * 48,
        "mixing": 2 * n * variant.top_k * 12,
    }
    _, frozen_work = read(moe.freeze(model), variant)
    assert sum(frozen_work.values()) == n * (
        variant.top_k * variant.n_hidden * 24 + 48 + variant.top_k * 12
    )


def test_a_dense_model_counts_its_one_expert_and_mixes_nothing():
    model = fresh(DENSE)
    (loss, _), work = read(model, DENSE)
    assert work == {"experts": 6 * 7 * 24}
    work.clear()
    loss.backward()
    assert work == {"experts": 6 * 7 * 48}


def test_log_prob_is_log_softmax():
    for data, target in (([0.3, -1.2, 2.0], 1), ([1000.0, 1001.0, 999.0], 0), ([800.0, 0.0], 1)):
        fused, plain = [moe.Value(v) for v in data], [moe.Value(v) for v in data]
        result = moe.log_prob(fused, target)
        result.backward()
        high = max(data)
        exact = data[target] - high - math.log(math.fsum(math.exp(v - high) for v in data))
        assert result.data == pytest.approx(exact, rel=1e-12) == moe.log_prob(data, target)
        if data[0] == 800.0:  # log() would clamp p here
            assert [v.grad for v in fused] == [-1.0, 1.0]
        else:
            moe.softmax(plain)[target].log().backward()
            assert [v.grad for v in fused] == pytest.approx([v.grad for v in plain])


def test_weighted_sum_of_rows():
    rows = [[moe.Value(1.0), moe.Value(2.0)], [moe.Value(3.0), moe.Value(5.0)]]
    sums = moe.weighted_sum([2.0, -1.0], rows)
    assert [v.data for v in sums] == [-1.0, -1.0]
    (sums[0] * 3.0 + sums[1]).backward()
    assert [[v.grad for v in row] for row in rows] == [[6.0, 2.0], [-3.0, -1.0]]
    assert moe.weighted_sum([2.0, -1.0], [[1.0, 2.0], [3.0, 5.0]]) == [-1.0, -1.0]


def test_spread_of_fresh_parameters():
    model = moe.init_variant(MIXTURE._replace(n_hidden=8), 27, random.Random(6))
    stds = {"token": 0.5, "hint": 1.0, "output.weight": 12**-0.5, "expert2.out": 0.5 * 8**-0.5}
    for name, std in {**stds, "expert1.in": 12**-0.5, "router.weight": 0.1}.items():
        squares = [p.data**2 for row in model[name] for p in row]
        assert math.sqrt(sum(squares) / len(squares)) == pytest.approx(std, rel=0.2), name
    for name in model:
        if name.endswith("bias"):
            assert {p.data for row in model[name] for p in row} == {0.0}


# --- Training ------------------------------------------------------------------------------------


def test_balance_loss_is_1_when_even_and_pushes_the_busy_down():
    even = moe.balance_loss([moe.Value(s) for s in (0.7, -1.0, 2.0, 0.1)], [0.25] * 4)
    assert even.data == pytest.approx(1.0)
    logs = [moe.Value(math.log(p)) for p in (0.1, 0.2, 0.3, 0.4)]
    assert moe.balance_loss(logs, [0.4, 0.3, 0.2, 0.1]).data == pytest.approx(0.8)
    scores, load = [moe.Value(s) for s in (1.0, 0.0, 2.0, -1.0)], [0.4, 0.1, 0.4, 0.1]
    loss = moe.balance_loss(scores, load)
    probs = softmax([s.data for s in scores])
    assert loss.data == pytest.approx(4 * math.fsum(f * p for f, p in zip(load, probs)))
    loss.backward()
    grads = [v.grad for v in scores]
    assert grads[0] > 0 and grads[2] > 0 > max(grads[1], grads[3])


def test_adam_moves_an_idle_expert_on():
    p = moe.Value(0.0)
    m, v = [0.0], [0.0]
    for step in range(1, 300):
        p.grad = 0.3 if step == 1 else 0.0
        moe.adam_step([p], m, v, step, 0.02, moe.ADAM_BETA1, moe.ADAM_BETA2)
        if step == 1:
            first = p.data
    assert first == pytest.approx(-0.02, rel=1e-6)
    assert p.data - first == pytest.approx(-0.10, abs=0.005)


@pytest.mark.parametrize("variant", [MIXTURE, MIXTURE._replace(balance=0.0), DENSE])
def test_train_is_adam_on_the_loss_and_the_balance(variant, monkeypatch):
    documents = [
        moe.Document(EXCESS, [0, 1, 2, 0], "name"),
        moe.Document(EXCESS[::-1], [0, 3, 1, 5, 0], "verb"),
        DOCUMENT,
    ]
    model, twin = fresh(variant), fresh(variant)
    shown = []
    monkeypatch.setattr(moe, "show_progress", lambda phase, *rest: shown.append((phase, *rest[:2])))
    trained = moe.train(variant, model, documents, 3)
    assert [steps for _, *steps in shown] == [[1, 3], [2, 3], [3, 3]]
    assert shown[0][0].startswith(f"{variant.label}, loss ")
    params = moe.parameters(twin)
    m, v, load = (
        [0.0] * len(params),
        [0.0] * len(params),
        [1 / variant.n_experts] * variant.n_experts,
    )
    for step, document in enumerate(documents, 1):
        (loss, routes), _ = read(twin, variant, document)
        chosen = [e for route in routes for e in route.chosen]
        counts = [chosen.count(e) for e in range(variant.n_experts)]
        assert trained.counts[step - 1] == counts
        load = [0.99 * f + 0.01 * n / len(chosen) for f, n in zip(load, counts)]
        for p in params:
            p.grad = 0.0
        if variant.balance:
            for route in routes:
                loss = loss + moe.balance_loss(route.scores, load) * (variant.balance / len(routes))
        loss.backward()
        rate = moe.LEARNING_RATE * (4 - step) / 3
        moe.adam_step(params, m, v, step, rate, moe.ADAM_BETA1, moe.ADAM_BETA2)
    assert [p.data for p in moe.parameters(model)] == pytest.approx([p.data for p in params])
    n = sum(len(document.tokens) - 1 for document in documents)
    assert trained.work["experts"] == n * variant.top_k * variant.n_hidden * 72
    scores = {MIXTURE: 4, MIXTURE._replace(balance=0.0): 2, DENSE: 0}[variant]
    forward = 48 if variant.n_experts > 1 else 0
    assert trained.work["router"] == n * (forward + 2 * 12 * scores)


# --- The lesson ----------------------------------------------------------------------------------


def test_mutual_information_in_closed_form():
    def bits(*rows):
        return moe.mutual_information(dict(enumerate(rows)))

    assert bits([5, 0], [0, 5]) == pytest.approx(1.0)
    assert bits(*[[7 * (i == j) for j in range(4)] for i in range(4)]) == pytest.approx(2.0)
    assert bits([1, 3], [10, 30]) == pytest.approx(0.0, abs=1e-12)
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert bits([3, 1], [1, 3]) == pytest.approx(1.0 - entropy)
    assert bits([3, 1], [1, 3]) == pytest.approx(0.19, abs=0.005)  # as the comment says


def test_first_choices_are_the_routers():
    model = fresh(MIXTURE)
    documents = [DOCUMENT, moe.Document(EXCESS[::-1], [0, 5, 2, 0], "name")]
    found = moe.first_choices(MIXTURE, moe.freeze(model), documents)
    for document, choices in zip(documents, found):
        (_, routes), _ = read(model, MIXTURE, document)
        assert [choice.expert for choice in choices] == [route.chosen[0] for route in routes]
        assert [choice.token for choice in choices] == document.tokens[:-1]
        assert {choice.kind for choice in choices} == {document.kind}
    table = moe.count_by(moe.token_of_choice, found)
    assert sum(table[0]) == 2 and sum(table[1]) == 2 and sum(map(sum, table.values())) == 9
    assert table[4][found[0][5].expert] == 1


def test_shuffled_kinds_tell_less():
    rng = random.Random(3)
    words = []
    for i in range(300):
        kind = ("name", "verb")[i % 2]
        expert = i % 2 if rng.random() < 0.8 else 1 - i % 2
        words.append([moe.Choice(expert, kind, 0)] * 3)
    told = moe.bits_told(moe.kind_of_choice, words)
    for shuffled in moe.shuffle_kinds(words, random.Random(1))[:3]:
        assert 0.0 < moe.bits_told(moe.kind_of_choice, shuffled) < told / 2
        assert sorted(word[0].kind for word in shuffled) == sorted(w[0].kind for w in words)
        assert [word[0].expert for word in shuffled] == [word[0].expert for word in words]


def test_bits_given_the_token():
    # The expert is that of the token, and the token tells of the kind: nothing is left.
    words = [[moe.Choice(i % 2, ("name", "verb")[i % 2], i % 2)] for i in range(40)]
    assert moe.bits_told(moe.kind_of_choice, words) == pytest.approx(1.0)
    assert moe.bits_given_token(words) == pytest.approx(0.0, abs=1e-12)
    # For token 0 the expert tells the kind, for token 1, of three times as many, it does not.
    words = [[moe.Choice(i % 2, ("name", "verb")[i % 2], 0)] for i in range(8)]
    words += [[moe.Choice(i % 2, ("name", "verb")[i // 12], 1)] for i in range(24)]
    assert moe.bits_given_token(words) == pytest.approx(0.25)


# --- Experiments ---------------------------------------------------------------------------------


def test_the_dense_models_are_made_to_measure():
    mixture, all_experts, work, size, no_balance = moe.all_variants()
    assert all_experts[:4] == ("all experts", 8, mixture.n_hidden, 8) and not all_experts.balance
    assert no_balance == mixture._replace(label="no balance", balance=0.0)
    models = {
        variant.label: moe.init_variant(variant, 6, random.Random(1))
        for variant in moe.all_variants()
    }
    n = {label: moe.n_layer_parameters(model) for label, model in models.items()}
    assert n["mixture"] == 8 * (4 * 25) + 8 * 13 == 904
    assert n["mixture"] <= n["dense, same size"] < n["mixture"] + 25
    costs = {}
    for variant in (mixture, work):
        _, counted = read(models[variant.label], variant)
        costs[variant.label] = sum(counted.values())
    assert costs["mixture"] <= costs["dense, same work"] < costs["mixture"] + 6 * 24


def test_word_nats_gives_the_nats_of_whole_words():
    model = fresh(MIXTURE)
    documents = [moe.Document(EXCESS, [0, 1, 0], "name"), DOCUMENT]
    others = [d._replace(excess=d.excess[::-1]) for d in documents]
    nats = []
    for pair in zip(documents, others):
        n = len(pair[0].tokens) - 1
        nats.append(n * (reference(model, pair[0], 2)[0] + reference(model, pair[1], 2)[0]) / 2)
    found = moe.word_nats(MIXTURE, model, [documents, others], collections.Counter())
    assert found == pytest.approx(nats)


def claims_of_part_1(monkeypatch, losses):
    variants = moe.all_variants()
    held_out = [DOCUMENT._replace(tokens=[0, 1, 0])] * 4
    wobble = [0.1, -0.1, 0.1, -0.1]
    nats = {label: [2 * loss + w for w in wobble] for label, loss in losses.items()}
    nats["mixture"] = [2 * losses["mixture"]] * 4
    monkeypatch.setattr(moe, "word_nats", lambda variant, *args: nats[variant.label])
    monkeypatch.setattr(moe, "n_layer_parameters", lambda model: 7)
    trained = {variant.label: moe.Trained({}, [], {"experts": 50}, [4, 4]) for variant in variants}
    return " ".join([c[1:3] for c in moe.cost_and_gain(variants, trained, [held_out])])


def test_part_1_compares_with_the_mixture(monkeypatch, capsys):
    losses = {"mixture": 2.0, "all experts": 1.99, "no balance": 2.0}
    losses.update({"dense, same work": 2.06, "dense, same size": 2.06})
    assert claims_of_part_1(monkeypatch, losses) == "ok ok"
    lines = capsys.readouterr().out.splitlines()
    assert lines[-7].split() == ["all", "experts", "7", "0", "6", "1.990", "-0.010", "+-", "0.025"]
    assert lines[-1].startswith("   -0.010 +- 0.025. What the choice")
    assert claims_of_part_1(monkeypatch, {**losses, "dense, same work": 2.04}) == "no ok"
    assert claims_of_part_1(monkeypatch, {**losses, "dense, same size": 2.04}) == "ok no"


def test_part_2_compares_the_last_quarter(capsys):
    def claims(even, uneven):
        early = [[8, 0, 0, 0, 0, 0, 0, 0]] * 6
        trained = {
            "mixture": moe.Trained({}, early + [even] * 2, {}, []),
            "no balance": moe.Trained({}, early + [uneven] * 2, {}, []),
        }
        return " ".join([c[1:3] for c in moe.who_gets_the_work(trained)])

    assert claims([25] * 8, [13, 12, 0, 0, 75, 0, 0, 0]) == "ok ok"
    assert "with this loss, 0.12 and 0.12; without it, 0.00 and 0.75." in capsys.readouterr().out
    assert claims([32] * 7 + [13], [20] * 7 + [11]) == "no no"
    assert claims([32] * 7 + [16], [20] * 7 + [8]) == "ok ok"


def test_part_3_compares_with_no_training_and_with_chance(monkeypatch, capsys):
    monkeypatch.setattr(moe, "first_choices", lambda variant, frozen, documents: frozen)
    monkeypatch.setattr(moe, "freeze", lambda model: model)
    monkeypatch.setattr(moe, "N_SHUFFLES", 5)
    monkeypatch.setattr(moe, "N_EXPERTS", 4)
    kinds = sorted(moe.KINDS)
    knows = [[moe.Choice(i % 4, kinds[i % 4], i % 2)] * 2 for i in range(40)]
    guesses = [[moe.Choice(i % 3, kinds[i % 4], 2)] * 2 for i in range(40)]

    def mark(after, before):
        monkeypatch.setattr(moe, "init_variant", lambda *args: before)
        trained = {"mixture": moe.Trained(after, [], {}, [])}
        (claim,) = moe.what_the_experts_became(MIXTURE, trained, [], ["<>", "a", "b"], 1)
        return claim[1:3]

    assert mark(knows, guesses) == "ok"
    lines = capsys.readouterr().out.splitlines()
    assert f"   {kinds[1]:9}    0.00    1.00    0.00    0.00" in lines
    assert mark(guesses, knows) == "no"
    assert mark(guesses, guesses) == "no"
    lines = capsys.readouterr().out.splitlines()
    assert "   A" in lines  # no token has it in more than half of its cases


def test_loads_and_their_drawing(capsys):
    assert moe.loads([[4, 2, 1, 1], [0, 2, 3, 3]]) == [0.25] * 4
    even = [[1, 1, 1, 1]] * 20
    two = [[2, 2, 0, 0]] * 10 + [[0, 0, 0, 4]] * 10
    moe.draw_loads({"one": even, "two": two})
    lines = capsys.readouterr().out.splitlines()
    eights = "".join(letter * 8 for letter in "ABCD")
    assert lines[0] == "   one" + " " * 33 + "two"
    assert lines[1] == f"   {eights}    {'A' * 16}{'B' * 16}"
    assert lines[10] == f"   {eights}    {'D' * 32}"
    moe.draw_loads({"one": even[:3]})
    assert capsys.readouterr().out.splitlines()[1:] == [f"   {eights}"] * 10
