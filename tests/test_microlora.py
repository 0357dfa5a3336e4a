"""The facts that microlora.py teaches, each checked against a second way to compute it."""

import math
import random

import pytest
from scripts import load

m = load("microlora.py")
VOCAB = "\nabcdefghijklmnopqrstuvwxyz"
WORD = m.encode("medusa", VOCAB)
ALL = "wte", "wq", "wk", "wv", "wo", "fc1", "fc2", "lm_head"


def numbers(matrix):
    return [[p.data for p in row] for row in matrix]


def difference(after, before):
    return {
        name: [[p - q for p, q in zip(*rows)] for rows in zip(after[name], before[name])]
        for name in before
    }


@pytest.fixture
def base():
    rng = random.Random(1)
    return {
        name: [[2 * p for p in row] for row in w]
        for name, w in m.freeze(m.init_model(27, rng)).items()
    }


@pytest.fixture
def adapter(base):
    """One that is no longer zero, on every matrix that can have one."""
    rng = random.Random(2)
    adapter = m.init_adapter(base, ALL, 3, rng)
    for p in m.adapter_parameters(adapter):
        p.data = rng.gauss(0.0, 0.15)
    return adapter


def check_gradients(build, params, n):
    for p in params:
        p.grad = 0.0
    build().backward()
    used = [p for p in params if p.grad != 0.0]
    assert len(used) > len(params) // 4
    for p in random.Random(3).sample(used, n):
        x, h = p.data, 1e-6
        p.data = x + h
        above = build().data
        p.data = x - h
        below = build().data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_loss_against_finite_differences(base, adapter):
    check_gradients(lambda: m.word_loss(base, WORD, adapter), m.adapter_parameters(adapter), 15)
    model = m.thaw(base)
    params = [p for w in model.values() for row in w for p in row]
    check_gradients(lambda: m.word_loss(model, WORD, {}), params, 15)


def test_project_and_look_up_are_the_formula(base, adapter):
    x, rng = [0.1 * i - 0.7 for i in range(16)], random.Random(4)
    for name in ("wq", "fc1", "lm_head"):
        (a, b), w = map(numbers, adapter[name]), base[name]
        z = [sum(p * q for p, q in zip(row, x)) for row in a]
        expected = [
            sum(p * q for p, q in zip(row, x)) + m.ALPHA / 3 * sum(p * q for p, q in zip(b_row, z))
            for row, b_row in zip(w, b)
        ]
        out = m.project([m.Value(v) for v in x], name, base, adapter)
        assert [v.data for v in out] == pytest.approx(expected, rel=1e-12)
    (a, b), token = map(numbers, adapter["wte"]), rng.randrange(27)
    expected = [
        base["wte"][token][j] + m.ALPHA / 3 * sum(b[token][k] * a[k][j] for k in range(3))
        for j in range(16)
    ]
    found = [v.data for v in m.look_up(token, base, adapter)]
    assert found == pytest.approx(expected, rel=1e-12)


def test_step_0_is_the_base_to_the_last_bit(base):
    rng = random.Random(5)
    plain = m.read_logits(base, [WORD], {})
    for rank in m.RANKS:
        new = m.init_adapter(base, ALL, rank, rng)
        assert m.read_logits(base, [WORD], new) == plain
        m.word_loss(base, WORD, new).backward()
        for a, b in new.values():  # B learns first: A's gradient is a product with B, which is 0
            assert all(p.grad == 0.0 for row in a for p in row)
            assert any(p.grad != 0.0 for row in b for p in row)
    # frozen or not, the model is the same
    assert m.read_logits(m.thaw(base), [WORD], {}) == plain


def test_training_an_adapter_leaves_the_base_alone_and_learns(base, monkeypatch):
    monkeypatch.setattr(m, "progress", lambda *args: None)
    before = m.to_bytes(base)
    assert len(before) == 8 * 4192
    first = m.evaluate(base, [WORD])
    adapter = m.train_adapter("phase", base, m.TARGETS, 2, [WORD], 15, random.Random(6))
    assert m.to_bytes(base) == before
    assert m.evaluate(base, [WORD], adapter) < first - 0.01
    base["fc1"][3][3] = math.nextafter(base["fc1"][3][3], 9)
    assert m.to_bytes(base) != before  # the comparison sees a last bit


def test_sizes(base):
    for rank in m.RANKS:
        adapter = m.init_adapter(base, ("wq", "fc1"), rank, random.Random(0))
        assert len(m.adapter_parameters(adapter)) == rank * (16 + 16 + 16 + 64)
        used = m.init_adapter(base, m.TARGETS, rank, random.Random(0))
        assert len(m.adapter_parameters(used)) <= 0.1 * 4192


def test_merged_is_adapted_at_no_cost_and_comes_out_again(base, adapter):
    m.work.clear()
    adapted = m.read_logits(base, [WORD], adapter)
    tokens, per_token = len(WORD) - 1, 4 * 256 + 2 * 1024 + 27 * 16
    assert m.work["W"] == tokens * per_token
    extra = sum(3 * (i + j) + 3 for i, j in [(16, 16)] * 4 + [(64, 16), (16, 64), (27, 16)])
    assert m.work["adapter"] == tokens * (extra + 4 * 16)
    before, merged = m.to_bytes(base), m.merge(base, adapter)
    assert m.to_bytes(base) == before
    m.work.clear()
    assert m.read_logits(merged, [WORD], {}) == pytest.approx(adapted, abs=1e-9)
    assert dict(m.work) == {"W": tokens * per_token}
    assert m.largest_gap(adapted, m.read_logits(base, [WORD], {})) > 0.01
    out = m.merge(merged, adapter, -1.0)
    for name, w in base.items():
        for row, other in zip(w, out[name]):
            assert other == pytest.approx(row, abs=1e-12)


