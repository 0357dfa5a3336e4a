"""The facts that microkv.py teaches."""

import math
import random

import pytest
from scripts import load

k = load("microkv.py")
V = 9
TOKENS = [0, 3, 1, 7, 3, 0, 8, 8, 2, 5, 3, 1, 0, 4, 6, 6, 1, 0, 2]


def random_model(n_key_heads, seed=3):
    """A frozen model with larger parameters than a fresh one: softmax, relu are far from linear."""
    model = k.init_model(V, random.Random(seed), n_key_heads)
    for p in k.parameters(model):
        p.data *= 6.0
    return model


@pytest.fixture(params=[2, 1])
def model(request):
    return random_model(request.param)


@pytest.fixture
def four_heads(monkeypatch):
    monkeypatch.setattr(k, "N_HEAD", 4)
    monkeypatch.setattr(k, "SLOPES", (2.0, 0.5, 0.25, 0.125))


def plain_logits(model, tokens):
    """The logits after the last of tokens, written anew: all positions, one layer after another."""
    w = k.freeze(model)
    d = k.N_EMBD // k.N_HEAD
    share = k.N_HEAD // (len(w["layer0.key"]) // d)  # heads that share a key

    def matmul(m, x):
        return [sum(a * b for a, b in zip(row, x)) for row in m]

    def norm(x):
        size = math.sqrt(sum(v * v for v in x) / len(x) + 1e-5)
        return [v / size for v in x]

    xs = [w["token_embedding"][token] for token in tokens]
    for i in range(k.N_LAYER):
        q, ks, vs = [
            [matmul(w[f"layer{i}.{m}"], norm(x)) for x in xs] for m in ("query", "key", "value")
        ]
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
            x = [a + b for a, b in zip(x, matmul(w[f"layer{i}.output"], found))]
            hidden = [max(v, 0.0) for v in matmul(w[f"layer{i}.fc1"], norm(x))]
            new.append([a + b for a, b in zip(x, matmul(w[f"layer{i}.fc2"], hidden))])
        xs = new
    return matmul(w["lm_head"], xs[-1])


def all_logits(model, tokens, caches=None):
    caches = caches or k.new_caches()
    return [k.gpt(model, token, caches) for token in tokens]


# --- The data -------------------------------------------------------------------------------------


def test_join_puts_names_in_a_row():
    vocabulary = k.make_vocabulary(["mary", "ann", "bcdefghijklopqstuvwxz"])
    tokens = [k.tokenize(word, vocabulary) for word in ("mary", "ann")]
    assert k.join(tokens) == [0, 13, 1, 18, 25, 0, 1, 14, 14, 0]


def test_the_split():
    data = k.split_data(random.Random(4))
    assert len(data.held_out) == k.N_HELD_OUT and len(data.train_set) == 500
    both = data.train_set + data.held_out
    words = ["".join([data.vocabulary[token] for token in tokens[1:-1]]) for tokens in both]
    assert sorted(words) == sorted(k.NAMES.split()) and words != k.NAMES.split()


# --- The model and its training -------------------------------------------------------------------


def test_gpt_is_the_transformer_it_says_it_is(model):
    found = [[v.data for v in logits] for logits in all_logits(model, TOKENS)]
    for n in (1, 2, 7, len(TOKENS)):
        assert found[n - 1] == pytest.approx(plain_logits(model, TOKENS[:n]), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n_key_heads", [4, 2, 1])
def test_groups_of_heads_share_keys(four_heads, n_key_heads):
    model = random_model(n_key_heads)
    assert len(model["layer0.key"]) == len(model["layer1.value"]) == n_key_heads * k.N_EMBD // 4
    found = all_logits(k.freeze(model), TOKENS)
    assert found[-1] == pytest.approx(plain_logits(model, TOKENS), rel=1e-9, abs=1e-9)


def test_shared_keys_are_equal_keys(four_heads):
    model = random_model(2)
    d = k.N_EMBD // k.N_HEAD
    wide = dict(model)
    for i in range(k.N_LAYER):
        for name in (f"layer{i}.key", f"layer{i}.value"):
            first, second = model[name][:d], model[name][d:]
            assert len(second) == d
            wide[name] = first + first + second + second
    assert all_logits(k.freeze(model), TOKENS) == all_logits(k.freeze(wide), TOKENS)


def test_the_worked_example_of_attention(monkeypatch):
    monkeypatch.setattr(k, "N_HEAD", 1)
    monkeypatch.setattr(k, "SLOPES", (0.5,))
    identity = [[float(i == j) for j in range(4)] for i in range(4)]
    model = {"m.query": identity, "m.output": identity}
    cache = k.Cache()
    cache.keys += [[0.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 1.0], [0.0, 3.0, 2.0, 0.0]]
    cache.values += [[3.0] * 4, [1.0] * 4, [0.0] * 4]
    assert k.look([2.0, 0.0, 1.0, 0.0], 2, model, "m", cache)[0] == pytest.approx(0.738, abs=5e-4)


def test_loss_against_finite_differences(model):
    params, tokens = k.parameters(model), TOKENS[:7]
    k.word_loss(model, tokens).backward()
    used = [p for p in params if p.grad != 0.0]
    assert len(used) > len(params) // 2
    for p in random.Random(9).sample(used, 12):
        x, h = p.data, 1e-6
        p.data = x + h
        above = k.word_loss(model, tokens).data
        p.data = x - h
        below = k.word_loss(model, tokens).data
        p.data = x
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-4, abs=1e-8)


