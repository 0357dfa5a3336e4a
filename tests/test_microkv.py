"""The facts that microkv.py teaches."""

import math
import random

import pytest
from scripts import load

k = load("microkv.py")
V = 9
TOKENS = [0, 3, 1, 7, 3, 0, 8, 8, 2, 5, 3, 1, 0, 4, 6, 6, 1, 0, 2]


@pytest.fixture(params=[4, 2, 1])
def model(request):
    """A model with larger parameters than a fresh one: softmax and relu are far from linear."""
    model = k.init_model(V, request.param, random.Random(request.param))
    for p in params_of(model):
        p.data *= 3.0
    return model


def params_of(model):
    return [p for w in model.values() for row in w for p in row]


def plain_logits(model, tokens):
    """The logits after the last of tokens, written anew: all positions, one layer after another."""
    w = k.freeze(model)
    d = k.N_EMBD // k.N_HEAD
    share = k.N_HEAD // (len(w["wk0"]) // d)

    def matmul(m, x):
        return [sum(a * b for a, b in zip(row, x)) for row in m]

    def norm(x):
        size = math.sqrt(sum(v * v for v in x) / len(x) + 1e-5)
        return [v / size for v in x]

    xs = [w["wte"][token] for token in tokens]
    for i in range(k.N_LAYER):
        q, ks, vs = [[matmul(w[f"{m}{i}"], norm(x)) for x in xs] for m in ("wq", "wk", "wv")]
        new = []
        for t, x in enumerate(xs):
            found = []
            for h in range(k.N_HEAD):
                g = h // share * d
                scores = [
                    sum(q[t][h * d + j] * ks[s][g + j] for j in range(d)) / math.sqrt(d)
                    - k.SLOPES[h] * (t - s)
                    for s in range(t + 1)
                ]
                total = sum(math.exp(s) for s in scores)
                found += [
                    sum(math.exp(a) / total * vs[s][g + j] for s, a in enumerate(scores))
                    for j in range(d)
                ]
            x = [a + b for a, b in zip(x, matmul(w[f"wo{i}"], found))]
            hidden = [max(v, 0.0) for v in matmul(w[f"fc1{i}"], norm(x))]
            new.append([a + b for a, b in zip(x, matmul(w[f"fc2{i}"], hidden))])
        xs = new
    return matmul(w["lm_head"], xs[-1])


def value_logits(model, tokens):
    cache = [([], []) for _ in range(k.N_LAYER)]
    return [[v.data for v in k.gpt(model, token, cache)] for token in tokens]


# --- The model and its training ------------------------------------------------------------------


def test_gpt_is_the_transformer_it_says_it_is(model):
    found = value_logits(model, TOKENS)
    for n in (1, 2, 7, len(TOKENS)):
        assert found[n - 1] == pytest.approx(plain_logits(model, TOKENS[:n]), rel=1e-9)