def test_singular_values_of_a_known_matrix():
    # s = 3, 2, 0.5 between orthonormal vectors
    u = [[0.6, 0.8, 0.0, 0.0], [-0.8, 0.6, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    v = [[1.0, 0.0, 0.0], [0.0, 0.28, 0.96], [0.0, -0.96, 0.28]]
    s = [3.0, 2.0, 0.5]
    w = [[sum(s[k] * u[k][i] * v[k][j] for k in range(3)) for j in range(3)] for i in range(4)]
    found = m.singular_values(w, 4, random.Random(7))
    assert [value for value, _, _ in found[:3]] == pytest.approx(s, rel=1e-8)
    for k in range(3):
        along = sum(a * b for a, b in zip(found[k][1], u[k]))
        assert abs(along) == pytest.approx(1.0, abs=1e-6)
    assert found[3][0] < 1e-6 and m.square(w) == pytest.approx(13.25)
    shares = m.share_in(found, w)
    assert shares == pytest.approx([9 / 13.25, 1.0 - 0.25 / 13.25, 1.0], rel=1e-6)
    assert m.singular_values([[0.0, 0.0]], 1, random.Random(0))[0][0] == 0.0


def test_directions_add_up_to_the_update(base):
    rng = random.Random(8)
    after = dict(base, wq=[[p + rng.gauss(0, 1) for p in row] for row in base["wq"]])
    update = difference(after, base)
    svd = {name: m.singular_values(w, 16 if name == "wq" else 1, rng) for name, w in update.items()}
    whole = m.add_directions(base, svd, 16)
    for row, other in zip(whole["wq"], after["wq"]):
        assert other == pytest.approx(row, abs=1e-4)
    assert whole["fc1"] == base["fc1"]
    for r in (1, 2):  # Eckart-Young: what is missing are the other singular values
        rest = difference(after, m.add_directions(base, svd, r))["wq"]
        missing = sum(s * s for s, _, _ in svd["wq"][r:])
        assert m.square(rest) == pytest.approx(missing, rel=1e-3)


def test_evaluate_weighs_every_token_the_same(base):
    docs = [[0, 3, 1, 0], [0, 5, 0]]
    losses = [m.word_loss(base, doc, {}).data for doc in docs]
    assert m.evaluate(base, docs) == pytest.approx((3 * losses[0] + 2 * losses[1]) / 5, rel=1e-12)


def test_words_are_apart_and_short_enough():
    for part in (m.MYTHS, m.DINOSAURS):
        assert len(set(part)) == len(part) and not set(part) & set(m.NAMES)
        assert all(len(word) < m.BLOCK_SIZE and word.isascii() for word in part)
    assert len(m.MYTHS) >= m.N_TEST + m.N_LISTS * m.N_TRAIN


def test_without_an_adapter_the_model_is_microgpts(base, monkeypatch):
    g = load("microgpt.py")
    for name in ("N_EMBD", "N_HEAD", "BLOCK_SIZE"):
        monkeypatch.setattr(g, name, getattr(m, name))
    names = {"wte": "token_embedding", "wpe": "position_embedding", "lm_head": "lm_head"}
    names.update(wq="layer0.query", wk="layer0.key", wv="layer0.value", wo="layer0.output")
    names.update(fc1="layer0.fc1", fc2="layer0.fc2")
    theirs = {names[name]: w for name, w in base.items()}
    cache, caches = ([], []), g.new_caches()
    for token in WORD:  # microgpt.py norms the embedding once more: a difference of 1e-5 in it
        ours = [v.data for v in m.gpt(base, token, cache, {})]
        assert ours == pytest.approx(g.gpt(theirs, token, caches), rel=1e-3, abs=1e-4)
    for seed in range(5):
        word = m.sample(base, VOCAB, 0.7, random.Random(seed), {})
        assert word == g.sample(theirs, VOCAB, 0.7, random.Random(seed))


def test_train_is_adam_from_the_first_step_with_a_falling_rate(base):
    docs = [WORD, m.encode("io", VOCAB), m.encode("pan", VOCAB)]
    model, twin = m.thaw(base), m.thaw(base)
    params, others = [[p for w in x.values() for row in w for p in row] for x in (model, twin)]
    m.train("phase", model, params, docs, 3, 0.01)
    a, b = [0.0] * len(others), [0.0] * len(others)
    for step in (1, 2, 3):
        for p in others:
            p.grad = 0.0
        m.word_loss(twin, docs[step % 3], {}).backward()
        m.adam_step(others, a, b, step, 0.01 * (4 - step) / 3, m.BETA1, m.BETA2)
    assert [p.data for p in params] == [p.data for p in others]


def test_largest_gap():
    assert m.largest_gap([1.0, -2.0, 5.0], [1.5, 2.0, 4.0]) == 4.0