def test_train_takes_adam_steps_on_windows_of_the_text(monkeypatch):
    monkeypatch.setattr(k, "WINDOW", 4)
    model, reference = [k.init_model(V, random.Random(5), 1) for _ in range(2)]
    k.train("label", model, TOKENS, 3, random.Random(6))
    params, rng = k.parameters(reference), random.Random(6)
    m, v = [0.0] * len(params), [0.0] * len(params)
    for step in (1, 2, 3):
        i = rng.randrange(len(TOKENS) - 4)
        for p in params:
            p.grad = 0.0
        k.word_loss(reference, TOKENS[i : i + 5]).backward()
        k.adam_step(
            params, m, v, step, k.LEARNING_RATE * (4 - step) / 3, k.ADAM_BETA1, k.ADAM_BETA2
        )
    trained = [p.data for p in k.parameters(model)]
    assert trained == pytest.approx([p.data for p in params], rel=1e-12)


def test_all_models_see_the_same_windows(monkeypatch):
    seen = []
    monkeypatch.setattr(k, "word_loss", lambda model, window: seen.append(window) or k.Value(0.0))
    data = k.split_data(random.Random(1))
    for n_key_heads in (2, 1):
        k.trained_model(n_key_heads, data, 3, 8)
    assert seen[:3] == seen[3:] and seen[0] != seen[1]
    assert all([len(window) == k.WINDOW + 1 for window in seen])