def test_loss_against_finite_differences(model):
    params, tokens = params_of(model), TOKENS[:7]
    k.stream_loss(model, tokens).backward()
    used = [p for p in params if p.grad != 0.0]
    assert len(used) > len(params) // 2
    for p in random.Random(9).sample(used, 12):
        x, h = p.data, 1e-6
        p.data = x + h
        above = k.stream_loss(model, tokens).data
        p.data = x - h
        below = k.stream_loss(model, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_loss_is_the_mean_of_minus_log_p(model):
    nats = []
    for n in (1, 2, 3):
        logits = plain_logits(model, TOKENS[:n])
        nats.append(math.log(sum(map(math.exp, logits))) - logits[TOKENS[n]])
    assert k.stream_loss(model, TOKENS[:4]).data == pytest.approx(sum(nats) / 3, rel=1e-9)


def test_token_nats_reads_in_windows(model):
    w, nats = k.freeze(model), []
    for i in range(len(TOKENS) - 1):
        logits = plain_logits(model, TOKENS[i // 5 * 5 : i + 1])
        nats.append(math.log(sum(map(math.exp, logits))) - logits[TOKENS[i + 1]])
    assert k.token_nats(w, TOKENS, 5) == pytest.approx(nats, rel=1e-9)


def test_train_takes_adam_steps_on_windows_of_the_stream(monkeypatch):
    monkeypatch.setattr(k, "WINDOW", 4)
    model, reference = [k.init_model(V, 2, random.Random(5)) for _ in range(2)]
    k.train("phase", model, TOKENS, 3, random.Random(6))
    params, rng = params_of(reference), random.Random(6)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2, 3):
        i = rng.randrange(len(TOKENS) - 4)
        for p in params:
            p.grad = 0.0
        k.stream_loss(reference, TOKENS[i : i + 5]).backward()
        k.adam_step(params, m, v, step, k.LEARNING_RATE * (4 - step) / 3, k.BETA1, k.BETA2)
    assert [p.data for p in params_of(model)] == [p.data for p in params]


def test_grouped_heads_are_heads_with_equal_keys():
    model = k.init_model(V, 2, random.Random(3))
    d = k.N_EMBD // k.N_HEAD
    wide = dict(model)
    for i in range(k.N_LAYER):
        for name in (f"wk{i}", f"wv{i}"):
            first, second = model[name][:d], model[name][d:]
            assert len(second) == d
            wide[name] = first + first + second + second
    assert value_logits(model, TOKENS) == value_logits(wide, TOKENS)


def test_sizes_of_the_variants():
    for n in (4, 2, 1):
        cache = k.Growing()
        k.decode(k.freeze(k.init_model(V, n, random.Random(0))), 3, cache, [0])
        pool = k.Pool(n * k.N_EMBD // k.N_HEAD, 5, 7)
        size = 2 * k.N_LAYER * n * k.N_EMBD // k.N_HEAD
        assert k.count_floats(cache) == size
        assert [k.count_floats(block) for block in pool.blocks] == [7 * size] * 5


# --- The cache -----------------------------------------------------------------------------------


def test_logits_are_bit_for_bit_the_same_in_all_ways(model):
    w, work = k.freeze(model), [0]
    kv = len(w["wk0"])
    cache, paged = k.Growing(), k.Paged(k.Pool(kv, 4, 5))
    for n, values in enumerate(value_logits(model, TOKENS), 1):
        exact = k.recompute(w, TOKENS[:n], work)
        assert exact == k.decode(w, TOKENS[n - 1], cache, work)
        assert exact == k.decode(w, TOKENS[n - 1], paged, work)
        assert exact == pytest.approx(values, abs=1e-12)


def test_multiplications_are_those_of_the_formula(model):
    w = k.freeze(model)
    kv, e, m, heads = len(w["wk0"]), k.N_EMBD, k.MLP * k.N_EMBD, k.N_HEAD
    keys = 2 * e + 2 * kv * e  # a norm; two matrices
    rest = (2 * e + e * e + e) + e + e * e + (2 * e + 2 * m * e)  # query, mean, wo, MLP
    each = 2 * e + heads  # q . k, weight * v, slope * distance: for each token looked at
    head = V * e
    cache = k.Growing()
    for n in range(1, len(TOKENS) + 1):
        work = [[0], [0]]
        k.decode(w, TOKENS[n - 1], cache, work[0])
        k.recompute(w, TOKENS[:n], work[1])
        pairs, layers = n * (n + 1) // 2, k.N_LAYER
        assert work[0] == [layers * (keys + rest + each * n) + head]
        unread = (n - 1) * rest + each * (pairs - n)  # of the last layer, where one query is needed
        assert work[1] == [layers * (n * (keys + rest) + each * pairs) + head - unread]


def test_times_counts_what_it_multiplies():
    work = [5]
    assert k.times([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], work) == [4.0, 10.0, 18.0]
    assert work == [8]


def test_only_the_first_layer_could_do_without_a_cache(model):
    w, slots = k.freeze(model), []
    for first in (1, 2):
        cache = k.Growing()
        for token in (first, 0, 3, 4):
            k.decode(w, token, cache, [0])
        slots.append(cache)
    assert slots[0][3][0] == slots[1][3][0]  # its keys and values are those of the token
    assert slots[0][3][1] != slots[1][3][1]  # the second layer's are of the whole past


def test_count_floats():
    assert k.count_floats([]) == 0
    assert k.count_floats([[1.0, 0.0], [[2.0]], []]) == 3


# --- Pages ---------------------------------------------------------------------------------------


def test_pages_hold_at_most_one_block_more_than_needed():
    pool = k.Pool(4, 6, 5)
    paged = k.Paged(pool)
    for n in range(1, 27):
        assert len(paged.grow()) == n
        assert len(paged.table) == math.ceil(n / 5)
    assert paged.table == [0, 1, 2, 3, 4, 5]
    for _ in range(4):
        paged.grow()
    with pytest.raises(IndexError):
        paged.grow()  # no block is free
    paged.close()
    assert sorted(pool.free) == [0, 1, 2, 3, 4, 5] and pool.refs == [0] * 6


def test_copy_on_write_step_by_step():
    pool = k.Pool(4, 8, 4)
    a = k.Paged(pool)
    for t in range(6):
        a.grow()[-1][0][0][:] = [float(t)] * 4
    b, c = a.fork(), a.fork()
    assert a.table == b.table == c.table == [0, 1] and pool.refs[:3] == [3, 3, 0]
    b.grow()[-1][0][0][:] = [9.0] * 4  # block 1 is shared: b gets a copy
    assert (a.table, b.table, pool.refs[:3]) == ([0, 1], [0, 2], [3, 2, 1])
    c.grow()[-1][0][0][:] = [8.0] * 4
    assert (c.table, pool.refs[:4]) == ([0, 3], [3, 1, 1, 1])
    a.grow()[-1][0][0][:] = [7.0] * 4  # nobody else reads block 1 any more: no copy
    assert (a.table, pool.refs[:4]) == ([0, 1], [3, 1, 1, 1])
    for cache, last in ((a, 7.0), (b, 9.0), (c, 8.0)):
        slots = cache.grow()
        assert [slot[0][0][0] for slot in slots[:7]] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, last]
    full = a.fork()
    a.grow()  # the last block is full: a new one is taken and nothing is copied
    assert full.table == [0, 1] and a.table[:2] == [0, 1] and pool.refs[1] == 2


def test_pages_against_plain_lists():
    """Random appends, forks and closes, beside copies of whole lists."""
    rng = random.Random(1)
    pool = k.Pool(2, 60, 3)
    pairs = [(k.Paged(pool), [])]
    for n in range(1000):
        choice, i = rng.random(), rng.randrange(len(pairs))
        paged, plain = pairs[i]
        if choice < 0.1 and len(pairs) < 6:
            pairs.append((paged.fork(), plain[:]))
        elif len(plain) > 25 or choice < 0.13:
            paged.close()
            pairs[i] = (k.Paged(pool), [])
        else:
            plain.append([float(n), rng.random()])
            slots = paged.grow()
            for layer in range(k.N_LAYER):
                slots[-1][layer][0][:] = plain[-1]
                slots[-1][layer][1][:] = plain[-1]
            for layer in range(k.N_LAYER):
                assert [slot[layer][0] for slot in slots] == plain
                assert [slot[layer][1] for slot in slots] == plain
        tables = [block for paged, _ in pairs for block in paged.table]
        assert pool.refs == [tables.count(block) for block in range(60)]
        assert sorted(pool.free) == [block for block in range(60) if block not in tables]


def test_serve_in_little_memory_writes_the_same_texts(monkeypatch):
    w = k.freeze(k.init_model(V, 1, random.Random(2)))
    kv, wanted, context = len(w["wk0"]), [1, 3, 2, 2, 9, 1], 24
    calls, decode = [], k.decode
    monkeypatch.setattr(k, "decode", lambda *args: calls.append(args[3][0]) or decode(*args))
    found = {}
    for size, page in ((2, 24), (8, 6), (6, 4), (200, 1)):
        pool = k.Pool(kv, size, page)
        calls.clear()
        history, texts, again, work = k.serve(w, pool, wanted, context, 5)
        assert len(calls) == again + sum(len(text) - 1 for text in texts)
        assert work > max(calls) and len(set(calls)) == len(calls)  # one count, through all calls
        assert sorted(pool.free) == list(range(size)) and pool.refs == [0] * size
        slot = 2 * k.N_LAYER * kv
        for tick in history:
            blocks = [block for *_, table in tick for block in table]
            assert len(blocks) == len(set(blocks)) <= size
            for _, length, held, table in tick:
                assert len(table) == math.ceil(length / page)
                assert held == len(table) * page * slot < (length + page) * slot
        found[size] = texts, again, len(history)
    for n, text in zip(wanted, found[2][0]):
        assert text.count(0) == n + 1 and text[-1] == 0 or len(text) == context + 1
        assert text.count(0) <= n + 1
    assert all(texts == found[2][0] for texts, *_ in found.values())
    assert found[2][1] == found[200][1] == 0 < found[6][1]  # only 6 blocks of 4 run out
    assert found[200][2] == max(len(text) for text in found[2][0]) - 1  # all of them at once


# --- Pictures ------------------------------------------------------------------------------------


def test_pictures(capsys):
    k.draw_costs({"#": [10, 100, 1000, 10000], "o": [10, 10, 10, 10]})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 12 and lines[0].split() == ["10,000", "#"] and lines[-1].split()[0] == "10"
    assert lines[-1].endswith(" oo")
    k.draw_blocks([[(0, 3, 0, [1])], [(0, 4, 0, [1]), (2, 1, 0, [0])]])
    assert capsys.readouterr().out.splitlines() == ["   block  0  .c", "   block  1  aa"]
    pool = k.Pool(1, 3, 2)
    a = k.Paged(pool)
    for _ in range(3):
        a.grow()
    k.draw_tables("title", pool, {"a": a, "b": a.fork()})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:5] == [
        ["table", "a", "0", "1"],
        ["table", "b", "0", "1"],
        ["block", "0", "1"],
        ["references", "2", "2"],
    ]


def test_draw_sharpens_by_the_temperature():
    logits, n = [0.0, 1.0, 0.5], 4000
    rng = random.Random(1)
    tokens = [k.draw(logits, rng) for _ in range(n)]
    exps = [math.exp(a / k.TEMPERATURE) for a in logits]
    for i, e in enumerate(exps):
        p = e / sum(exps)
        assert abs(tokens.count(i) - n * p) < 4 * math.sqrt(n * p * (1 - p))


def test_generate_draws_each_token_from_its_logits_and_keeps_each_cost():
    def logits_of(tokens, work):
        work[0] += 10 * len(tokens)
        return [0.0 if i == len(tokens) else -1000.0 for i in range(5)]  # tokens 1, 2, 3

    tokens, logits, costs = k.generate(logits_of, 3, random.Random(1))
    assert tokens == [0, 1, 2, 3]
    assert list(costs) == [10, 20, 30]
    assert logits[1] == [-1000.0, -1000.0, 0.0, -1000.0, -1000.0]