def test_nats_by_name_reads_in_pieces(model):
    frozen = k.freeze(model)
    names = [[0, 3, 1, 7, 0], [0, 8, 0], [0, 2, 5, 3, 0]]
    text = [0, 3, 1, 7, 0, 8, 0, 2, 5, 3, 0]
    nats = []
    for i in range(len(text) - 1):
        logits = plain_logits(model, text[i // 4 * 4 : i + 1])
        nats.append(math.log(sum(map(math.exp, logits))) - logits[text[i + 1]])
    by_name = [sum(nats[:4]), sum(nats[4:6]), sum(nats[6:])]
    assert k.nats_by_name(frozen, names, 4) == pytest.approx(by_name, rel=1e-9)


# --- The cache ------------------------------------------------------------------------------------


def test_logits_are_the_same_to_the_last_bit_in_all_ways(model):
    frozen = k.freeze(model)
    caches = k.new_caches()
    text = k.PagedText(k.Pool(4, 5, k.key_size_of(frozen)))
    values = all_logits(model, TOKENS)
    for n in range(1, len(TOKENS) + 1):
        anew = k.logits_anew(frozen, TOKENS[:n])
        assert anew == k.logits_from_cache(frozen, TOKENS[:n], caches)
        assert anew == k.logits_from_cache(frozen, TOKENS[:n], text.caches)
        assert anew == [v.data for v in values[n - 1]]
        assert anew == pytest.approx(plain_logits(model, TOKENS[:n]), rel=1e-9, abs=1e-9)


def test_multiplications_in_full(model):
    frozen = k.freeze(model)
    key_size, e = k.key_size_of(frozen), k.N_EMBD
    keys = e + 2 * key_size * e  # a norm and two matrices
    rest = 2 * e * e + e + 8 * e * e  # query, output, another norm, the MLP
    caches = k.new_caches()
    for n in range(1, len(TOKENS) + 1):
        start = k.Work.multiplications
        k.logits_from_cache(frozen, TOKENS[:n], caches)
        middle = k.Work.multiplications
        k.logits_anew(frozen, TOKENS[:n])
        anew = k.Work.multiplications - middle
        pairs, head = n * (n + 1) // 2, V * e
        assert middle - start == 2 * (keys + rest + 2 * e * n) + head
        unread = (n - 1) * rest + 2 * e * (pairs - n)  # of the last layer, where one is looked at
        assert anew == 2 * (n * (keys + rest) + 2 * e * pairs) + head - unread


def test_formulas_are_the_multiplications_but_for_norms_and_lm_head():
    e = k.N_EMBD
    for n in (1, 2, 30):
        norms = 2 * 2 * e
        cached = 2 * (12 * e * e + 2 * e * n)
        assert k.formula_from_cache(n) == cached
        first = sum([12 * e * e + 2 * e * t for t in range(1, n + 1)])
        last = 12 * e * e + 2 * e * n + sum([2 * e * e for _ in range(n - 1)])
        assert k.formula_anew(n) == first + last
        assert norms < cached


def test_dot_counts_what_it_multiplies_in_floats():
    before = k.Work.multiplications
    assert k.dot([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]) == 32.0
    k.dot([k.Value(1.0)], [k.Value(2.0)])
    assert k.Work.multiplications == before + 3


def test_only_the_first_layer_could_do_without_a_cache(model):
    frozen, found = k.freeze(model), []
    for first in (1, 2):
        caches = k.new_caches()
        for token in (first, 0, 3, 4):
            k.gpt(frozen, token, caches)
        found.append(caches)
    assert found[0][0].keys[3] == found[1][0].keys[3]  # its key is that of the token
    assert found[0][1].keys[3] != found[1][1].keys[3]  # the second layer's is of the whole past


def test_write_draws_each_token_from_its_logits_and_keeps_each_cost(monkeypatch):
    monkeypatch.setattr(k, "CONTEXT", 3)

    def logits_of(tokens):
        k.Work.multiplications += 10 * len(tokens)
        return [0.0 if i == len(tokens) else -1000.0 for i in range(5)]  # tokens 1, 2, 3

    written = k.write(logits_of, random.Random(1))
    assert written.tokens == [0, 1, 2, 3]
    assert written.costs == [10, 20, 30]
    assert written.logits[1] == [-1000.0, -1000.0, 0.0, -1000.0, -1000.0]


# --- Blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, pages", [(0, 0), (1, 1), (8, 1), (9, 2), (16, 2), (17, 3)])
def test_pages_for(n, pages):
    assert k.pages_for(n, 8) == pages


def test_pool_refuses_before_it_changes_anything():
    pool = k.Pool(2, 3, 1)
    assert [pool.take(), pool.take()] == [0, 1]
    with pytest.raises(RuntimeError):
        pool.take()
    assert pool.references == [1, 1] and pool.free == [] and pool.n_taken() == 2
    pool.release(0)
    with pytest.raises(ValueError):
        pool.release(0)
    with pytest.raises(ValueError):
        pool.share(0)
    assert pool.references == [0, 1] and pool.free == [0]
    pool.share(1)
    pool.release(1)
    assert pool.references == [0, 1] and pool.n_taken() == 1


def read(text, number):
    """Append to all rows of a text, each a vector of its own."""
    for i, cache in enumerate(text.caches):
        cache.keys.append([number, 10.0 * i])
        cache.values.append([number, 10.0 * i + 1.0])


def contents(text):
    """The numbers that read() put into a text, after a look at where they stand."""
    for i, cache in enumerate(text.caches):
        assert [key[1] for key in cache.keys] == [10.0 * i] * text.n_tokens()
        assert [value[1] for value in cache.values] == [10.0 * i + 1.0] * text.n_tokens()
        assert len(cache.keys) == len(cache.values) == text.n_tokens()
    return [key[0] for key in text.caches[0].keys]


def test_a_text_takes_a_page_only_when_it_needs_one():
    pool = k.Pool(6, 5, 2)
    size = len(pool.memory)
    assert size == 6 * 5 * 2 * k.N_LAYER * 2
    text = k.PagedText(pool)
    for n in range(1, 31):
        assert text.needs_page() == (n % 5 == 1)
        read(text, float(n))
        assert text.n_tokens() == n and len(text.table) == math.ceil(n / 5)
    assert text.table == [0, 1, 2, 3, 4, 5] and len(pool.memory) == size
    with pytest.raises(RuntimeError):
        read(text, 31.0)
    assert contents(text) == [float(n) for n in range(1, 31)]
    text.close()
    assert sorted(pool.free) == [0, 1, 2, 3, 4, 5] and text.table == [] and text.n_tokens() == 0


def test_copy_on_write_step_by_step():
    pool = k.Pool(8, 4, 2)
    a = k.PagedText(pool)
    for t in range(6):
        read(a, float(t))
    b, c = a.fork(), a.fork()
    assert a.table == b.table == c.table == [0, 1] and pool.references[:3] == [3, 3, 0]
    assert b.needs_page()
    read(b, 9.0)  # page 1 is shared: b gets a copy
    assert (a.table, b.table, pool.references[:3]) == ([0, 1], [0, 2], [3, 2, 1])
    read(c, 8.0)
    assert (c.table, pool.references[:4]) == ([0, 3], [3, 1, 1, 1])
    assert not a.needs_page()
    read(a, 7.0)  # nobody else reads page 1 any more: no copy
    assert (a.table, pool.references[:4]) == ([0, 1], [3, 1, 1, 1])
    for text, last in ((a, 7.0), (b, 9.0), (c, 8.0)):
        read(text, 5.5)
        assert contents(text) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, last, 5.5]
    full = a.fork()
    read(a, 6.5)  # the last page is full: a new one is taken and nothing is copied
    assert full.table == [0, 1] and a.table[:2] == [0, 1] and pool.references[1] == 2


def test_pages_against_plain_lists():
    """Random appends, forks and closes, beside copies of whole lists."""
    rng = random.Random(1)
    pool = k.Pool(60, 3, 2)
    pairs = [(k.PagedText(pool), [])]
    for n in range(1000):
        choice, i = rng.random(), rng.randrange(len(pairs))
        text, plain = pairs[i]
        if choice < 0.1 and len(pairs) < 6:
            pairs.append((text.fork(), plain[:]))
        elif len(plain) > 25 or choice < 0.13:
            text.close()
            pairs[i] = (k.PagedText(pool), [])
        else:
            plain.append(float(n))
            read(text, float(n))
            assert contents(text) == plain
        tables = [page for text, _ in pairs for page in text.table]
        assert pool.references == [tables.count(page) for page in range(60)]
        assert sorted(pool.free) == [page for page in range(60) if page not in tables]


# --- The server -----------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch):
    """{(pages, page): (requests, steps, how many times gpt() was called)}"""
    monkeypatch.setattr(k, "CONTEXT", 24)
    monkeypatch.setattr(k, "ROOM", 2)
    frozen = k.freeze(k.init_model(V, random.Random(2), 1))
    calls, gpt = [], k.gpt
    monkeypatch.setattr(k, "gpt", lambda *args: calls.append(args[1]) or gpt(*args))
    result = {}
    for n_pages, page in ((2, 24), (8, 6), (6, 4), (200, 1)):
        pool = k.Pool(n_pages, page, k.key_size_of(frozen))
        requests = []
        for i, n_names in enumerate([1, 3, 2, 2, 9, 1]):
            requests.append(k.Request("abcdef"[i], n_names, random.Random(i)))
        calls.clear()
        steps = k.Server(frozen, pool, requests).run("label")
        assert sorted(pool.free) == list(range(n_pages)) and set(pool.references) == {0}
        result[n_pages, page] = requests, steps, len(calls)
    return result


def test_every_memory_writes_the_same_texts(served):
    texts = [[request.tokens for request in requests] for requests, *_ in served.values()]
    assert all([text == texts[0] for text in texts])
    for n_names, tokens in zip([1, 3, 2, 2, 9, 1], texts[0]):
        assert tokens.count(0) <= n_names + 1
        assert tokens.count(0) == n_names + 1 and tokens[-1] == 0 or len(tokens) == 25


def test_steps_are_counted_in_full(served):
    for (n_pages, page), (requests, steps, n_calls) in served.items():
        n_written = sum([len(request.tokens) - 1 for request in requests])
        n_again = sum([step.n_read_again for step in steps])
        assert n_calls == n_written + n_again == sum([len(step.tables) for step in steps])
        for step in steps:
            pages = [page for table in step.tables.values() for page in table]
            assert len(pages) == len(set(pages)) <= n_pages
            assert step.n_room == len(pages) * page
            assert step.n_room - page * len(step.tables) < step.n_used <= step.n_room
    assert sum([step.n_read_again for step in served[6, 4][1]]) > 0  # 6 pages of 4 run out
    for enough in ((2, 24), (200, 1)):
        assert sum([step.n_read_again for step in served[enough][1]]) == 0
    requests, steps, _ = served[200, 1]
    assert len(steps) == max([len(request.tokens) for request in requests]) - 1  # all at once
    assert max([len(step.tables) for step in served[2, 24][1]]) == 2  # there are two rooms


def test_a_pool_too_small_for_one_text_is_refused():
    frozen = k.freeze(k.init_model(V, random.Random(2), 1))
    n_pages = k.pages_for(k.CONTEXT, 8)
    requests = [k.Request("a", 1, random.Random(1))]
    k.Server(frozen, k.Pool(n_pages, 8, 4), requests)
    with pytest.raises(ValueError):
        k.Server(frozen, k.Pool(n_pages - 1, 8, 4), requests)


def test_the_newest_text_gives_up_its_pages():
    frozen = k.freeze(k.init_model(V, random.Random(2), 1))
    pool = k.Pool(12, 8, k.key_size_of(frozen))
    requests = [k.Request(name, 12, random.Random(name)) for name in "abc"]
    server = k.Server(frozen, pool, requests)
    for _ in range(3):
        server.step()
    assert [request.name for request in server.running] == ["a", "b", "c"]
    assert [request.tokens[0] for request in server.running] == [0, 0, 0]
    server.evict()
    assert server.waiting[0].name == "c" and len(server.waiting[0].tokens) == 4
    assert pool.n_taken() == 2
    n_read = [server.step().n_read_again for _ in range(4)]
    assert n_read == [1, 1, 1, 0]  # three tokens again, and then a new one


def test_admission_keeps_a_page_for_each_text_that_may_grow(monkeypatch):
    monkeypatch.setattr(k, "CONTEXT", 16)
    frozen = k.freeze(k.init_model(V, random.Random(2), 1))
    requests = [k.Request(name, 5, random.Random(name)) for name in "abcdef"]
    server = k.Server(frozen, k.Pool(7, 8, k.key_size_of(frozen)), requests)
    server.admit()
    assert len(server.running) == 3  # each may need two pages: six of seven
    server.running[0].tokens = [0] * 16
    assert server.may_need(server.running[0]) == 2  # it has no more to grow


def test_served_means():
    steps = [k.Step({"a": [0], "b": [1]}, 6, 16, 0), k.Step({"a": [0]}, 6, 8, 1)]
    served = k.Served([], steps, 0)
    assert served.texts_at_once() == 1.5
    assert (served.n_room(), served.n_used()) == (12.0, 6.0)
    model = k.freeze(k.init_model(V, random.Random(2), 1))
    n_parameters = len(k.parameters(k.init_model(V, random.Random(2), 1)))
    assert served.n_read(model) == 2 * n_parameters + 12 * 2 * k.N_LAYER * 4


# --- The output -----------------------------------------------------------------------------------


def test_part_1_claims_the_growth(capsys, monkeypatch):
    monkeypatch.setattr(k, "CONTEXT", 48)
    frozen = k.freeze(k.init_model(27, random.Random(2)))
    vocabulary = ["<>", *"abcdefghijklmnopqrstuvwxyz"]
    assert all([claim.startswith("[ok]") for claim in k.one_text_three_ways(frozen, vocabulary, 1)])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    table = {row[0]: row[1:] for row in rows if len(row) == 5 and "," in "".join(row)}
    assert float(table["48"][2]) > 1.5 * float(table["24"][2]) > 12.0
    assert abs(float(table["48"][2]) / float(table["48"][3]) - 1.0) < 0.1
    # Keys of another text in the cache are found out.
    monkeypatch.setattr(
        k, "logits_from_cache", lambda model, tokens, caches: k.gpt(model, 1, caches)
    )
    assert k.one_text_three_ways(frozen, vocabulary, 1)[0].startswith("[no]")


def test_a_fork_that_shares_too_much_is_found_out(capsys, monkeypatch):
    frozen = k.freeze(random_model(2))
    data = k.Data(list("abcdefghi"), [], [[0, 3, 1, 7, 3, 8, 0]] * 6)
    assert k.one_beginning_four_texts(frozen, data, 1)[0].startswith("[ok]")
    monkeypatch.setattr(k.PagedText, "copy_page", lambda self, index: None)
    assert k.one_beginning_four_texts(frozen, data, 1)[0].startswith("[no]")


def test_part_3_counts_pages(capsys):
    data = k.Data(list("abcdefghi"), [], [[0, 3, 1, 7, 0]] * 6)
    k.one_beginning_four_texts(k.freeze(random_model(1)), data, 1)
    out = capsys.readouterr().out
    assert "10 pages are taken; without sharing it would be 16" in out
    assert out.count("in so many") == 3 and "4   4   1   1   1   1\n" in out


def test_an_untrained_model_fails_part_4(capsys):
    data = k.split_data(random.Random(4))
    small = data._replace(held_out=data.held_out[:12], train_set=data.train_set[:40])
    models = {n: k.freeze(k.init_model(27, random.Random(1), n)) for n in (2, 1)}
    claims = k.fewer_keys(models, small)
    assert claims[0].startswith("[no]")
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [row for row in rows if row[1:3] in (["key", "heads"], ["key", "head"])]
    kept = {row[0]: row[3:5] for row in rows if "pay" not in " ".join(row)}
    assert kept == {"2": ["32", "1,968"], "1": ["16", "1,840"]}


def test_published_models(capsys):
    k.print_published_models()
    out = capsys.readouterr().out
    assert "524,288 bytes a token,   2.00 GiB" in out and "327,680 bytes a token,   1.25 GiB" in out
    assert "2,621,440 bytes a token,  10.00 GiB" in out


def test_pictures(capsys):
    k.draw_costs({"#": [10, 100, 1000, 10000], "o": [10, 10, 10, 10]}, width=4, height=4)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "      10,000 |   #",
        "       1,000 |  #",
        "         100 | #",
        "          10 |oooo",
    ]
    k.draw_pages([{"a": [1]}, {"a": [1], "c": [0]}], 2)
    assert capsys.readouterr().out.splitlines()[:2] == ["   page  0  .c", "   page  1  aa"]
    k.draw_pages([{"a": [0]}, {"b": [0]}, {"c": [0]}, {"d": [0]}], 1, width=2)
    assert capsys.readouterr().out.splitlines()[0] == "   page  0  ac"  # every second step
    pool = k.Pool(3, 2, 2)
    a = k.PagedText(pool)
    for _ in range(3):
        read(a, 1.0)
    k.draw_tables("title", pool, {"a": a, "b": a.fork()})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:5] == [
        ["table", "of", "a", "0", "1"],
        ["table", "of", "b", "0", "1"],
        ["page", "0", "1"],
        ["in", "so", "many", "2", "2"],
    ]


def test_show_text():
    assert k.show_text([0, 1, 2, 0, 2, 0], ["<>", "a", "b"]) == "ab b"


def test_claims_of_part_4_allow_for_two_errors():
    lead, worth = k.Estimate(0.5, 0.2), k.Estimate(0.2, 0.05)
    claims = k.claims_of_part_4(lead, k.Estimate(0.05, 0.02), worth)
    assert [claim[:4] for claim in claims] == ["[ok]", "[ok]"] and "under 0.090" in claims[1]
    claims = k.claims_of_part_4(k.Estimate(0.4, 0.2), k.Estimate(0.05, 0.03), worth)
    assert [claim[:4] for claim in claims] == ["[no]", "[no]"]
    assert k.claims_of_part_4(lead, k.Estimate(0.1, 0.0), worth)[1].startswith("[no]")


def test_counting_rules_are_at_their_best():
    data = k.split_data(random.Random(4))
    small = data._replace(held_out=data.held_out[:20], train_set=data.train_set[:100])
    rule = k.counting_rule(small, 1)
    losses = {}
    for alpha in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
        rule_there = k.counting_rule(small, 1)
        rule_there.alpha = alpha
        losses[alpha] = sum([rule_there.nats(tokens) for tokens in small.held_out])
    assert rule.alpha == min(losses, key=losses.get) != 1.0


def test_serving_shows_how_many_texts_are_done(capsys):
    frozen = k.freeze(k.init_model(V, random.Random(2), 1))
    requests = [k.Request(name, 1, random.Random(name)) for name in "abcdefghijkl"]
    k.Server(frozen, k.Pool(24, 8, k.key_size_of(frozen)), requests).run("serving")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("serving  12/12")
    assert len(lines) > 1


def test_training_is_shown_with_the_number_of_key_heads(monkeypatch):
    labels = []
    monkeypatch.setattr(k, "train", lambda label, *args: labels.append(label))
    data = k.Data(["<>", "a"], [[0, 1, 0]], [[0, 1, 0]])
    for n_key_heads in (1, 2):
        k.trained_model(n_key_heads, data, 1, 1)
    assert labels == ["training, 1 key head", "training, 2 key heads"]
