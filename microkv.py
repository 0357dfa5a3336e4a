"""A key never changes once it is computed, so keep it: the KV cache, and how to share its memory.

    python microkv.py        about 25 seconds; nothing to install, nothing to download

A language model writes one token after another, and each token looks back at a key and a value of
every token before it. Here a small GPT learns given names and writes the same 96 tokens in three
ways: it computes all keys and values anew for each token, it keeps them in a list, it keeps them in
pages of a memory that many texts share. You will see what keeping them saves, how many texts fit
into a memory that is cut into pages, how several texts share one beginning, and what is left of the
cache if heads share their keys and values.

When to use a cache: whenever a causal transformer writes more than a few tokens. When to cut its
memory into pages: if many texts of unknown length are written at the same time. When not: one text
alone gains nothing from pages; and training needs no cache, as it knows all tokens at once.

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. If you know microgpt.py, read of section 2 the class Work and dot(), which
count multiplications; of section 3 how it begins, and attention(); of section 4 train(), which
takes a piece of a text. In section 6, mean_and_error() and CountingRule are the same. Section 5 is
the lesson, section 6 measures it. Section 7 has main(), and things to try: there the tutorial ends.
Below are tools and the names.

Papers: a cache in pages (vLLM), arXiv:2309.06180; keys for all heads or one (multi-query
attention), arXiv:1911.02150; for groups of heads, arXiv:2305.13245; the distance in attention
(ALiBi), arXiv:2108.12409; RMSNorm, arXiv:1910.07467; Adam, arXiv:1412.6980; the counting rule,
after MacKay and Peto 1995.
"""

import argparse
import collections
import gc
import math
import operator
import os
import random
import select
import sys
import time
from typing import NamedTuple

# The model. What these words mean is said in section 3.
N_LAYER = 2  # one after the other; with one alone, a key would depend on its own token only
N_EMBD = 8  # each position of a text is described by this many numbers
N_HEAD = 2  # attention heads of a layer; N_EMBD must be a multiple of it
SLOPES = (1.0, 0.125)  # one for each head: how much a token of distance lowers a score
# (ALiBi would take 1/16 and 1/256 for two heads. These are steeper, as the texts are shorter.)
INIT_STD = 0.08  # standard deviation of the random numbers that the model starts from

# The training, section 4.
STEPS = 300  # steps of learning, for each of two models
WINDOW = 24  # tokens that are read in a step
LEARNING_RATE = 0.03  # how far a parameter moves in an early step; falls almost to 0
# (Tried at four other seeds, on names of those to learn from: 0.02 and 0.04 were a little worse.)
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps

# The experiments, section 6.
N_HELD_OUT = 100  # names that the models are tested on
CONTEXT = 96  # the longest text, in tokens
TEMPERATURE = 0.7  # for writing: below 1, likely letters become likelier still
PAGE_SIZE = 8  # tokens in a page of the shared memory; in vLLM usually 16
N_REQUESTS = 24  # texts to be written, 26 at most: each has a letter
ROOM = 2  # the shared memory has room for so many texts of CONTEXT tokens
N_PROMPT = 20  # tokens of a beginning that several texts share
N_MORE = 12  # tokens that each of them adds


# ===== 1. Data: names in a row ====================================================================
#
# The names stand at the end of the file: mary, james, patricia ... The model sees no letters, only
# numbers called tokens. Token 0 is the boundary between two names. The other 26 tokens are the
# letters. A text is many names in a row, which is long enough to make a cache worth while:
#
#     join([tokenize("mary", vocabulary), tokenize("ann", vocabulary)])
#         =  [0, 13, 1, 18, 25, 0, 1, 14, 14, 0]
#
# The task is always the same: given the tokens so far, say how likely each token is to come next. A
# guess is judged by the probability p that it gave to the token that really came: it pays -log p.
# The mean of that over many guesses is called the loss; the better the guesses, the smaller it is.
#
# A model could learn its names by heart and be of no use for any other. So N_HELD_OUT names are
# held out: the model never learns from them, and it is judged by them.

BOUNDARY = "<>"  # two characters, so that no letter can be mistaken for it


def make_vocabulary(words):
    """All tokens, in order: token i stands for vocabulary[i]."""
    return [BOUNDARY] + sorted(set("".join(words)))


def tokenize(word, vocabulary):
    """Turn a word into a list of tokens, with the boundary on both sides."""
    letters = [vocabulary.index(letter) for letter in word]
    return [0] + letters + [0]


class Data(NamedTuple):
    """The names, split in two, as lists of tokens."""

    vocabulary: list
    train_set: list
    held_out: list


def split_data(rng):
    """Shuffle the names and hold out N_HELD_OUT of them."""
    names = NAMES.split()
    rng.shuffle(names)
    vocabulary = make_vocabulary(names)
    tokens = [tokenize(name, vocabulary) for name in names]
    return Data(vocabulary, tokens[N_HELD_OUT:], tokens[:N_HELD_OUT])


def join(token_lists):
    """Names in a row, as one list of tokens, with one boundary between two of them."""
    text = [0]
    for tokens in token_lists:
        text += tokens[1:]
    return text


# ===== 2. Autograd: derivatives without doing the calculus by hand ================================
#
# The model has parameters: numbers that start out random and are to become good ones. How good they
# are is measured by a single number, the loss L, which is small when the model does well. To
# improve a parameter p we need the derivative dL/dp, the rate at which L grows as p grows. Where it
# is positive, p should shrink; where it is negative, p should grow. All these derivatives together
# are called the gradient.
#
# L comes from the parameters by thousands of small operations. Let each operation remember the
# numbers that went into it, its children, and its own derivative with respect to each of them. For
# c = a * b these derivatives are dc/da = b and dc/db = a. Then walk backwards, from L to the
# parameters. A number c that knows dL/dc can tell each child its share by the chain rule:
#
#     dL/da = dL/dc * dc/da
#
# A small example: a = 2, b = 5, c = a * b = 10 and L = c + b = 15. Backwards,
#
#     dL/dL = 1
#     dL/dc = 1                                 as L = c + b
#     dL/da = dL/dc * dc/da      = 1 * 5     = 5
#     dL/db = dL/dc * dc/db + 1  = 1 * 2 + 1 = 3     b reaches L by two routes: they add up
#
# One such walk gives all derivatives at once. It is called backpropagation.


class Value:
    """A number that remembers what it was computed from.

    data          the number, a float
    grad          dL/d(data), known after L.backward()
    _prev         its children, the Values that it was computed from; a leaf has none
    _local_grads  d(data)/d(child.data) for each child, in the same order
    """

    __slots__ = ("data", "grad", "_prev", "_local_grads")

    def __init__(self, data, children=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self._prev = children
        self._local_grads = local_grads

    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))

    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))

    def __pow__(self, exponent):  # the exponent is a plain number
        result = self.data**exponent
        if isinstance(result, complex):
            raise ValueError(f"({self.data}) ** {exponent} is not a real number")
        slope = exponent * self.data ** (exponent - 1) if exponent else 0.0  # x ** 0 is constant
        return Value(result, (self,), (slope,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1.0

    def __radd__(self, other):  # number + Value
        return self + other

    def __rmul__(self, other):  # number * Value
        return self * other

    def __rsub__(self, other):  # number - Value
        return -self + other

    def __rtruediv__(self, other):  # number / Value
        return self**-1.0 * other

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    def tanh(self):
        result = math.tanh(self.data)
        return Value(result, (self,), (1.0 - result * result,))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def relu(self):
        if self.data <= 0.0:
            return Value(0.0)  # flat here: no gradient goes back, so it is a leaf
        return Value(self.data, (self,), (1.0,))

    def log(self):
        # log(0) does not exist. A number below 1e-10 counts as 1e-10, in the slope, too.
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        """Give each child its share of this node's gradient, by the chain rule."""
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad  # += because a child may be used more than once

    def backward(self):
        """Compute dL/dv for every Value v that this one, L, was computed from.

        Leaves, such as parameters, add it to the grad they have: clear it before each step.
        """
        # A node, a Value with children, may pass its gradient on only after all nodes that use it
        # have passed on theirs. So list the nodes, each after its children (a topological order),
        # and walk the list from its end. Recursion would make the list like this:
        #
        #     def visit(node):
        #         if node not in visited:
        #             visited.add(node)
        #             for child in node._prev:
        #                 visit(child)
        #             order.append(node)
        #
        # But Python stops recursion at about 1,000 calls, so we keep a stack and pop from its end:
        #     a new node            push it again, then a mark, written |, then its children
        #     a mark                all children of the node before it are listed: pop and list it
        #     a node seen before    nothing is left to do
        #
        # For L = c + d, c = a * b and d = c * a (a and b are leaves, and pass nothing on):
        #
        #     stack                       list      popped is
        #     L                                     L, new: push L, |, c and d
        #     L | c d                               d, new: push d, | and c
        #     L | c d | c                           c, new: push c and |
        #     L | c d | c |                         a mark: pop and list c
        #     L | c d |                   c         a mark: pop and list d
        #     L | c                       c d       c, seen before
        #     L |                         c d       a mark: pop and list L
        #                                 c d L     walk back: L, d, c
        order = []
        visited = set()
        stack = [self] if self._prev else []  # a leaf has nothing to pass on
        while stack:
            node = stack.pop()
            if node is None:  # the mark |
                order.append(stack.pop())
            elif node not in visited:
                visited.add(node)
                node.grad = 0.0  # forget an earlier walk; only leaves keep what they have
                stack.append(node)
                stack.append(None)
                for child in node._prev:
                    if child._prev and child not in visited:
                        stack.append(child)
        self.grad += 1.0  # dL/dL
        for node in reversed(order):
            node._backward()


# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

# (That is for readers of the other scripts, which share this section.)
#
# The model will be built from the functions below. A node may stand for any function whose
# derivatives we can write down. The dot product s = a1*b1 + ... + an*bn would take 2n - 1 nodes of
# + and *. As a single node with 2n children it is the same sum with far less bookkeeping:
# ds/d(ai) = bi and ds/d(bi) = ai.
#
# Where no derivative is needed, as in a model that is only used, plain floats will do. So these
# functions give Values for Values and floats for floats. math.fsum rounds a sum only once, which
# makes it the same on every version of Python.


class Work:
    """How many multiplications dot() has done in floats so far. Read it before and after."""

    multiplications = 0


def dot(a, b):
    """The dot product of two equally long lists, of Values (as one node) or of floats."""
    if not isinstance(a[0], Value):
        Work.multiplications += len(a)
        return math.fsum(map(operator.mul, a, b))
    a_data = [v.data for v in a]
    b_data = [v.data for v in b]
    total = math.fsum(map(operator.mul, a_data, b_data))
    return Value(total, (*a, *b), (*b_data, *a_data))


def vsum(values):
    """The sum of a list, of Values (as one node) or of floats."""
    if not isinstance(values[0], Value):
        return math.fsum(values)
    total = math.fsum([v.data for v in values])
    return Value(total, tuple(values), (1.0,) * len(values))


def exp(x):
    """e to the power of a Value or a float."""
    return x.exp() if isinstance(x, Value) else math.exp(x)


def relu(x):
    """The larger of x and 0, for a Value or a float."""
    return x.relu() if isinstance(x, Value) else max(x, 0.0)


def safe_log(p):
    """log(p) of a probability, a Value or a float, with p below 1e-10 taken as 1e-10."""
    # A probability can round to 0.0, which has no log: without the limit the run would end in an
    # error. With it, no guess costs more than -log(1e-10), about 23. (Large programs compute log
    # and softmax together, in one formula that needs no limit.)
    return p.log() if isinstance(p, Value) else math.log(max(p, 1e-10))


def linear(x, matrix):
    """Matrix times vector: the dot product of each row with x. Gives a number for each row."""
    if not isinstance(x[0], Value):
        return [dot(row, x) for row in matrix]
    # The same for Values. As x stands in every product, its numbers are read only once.
    x_data = [v.data for v in x]
    products = []
    for row in matrix:
        row_data = [v.data for v in row]
        total = math.fsum(map(operator.mul, row_data, x_data))
        products.append(Value(total, (*row, *x), (*x_data, *row_data)))
    return products


def add(x, y):
    """The sum of two equally long vectors, number by number."""
    return [a + b for a, b in zip(x, y)]


def softmax(logits):
    """Turn scores of any size (logits) into probabilities: p_i = exp(x_i) / sum_j exp(x_j)."""
    # Subtracting the same number from all scores changes nothing: it cancels in the fraction. We
    # subtract the largest, so that no exponent is above 0; exp(710) is more than a float can hold.
    largest = max(x.data if isinstance(x, Value) else x for x in logits)
    exps = [exp(x - largest) for x in logits]
    inverse = vsum(exps) ** -1
    return [e * inverse for e in exps]


def rmsnorm(x):
    """Divide a vector by the root of its mean square, so that its numbers are about 1 in size."""
    # Without it, sizes could grow or shrink from layer to layer. 1e-5 avoids a division by 0.
    mean_square = dot(x, x) * (1.0 / len(x))
    scale = (mean_square + 1e-5) ** -0.5
    return [v * scale for v in x]


# ===== 3. Model: a transformer that may read on and on ============================================
#
# The model reads a text token by token, and says after each one how likely every token is to come
# next. It describes each position of the text by a vector: a list of N_EMBD numbers. At first these
# are the row of its token in a table, which is called the embedding; the rows start random and are
# learned like all else. Then each of N_LAYER layers, also called blocks, changes it twice:
#
#     attention   lets a position collect what it needs from all positions so far
#     MLP         works on what one position has collected
#
# At the end a last matrix turns the description into a score for each token, called its logit, and
# softmax (section 2) turns the scores into probabilities. In short:
#
#     token  ->  N_EMBD numbers  ->  attention, MLP  ->  ...  ->  N_EMBD numbers  ->  all logits
#
# If you know microgpt.py: there is no table of positions here. A text may grow longer than any that
# was read in training, and a row for position 90 would still be random. Instead, attention lowers a
# score by distance (ALiBi). Attention also stands in two functions, remember() and look(), as
# section 5 needs the first alone; heads may share keys and values; the embedding is not normalized;
# and dot() counts.


def gaussian_rows(rows, columns, std, rng):
    """A matrix of random Values."""
    return [[Value(rng.gauss(0.0, std)) for _ in range(columns)] for _ in range(rows)]


def init_model(vocabulary_size, rng, n_key_heads=N_HEAD):
    """All matrices of the model by name, filled with random numbers."""
    # n_key_heads is how many heads have keys and values of their own; the others share them.
    key_size = n_key_heads * (N_EMBD // N_HEAD)  # the numbers in a key, and in a value

    def matrix(rows, columns):
        return gaussian_rows(rows, columns, INIT_STD, rng)

    model = {
        "token_embedding": matrix(vocabulary_size, N_EMBD),  # a row for each token
        "lm_head": matrix(vocabulary_size, N_EMBD),  # vector -> a logit for each token
    }
    for i in range(N_LAYER):
        model[f"layer{i}.query"] = matrix(N_EMBD, N_EMBD)  # vector -> query
        model[f"layer{i}.key"] = matrix(key_size, N_EMBD)  # vector -> key
        model[f"layer{i}.value"] = matrix(key_size, N_EMBD)  # vector -> value
        model[f"layer{i}.output"] = matrix(N_EMBD, N_EMBD)  # vector -> vector
        model[f"layer{i}.fc1"] = matrix(4 * N_EMBD, N_EMBD)  # vector -> hidden units
        model[f"layer{i}.fc2"] = matrix(N_EMBD, 4 * N_EMBD)  # hidden units -> vector
    return model


def parameters(model):
    """All parameters of the model, as one flat list of Values."""
    return [p for matrix in model.values() for row in matrix for p in row]


def freeze(model):
    """A copy of the model in plain floats, for reading and writing without derivatives."""
    return {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}


class Cache:
    """What a layer keeps of the positions that it has read, the newest last."""

    def __init__(self):
        self.keys = []  # a vector for each position
        self.values = []  # a vector for each position


def new_caches():
    """Empty caches, one for each block, to start reading a word."""
    return [Cache() for _ in range(N_LAYER)]


def attention(x, model, layer, cache):
    """Let the newest position, described by the vector x, collect what it needs. Gives a vector."""
    # (As in microgpt.py, but for the distance, and for keys that heads may share.)
    #
    # From x each position makes three vectors: a query (what am I looking for?), a key (what is
    # there to be found here?) and a value (what do I hand over? Nothing to do with the class
    # Value). The keys and values of all positions so far are in the cache. The newest query is
    # compared with each key by a dot product; the better they match, the larger the score. softmax
    # turns the scores into weights that add up to 1, and the values are averaged with them.
    #
    # Say the model reads "ma", "a" being the newest, and vectors had 4 numbers. The query of "a" is
    # (2, 0, 1, 0), and each token of distance costs 0.5:
    #
    #                    key        product        score          weight   first number of value
    #     boundary   (0, 1, 0, 2)      0      0/2 - 2 * 0.5 = -1    0.05             3
    #     m          (1, 0, 2, 1)      4      4/2 - 1 * 0.5 = 1.5   0.59             1
    #     a          (0, 3, 2, 0)      2      2/2 - 0 * 0.5 = 1     0.36             0
    #
    # So the first number that "a" collects is 0.05 * 3 + 0.59 * 1 + 0.36 * 0 = 0.74. The products
    # are divided by sqrt(4), the root of the length: sums of random products grow like that root,
    # and with very large scores all weight would fall on one position. What a token of distance
    # costs is the slope of the head, from SLOPES. With a slope of 1, a head sees little beyond the
    # last four or five tokens; with 1/8, a key 8 tokens back still counts 1/e of what it would
    # with no slope.
    #
    # All this is done N_HEAD times side by side, each time on another slice of the vectors. Each of
    # these is called a head. What the heads have collected is joined to one vector, and the output
    # matrix mixes it.
    #
    # No position can look ahead: later keys are not in the cache yet. Such a model is called
    # causal.
    remember(x, model, layer, cache)
    newest = len(cache.keys) - 1
    return look(x, newest, model, layer, cache)


def remember(x, model, layer, cache):
    """Put the key and the value of a position into the cache."""
    cache.keys.append(linear(x, model[f"{layer}.key"]))
    cache.values.append(linear(x, model[f"{layer}.value"]))


def look(x, here, model, layer, cache):
    """Average the values in the cache, by how well their keys match the query of position here."""
    # With as many key heads as heads, each head has keys of its own: multi-head attention. With
    # fewer, neighbouring heads share: grouped-query attention. With 4 heads and 2 key heads,
    # heads 0 and 1 read the first half of a key, and heads 2 and 3 read the second half. With
    # one, all heads read the same key: multi-query attention. A head always has a query of its own.
    query = linear(x, model[f"{layer}.query"])
    size = len(x) // N_HEAD
    keys = list(cache.keys)
    values = list(cache.values)
    n_key_heads = len(keys[0]) // size
    collected = []
    for head in range(N_HEAD):
        group = head * n_key_heads // N_HEAD
        first = group * size  # where the numbers of this group begin in a key and in a value
        own_query = [q * size**-0.5 for q in query[head * size : (head + 1) * size]]
        scores = []
        for position, key in enumerate(keys):
            distance = abs(here - position)  # abs(): one model of part 1 looks ahead
            score = dot(own_query, key[first : first + size])
            scores.append(score - SLOPES[head] * distance)
        weights = softmax(scores)
        for j in range(first, first + size):
            number_j_of_values = [value[j] for value in values]
            collected.append(dot(weights, number_j_of_values))  # their weighted mean
    return linear(collected, model[f"{layer}.output"])


def mlp(x, model, layer):
    """Work on the vector x of one position alone. Gives a vector of the same length."""
    # MLP is short for multi-layer perceptron: a matrix (fc1), relu, another matrix (fc2). Each of
    # the 4 * N_EMBD numbers in between, a hidden unit, asks something about x: it is 0, for no, or
    # positive, the more so the clearer the answer. A unit of 0.5 adds 0.5 times its own column of
    # fc2 to the result. Without relu the two matrices would collapse into one.
    hidden = [relu(h) for h in linear(x, model[f"{layer}.fc1"])]
    return linear(hidden, model[f"{layer}.fc2"])


def run_layer(x, model, layer, cache):
    """What a layer makes of the vector x of the newest position."""
    # Attention and MLP each add something to x and never replace it. Sums pass a gradient on
    # unchanged, so it also reaches what lies far below. x grows with each thing that is added, so
    # attention and MLP read a normalized copy.
    x = add(x, attention(rmsnorm(x), model, layer, cache))
    return add(x, mlp(rmsnorm(x), model, layer))


def gpt(model, token, caches):
    """Read one more token. Return the logits, a score for each token as the next one."""
    x = model["token_embedding"][token]
    for i, cache in enumerate(caches):
        x = run_layer(x, model, f"layer{i}", cache)
    return linear(x, model["lm_head"])


def log_probs(model, tokens):
    """Let the model read a word. Return log p(next token) at each position, as one list."""
    caches = new_caches()
    result = []
    for token, target in zip(tokens, tokens[1:]):
        probs = softmax(gpt(model, token, caches))
        result.append(safe_log(probs[target]))
    return result


def word_loss(model, *words):
    """The mean of -log p(next token) over all tokens of one or more words, lists of tokens."""
    # If the model gave probability p to the token that really came, it pays -log p: 0 for p = 1,
    # 0.69 for p = 1/2, 3.30 for p = 1/27. Why the logarithm? The probability of a whole word is the
    # product of those of its tokens, and logarithms turn it into a sum. The unit is the nat, as
    # these logarithms are natural ones. The mean is called cross-entropy.
    all_log_probs = []
    for tokens in words:
        all_log_probs += log_probs(model, tokens)
    return vsum(all_log_probs) * (-1.0 / len(all_log_probs))


def next_token(logits, temperature, rng):
    """Draw a token at random, with the probabilities that the logits (floats) stand for."""
    # Dividing the logits by a temperature below 1 widens the gaps between them: likely tokens
    # become likelier still. Towards 0 only the likeliest is left.
    if temperature == 0:
        return logits.index(max(logits))
    probs = softmax([logit / temperature for logit in logits])
    return rng.choices(range(len(probs)), probs)[0]


# ===== 4. Training ================================================================================
#
# A step of training: show the model some examples and compute its loss; walk back through the
# graph for the gradient; move each parameter a little against its derivative. Then the next step.


def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move each parameter a little against its gradient. m, v: floats, changed in place."""
    # The plain rule p -= lr * grad leaps where gradients are large and crawls where they are small.
    # Adam (adaptive moments) keeps two running means for each parameter:
    #     m, of its gradient: the direction, with less of the noise of single examples;
    #     v, of its squared gradient: the square of its usual size.
    # A step of lr * m / sqrt(v) has then about the same scale for large and small gradients. Both
    # means start at 0, so early on they are too small by the factor 1 - beta^step; dividing by it
    # corrects them. eps avoids 0/0 for a parameter that has had no gradient yet.
    m_correction = 1.0 - beta1**step
    v_correction = 1.0 - beta2**step
    for i, p in enumerate(params):
        m[i] = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m[i] / m_correction) / ((v[i] / v_correction) ** 0.5 + eps)


def train(label, model, text, steps, rng):
    """Learn from a window of the text a step, taken at a random place."""
    params = parameters(model)
    m = [0.0] * len(params)
    v = [0.0] * len(params)
    start = time.perf_counter()
    for step in range(1, steps + 1):
        first = rng.randrange(len(text) - WINDOW)
        loss = word_loss(model, text[first : first + WINDOW + 1])
        for p in params:
            p.grad = 0.0  # forget the step before: gradients would add up
        loss.backward()
        remaining = (steps - step + 1) / steps  # long steps at first, short ones to settle
        adam_step(params, m, v, step, LEARNING_RATE * remaining, ADAM_BETA1, ADAM_BETA2)
        show_progress(f"{label}, loss {loss.data:.3f}", step, steps, start)
        del loss  # frees this step's graph before the next one is built


# ===== 5. The lesson: what a cache saves, and how to keep it ======================================
#
# The training needed gradients. From here on the model only writes, so it is frozen: plain floats.
#
# ----- Why a key never changes --------------------------------------------------------------------
#
# A text of n tokens is there, and the model is to say what comes next. The newest position looks
# back at the keys and values of all n positions. Must they be computed again for each new token?
#
#     The key of position t in a layer is a matrix times x_t, what the layer below made of that
#     position. The layer below made it by looking at positions up to t, and no further: the model
#     is causal. The same is true of the layer below that, down to the token itself.
#
# So nothing that is written after t can reach the key of t, in any layer, nor its value.
# What was computed once can be read for ever. Here it is even the same to the last bit. (On a GPU,
# a product of another shape may be added up in another order.) A query is used by its own position
# alone, and never again, so nobody keeps queries. A model that also looks ahead, such as BERT, can
# have no such cache: there each new token changes every key above the first layer.
#
# Training needs no cache either. All tokens of a text are known then, so a GPU computes all
# positions side by side, and hides from each what comes later. (This file reads token by token in
# training as well, as microgpt.py does. That is slower, and the same function.)
#
# Here are both ways, to be read side by side. They give the same logits.


def logits_anew(model, tokens):
    """The logits after the last of these tokens, from nothing but the tokens."""
    # All positions go through every layer but the last. In the last one, only the newest position
    # is wanted: the others leave a key and a value there, and that is all. (To read all positions
    # through all layers would be simpler, and would make the cache look better than it is.) The
    # caches here live no longer than this call.
    vectors = [model["token_embedding"][token] for token in tokens]
    for i in range(N_LAYER - 1):
        cache = Cache()
        vectors = [run_layer(x, model, f"layer{i}", cache) for x in vectors]
    last_layer = f"layer{N_LAYER - 1}"
    cache = Cache()
    for x in vectors[:-1]:
        remember(rmsnorm(x), model, last_layer, cache)
    x = run_layer(vectors[-1], model, last_layer, cache)
    return linear(x, model["lm_head"])


def logits_from_cache(model, tokens, caches):
    """The same, where the caches have read all of these tokens but the last one."""
    # This is where the saving is: one position instead of all.
    return gpt(model, tokens[-1], caches)


# ----- What it saves ------------------------------------------------------------------------------
#
# Count multiplications. With E for N_EMBD, the matrices of a layer take, for one position,
#
#     query, key, value, output        4 matrices of E * E        4 E^2
#     fc1 and fc2                      2 matrices of 4E * E       8 E^2
#
# and a position that looks at n keys and values multiplies E numbers with each key and E with each
# value, all heads together: 2 E n. So token n of a text takes, from the cache,
#
#     N_LAYER * (12 E^2 + 2 E n)
#
# and anew, in a layer that all n positions go through, the sum of that over n positions, which is
#
#     12 E^2 n + E n (n + 1)
#
# In the last layer only the newest position is wanted. The n - 1 earlier ones leave a key and a
# value there, at 2 E^2 together each, and the newest one costs as much as from the cache:
#
#     2 E^2 (n - 1)  +  12 E^2 + 2 E n
#
# For n = 96 and E = 8 the first of two layers costs 148,224, and the last one 14,464. So the cache
# can save little more than half of what it could if both cost the same. With the 80 layers of a
# large model it hardly matters.


def formula_from_cache(n):
    """About how many multiplications token n of a text takes, with a cache."""
    return N_LAYER * (12 * N_EMBD**2 + 2 * N_EMBD * n)


def formula_anew(n):
    """About how many multiplications token n of a text takes, with none."""
    whole_layer = 12 * N_EMBD**2 * n + N_EMBD * n * (n + 1)
    last_layer = 2 * N_EMBD**2 * (n - 1) + 12 * N_EMBD**2 + 2 * N_EMBD * n
    return (N_LAYER - 1) * whole_layer + last_layer


# While n is below 6 E, which is 48 here, the matrices are more than half of the cost from the
# cache, and it grows slowly. Anew, the cost grows at least like n from the start. So the saving
# grows with the text. (The run counts all that dot() multiplies, so also lm_head and rmsnorm, which
# the formulas leave out. Neither counts products that are not summed, as in softmax.)
#
# On a GPU there is a second side to it. What is left to do, for one position at a time, is mostly
# reading: the parameters, and the whole cache of the text, come from memory for each new token. So
# the size of the cache counts, for the speed and for the number of texts that fit. The rest of this
# section is about that size.
#
# ----- Where to keep it: pages --------------------------------------------------------------------
#
# A Python list grows anywhere. The memory of a GPU is divided beforehand, and how long a text will
# become is known to nobody. If each text gets one piece, it must have room for the longest text
# there may be, and most of it stays empty. Operating systems had this problem with programs, and
# their answer is used here: cut the memory into small pages of one size, give a text a page when it
# needs one, wherever it is, and keep a list of its pages, the page table. (vLLM, the program that
# brought this to language models, says block for page.)
#
#     PAGE_SIZE = 8, and a text whose page table is [5, 2, 9]:
#     tokens 0 to 7 are in page 5, tokens 8 to 15 in page 2, tokens 16 to 23 in page 9
#
# Only the last page of a text has room to spare. And a page may stand in several tables at once, if
# several texts begin alike. So the pool, which is the whole memory, counts for each page in how
# many tables it is.
#
# The memory is one long list of floats. A token takes 2 * N_LAYER * key_size of them:
#
#     with two layers:   key of layer 0 | value of layer 0 | key of layer 1 | value of layer 1
#                        part 0           part 1             part 2           part 3
#
# With 8 numbers in a key that is 32 floats for a token, and 256 for a page of 8.


def pages_for(n_tokens, page_size):
    """How many pages of so many tokens it takes to keep n_tokens: the quotient, rounded up."""
    return (n_tokens + page_size - 1) // page_size


class Pool:
    """A fixed memory in pages, with room for the keys and values of `page_size` tokens in each."""

    def __init__(self, n_pages, page_size, key_size):
        self.page_size = page_size
        self.key_size = key_size  # the numbers in a key, and in a value
        self.token_size = 2 * N_LAYER * key_size  # a key and a value in each layer
        self.memory = [0.0] * (n_pages * page_size * self.token_size)
        self.references = [0] * n_pages  # in how many tables each page is
        self.free = list(range(n_pages))  # those that are in no table

    def take(self):
        """Take a free page. Raises RuntimeError if there is none."""
        if not self.free:
            raise RuntimeError("the pool has no free page")
        page = self.free.pop(0)
        self.references[page] = 1
        return page

    def share(self, page):
        """Note that one more table has this page."""
        if self.references[page] == 0:
            raise ValueError(f"page {page} is free")
        self.references[page] += 1

    def release(self, page):
        """Note that one table fewer has this page. It is free when none has it."""
        if self.references[page] == 0:
            raise ValueError(f"page {page} is free")
        self.references[page] -= 1
        if self.references[page] == 0:
            self.free.append(page)

    def n_taken(self):
        """How many pages are taken."""
        return len(self.references) - len(self.free)


class PagedText:
    """A text whose keys and values are in pages of a pool."""

    def __init__(self, pool):
        self.pool = pool
        self.table = []  # its pages, in order
        self.caches = [PagedCache(self, layer) for layer in range(N_LAYER)]

    def n_tokens(self):
        """How many tokens have been read into the cache."""
        return len(self.caches[-1].values)

    def address(self, position):
        """Where in the pool's memory the numbers of a position begin."""
        page = self.table[position // self.pool.page_size]
        place = page * self.pool.page_size + position % self.pool.page_size
        return place * self.pool.token_size

    def needs_page(self):
        """Whether the next token will take a page from the pool: a new one, or one to copy to."""
        if self.n_tokens() == len(self.table) * self.pool.page_size:
            return True
        return self.pool.references[self.table[-1]] > 1

    def make_room(self, position):
        """See to it that this position has a page, and one that no other text reads."""
        # Called for each key and value. The first one of a token, the key of layer 0, makes room
        # for all of them; the others find it.
        index = position // self.pool.page_size
        if index == len(self.table):
            self.table.append(self.pool.take())
        elif self.pool.references[self.table[index]] > 1:
            self.copy_page(index)

    def copy_page(self, index):
        """Copy on write: what others read stays as it is, and this text goes on in a copy."""
        old = self.table[index]
        new = self.pool.take()
        size = self.pool.page_size * self.pool.token_size
        content = self.pool.memory[old * size : (old + 1) * size]
        self.pool.memory[new * size : (new + 1) * size] = content
        self.table[index] = new
        self.pool.release(old)

    def fork(self):
        """A second text with the same past. It copies the table, and not a single key."""
        twin = PagedText(self.pool)
        for page in self.table:
            self.pool.share(page)
        twin.table = list(self.table)
        for cache, twin_cache in zip(self.caches, twin.caches):
            twin_cache.keys.length = cache.keys.length
            twin_cache.values.length = cache.values.length
        return twin

    def close(self):
        """Give all pages back."""
        for page in self.table:
            self.pool.release(page)
        self.table = []
        self.caches = [PagedCache(self, layer) for layer in range(N_LAYER)]


class PagedCache:
    """What Cache is in section 3, with its keys and values in the pages of a text."""

    def __init__(self, text, layer):
        self.keys = PagedRows(text, 2 * layer)
        self.values = PagedRows(text, 2 * layer + 1)


class PagedRows:
    """The keys, or the values, of one layer. gpt() uses it like a list of vectors."""

    def __init__(self, text, part):
        self.text = text
        self.part = part  # which part of the floats of each token
        self.length = 0

    def __len__(self):
        return self.length

    def start(self, position):
        """Where in the memory the vector of a position begins."""
        return self.text.address(position) + self.part * self.text.pool.key_size

    def append(self, vector):
        self.text.make_room(self.length)
        start = self.start(self.length)
        self.text.pool.memory[start : start + len(vector)] = vector
        self.length += 1

    def __iter__(self):
        for position in range(self.length):
            start = self.start(position)
            yield self.text.pool.memory[start : start + self.text.pool.key_size]


# That is all: attention() does not notice whether it reads a list or pages. (look() copies the keys
# to a list first. A GPU follows the page table within the product, and copies nothing.)
#
# ----- Many texts, one memory ---------------------------------------------------------------------
#
# A server has requests waiting, and a pool to serve them from. It works in steps: in a step each
# running text reads one token, and if that was its newest, the next one is drawn. On a GPU, what
# takes time in a step is reading memory: the parameters, once for all running texts, and the cache
# of each text. So the more texts share a step, the less a token costs, until the parameters are the
# smaller part of what is read; beyond that, little more is gained.
# Those of Llama 2 7B are as many numbers as the keys and values of 26,000 tokens, that is, of 26
# texts of 1,000. Those of the model here are as many as the keys and values of 62 tokens, that is,
# of two or three texts. So the run counts both, steps and the numbers that are read in them. (That
# is a model of the cost. This file has no GPU to measure it on.) Two things have to be decided:
#
#     admission   The next text may start if the pool has enough pages for all running texts and for
#                 this one, counting for each text the pages of its tokens so far and one page more.
#                 (That is only a threshold. The page is not kept free, and a text may grow by
#                 more.)
#     eviction    If a text needs a page, and none is free, the text that came last gives up all its
#                 pages. It waits again, and when it comes back it reads its own tokens once more,
#                 one a step. That is the price of having let in too many.
#
# Say the pool has 6 pages of 8 tokens, text a has 10 tokens and text b has 3. They count as 2 + 1
# and 1 + 1 pages, which makes 5, and a new text counts as 1 + 1. So it has to wait. (No text counts
# more pages than the longest text would need.)
#
# With pages as long as the longest text, the same code reserves: a text gets its only page at the
# start, and never needs another.
#
# That texts come and go in the middle of the work is called continuous batching. Large servers also
# tell two phases apart: prefill, in which a text that is already there, a prompt or an evicted
# text, is read many tokens at a time; and decoding, in which it grows by one token a step. Here
# everything goes by single tokens, so reading again costs more steps than it would there. They also
# keep the pages of a beginning that many requests share, which part 3 of the output shows alone.


class Request:
    """A text to be written: n_names names, or what fits into CONTEXT tokens."""

    def __init__(self, name, n_names, rng):
        self.name = name
        self.n_names = n_names
        self.rng = rng
        self.tokens = [0]
        self.text = None  # its PagedText while it runs

    def is_complete(self):
        """Whether it has all its names, each with its boundary, or is as long as may be."""
        return self.tokens.count(0) > self.n_names or len(self.tokens) > CONTEXT


class Step(NamedTuple):
    """What the server did in a step."""

    tables: dict  # {request: its page table}
    n_used: int  # tokens in the cache, of all texts
    n_room: int  # tokens that their pages have room for
    n_read_again: int  # tokens that were read now and had been read before an eviction


class Server:
    """Writes texts from one pool, as many at a time as it has room for."""

    def __init__(self, model, pool, requests):
        if len(pool.references) < pages_for(CONTEXT, pool.page_size):
            raise ValueError(f"the pool cannot hold a text of {CONTEXT} tokens")
        self.model = model
        self.pool = pool
        self.waiting = list(requests)
        self.running = []  # in the order in which they came

    def may_need(self, request):
        """The pages that a text counts as: for its tokens so far, and one more to grow."""
        so_far = pages_for(len(request.tokens), self.pool.page_size)
        return min(so_far + 1, pages_for(CONTEXT, self.pool.page_size))

    def admit(self):
        """Let texts in, as long as the pool is large enough for all of them, as said above."""
        while self.waiting:
            needed = sum([self.may_need(request) for request in self.running + self.waiting[:1]])
            if needed > len(self.pool.references):
                return
            request = self.waiting.pop(0)
            request.text = PagedText(self.pool)
            self.running.append(request)

    def evict(self):
        """Send the text that came last back to wait. Its tokens stay, its keys and values go."""
        request = self.running.pop()
        request.text.close()
        self.waiting.insert(0, request)

    def read_one(self, request):
        """Let a text read a token. Return 1 if it had read that one before, else 0."""
        position = request.text.n_tokens()
        logits = gpt(self.model, request.tokens[position], request.text.caches)
        if position == len(request.tokens) - 1:
            request.tokens.append(next_token(logits, TEMPERATURE, request.rng))
            return 0
        return 1  # the text was evicted, and what comes after this token is known already

    def step(self):
        """Let every running text read a token. Return the Step."""
        self.admit()
        n_read_again = 0
        for request in list(self.running):
            while request in self.running and request.text.needs_page() and not self.pool.free:
                self.evict()
            if request in self.running:
                n_read_again += self.read_one(request)
        result = Step(
            {request.name: list(request.text.table) for request in self.running},
            sum([request.text.n_tokens() for request in self.running]),
            self.pool.n_taken() * self.pool.page_size,
            n_read_again,
        )
        for request in list(self.running):
            if request.is_complete():
                request.text.close()
                self.running.remove(request)
        return result

    def run(self, label):
        """Serve all requests. Return the Steps."""
        n_requests = len(self.waiting)
        n_done = 0
        start = time.perf_counter()
        steps = []
        while self.waiting or self.running:
            steps.append(self.step())
            n_left = len(self.waiting) + len(self.running)
            if n_requests - n_left > n_done:
                n_done = n_requests - n_left
                show_progress(label, n_done, n_requests, start)
        return steps


# ===== 6. Experiments =============================================================================
#
# The output has four parts, with a function for each: it measures, prints, and returns its claims.
# A claim is a statement that the run could have refuted; check() marks it as [ok] or [no]. (Those
# on equal logits and equal texts could be refuted only by a mistake in the code, and the one on the
# formula only by a mistake in the arithmetic. They stand there as they are what this lesson
# promises.) Whatever is trained or drawn has a random generator of its own, so that a change in one
# place does not change the figures of another. What only plots stands among the tools in section 7.


# ----- Part 1: one text, written in three ways ----------------------------------------------------


class Written(NamedTuple):
    """A text of CONTEXT tokens, with what came before each of them."""

    tokens: list
    logits: list  # those that each token was drawn by
    costs: list  # the multiplications that these took


def write(logits_of, rng):
    """Let logits_of(tokens so far) write a text, one token after another."""
    written = Written([0], [], [])
    for _ in range(CONTEXT):
        before = Work.multiplications
        logits = logits_of(written.tokens)
        written.costs.append(Work.multiplications - before)
        written.logits.append(logits)
        written.tokens.append(next_token(logits, TEMPERATURE, rng))
    return written


def one_text_three_ways(model, vocabulary, seed):
    """Part 1: the same text with everything computed anew, from a list, and from pages."""
    list_caches = new_caches()
    pool = Pool(pages_for(CONTEXT, PAGE_SIZE), PAGE_SIZE, key_size_of(model))
    paged_text = PagedText(pool)
    ways = {
        "anew": lambda tokens: logits_anew(model, tokens),
        "list": lambda tokens: logits_from_cache(model, tokens, list_caches),
        "pages": lambda tokens: logits_from_cache(model, tokens, paged_text.caches),
    }
    written = {}
    for way, logits_of in ways.items():
        written[way] = write(logits_of, random.Random(f"{seed} text"))
    anew = written["anew"].costs
    cached = written["list"].costs
    print(f"\n1. The same {CONTEXT} tokens, written in three ways\n")
    print("   How the text begins:")
    text = show_text(written["anew"].tokens, vocabulary)
    print(f"   {text[:74].rstrip()}\n")
    print("   Multiplications for each token, if all keys and values are computed anew (#)")
    print("   and if they come from a cache (o). The scale is logarithmic: each row is the")
    print("   same factor.\n")
    draw_costs({"#": anew, "o": cached})
    saving = print_costs(anew, cached)
    print_a_key(model, written["anew"].tokens)
    same_costs = written["pages"].costs == cached
    print(f"   Multiplications with pages are those with a list: {'yes' if same_costs else 'no'}.")
    same_logits = written["anew"].logits == written["list"].logits == written["pages"].logits
    half = saving[CONTEXT // 2]
    full = saving[CONTEXT]
    return [
        check(
            same_logits,
            f"the logits of {CONTEXT} tokens: the same in all three ways, to the last bit",
        ),
        check(
            half.is_near() and full.is_near(),
            f"with a cache {half.counted:.1f} times less at token {CONTEXT // 2},"
            f" {full.counted:.1f} at {CONTEXT}: the formula to 10%",
        ),
    ]


def last_keys(model, tokens, may_look_ahead):
    """The keys of all positions in the last layer: of this model, or if positions saw the rest."""
    vectors = [model["token_embedding"][token] for token in tokens]
    for i in range(N_LAYER - 1):
        layer = f"layer{i}"
        cache = Cache()
        for x in vectors:
            remember(rmsnorm(x), model, layer, cache)
        below = vectors
        vectors = []
        for here, x in enumerate(below):
            seen = cache
            if not may_look_ahead:
                seen = Cache()
                seen.keys = cache.keys[: here + 1]
                seen.values = cache.values[: here + 1]
            x = add(x, look(rmsnorm(x), here, model, layer, seen))
            vectors.append(add(x, mlp(rmsnorm(x), model, layer)))
    cache = Cache()
    for x in vectors:
        remember(rmsnorm(x), model, f"layer{N_LAYER - 1}", cache)
    return cache.keys


def print_a_key(model, tokens):
    """One key, as the text grows: of this model, and of one that may look ahead."""
    print("\n   The key of token 4 in the last layer, its first two numbers, as the text")
    print("   grows; and what it would be if the same model looked ahead as well:\n")
    print("   tokens so far    this model      looking ahead")
    seen = {False: [], True: []}
    for n in (4, 5, 6, CONTEXT):
        cells = []
        for may_look_ahead in (False, True):
            key = last_keys(model, tokens[:n], may_look_ahead)[3]
            seen[may_look_ahead].append(key)
            cells.append(f"{key[0]:7.3f} {key[1]:7.3f}")
        print(f"   {n:9} {cells[0]:>20} {cells[1]:>18}")
    if seen[False] == [seen[False][0]] * 4 and seen[True] != [seen[True][0]] * 4:
        print("\n   So this model may keep its keys, and one that looks ahead could not.\n")
    else:
        print("\n   (With a single layer, a key depends on its own token alone, in both.)\n")


class Saving(NamedTuple):
    """How many times less a token costs with a cache: as counted, and by the formulas."""

    counted: float
    formula: float

    def is_near(self):
        """Whether the two agree to 10%. (The formulas leave out lm_head and rmsnorm.)"""
        return abs(self.counted / self.formula - 1.0) < 0.1


def print_costs(anew, cached):
    """The table of part 1. Return {token: Saving}."""
    print("\n   token          anew   from cache    times less   by the formula")
    saving = {}
    for n in (1, CONTEXT // 8, CONTEXT // 4, CONTEXT // 2, CONTEXT):
        counted = anew[n - 1] / cached[n - 1]
        saving[n] = Saving(counted, formula_anew(n) / formula_from_cache(n))
        cells = f"{anew[n - 1]:12,} {cached[n - 1]:12,} {counted:12.1f} {saving[n].formula:15.1f}"
        print(f"   {n:5} {cells}")
    total = sum(anew) / sum(cached)
    print(f"   {'all':>5} {sum(anew):12,} {sum(cached):12,} {total:12.1f}")
    return saving


def key_size_of(model):
    """The numbers in a key of this model, and in a value."""
    return len(model["layer0.key"])


# ----- Part 2: many texts in one memory -----------------------------------------------------------


class Served(NamedTuple):
    """What became of the requests with pages of one size."""

    texts: list  # the tokens of each
    steps: list  # Steps
    multiplications: int

    def texts_at_once(self):
        """The mean number of running texts."""
        return sum([len(step.tables) for step in self.steps]) / len(self.steps)

    def n_room(self):
        """The mean number of tokens that the pages taken have room for."""
        return sum([step.n_room for step in self.steps]) / len(self.steps)

    def n_read(self, model):
        """The numbers read from memory: in each step all parameters, and the caches in use."""
        n_parameters = sum([len(row) for matrix in model.values() for row in matrix])
        in_caches = sum([step.n_used for step in self.steps]) * 2 * N_LAYER * key_size_of(model)
        return len(self.steps) * n_parameters + in_caches

    def n_used(self):
        """The mean number of tokens that are in them."""
        return sum([step.n_used for step in self.steps]) / len(self.steps)


def serve(model, page_size, seed):
    """Write the texts of all requests from a memory of ROOM * CONTEXT tokens. Return Served."""
    lengths = random.Random(f"{seed} lengths")
    requests = []
    for i in range(N_REQUESTS):
        n_names = lengths.randint(1, 12)
        requests.append(Request(chr(ord("a") + i), n_names, random.Random(f"{seed} text {i}")))
    pool = Pool(ROOM * CONTEXT // page_size, page_size, key_size_of(model))
    before = Work.multiplications
    steps = Server(model, pool, requests).run(f"serving, pages of {page_size}")
    texts = [request.tokens for request in requests]
    return Served(texts, steps, Work.multiplications - before)


def many_texts_one_memory(model, seed):
    """Part 2: texts of unknown length, each with room reserved for the longest, or in pages."""
    served = {size: serve(model, size, seed) for size in (CONTEXT, PAGE_SIZE, 1)}
    print(f"\n2. {N_REQUESTS} texts of 1 to 12 names, in a memory for {ROOM * CONTEXT} tokens\n")
    print("   How long a text will be is not known beforehand. The memory in pages of")
    print(
        f"   {PAGE_SIZE} tokens, and which text has which page: a letter is a text, a dot is free."
    )
    print("   A text that loses all its letters has ended, or was evicted and comes back.\n")
    draw_pages([step.tables for step in served[PAGE_SIZE].steps], ROOM * CONTEXT // PAGE_SIZE)
    print_served(served, model)
    n_reserved = len(served[CONTEXT].steps)
    n_paged = len(served[PAGE_SIZE].steps)
    n_read = {size: result.n_read(model) for size, result in served.items()}
    same_texts = all([result.texts == served[CONTEXT].texts for result in served.values()])
    return [
        check(
            same_texts,
            f"{N_REQUESTS} texts, evicted or not, are the same in pages of {CONTEXT},"
            f" {PAGE_SIZE} and 1",
        ),
        check(
            n_paged < n_reserved * 3 / 4,
            f"in the same memory: {n_paged} steps in pages, under three quarters of {n_reserved}",
        ),
        check(
            n_read[PAGE_SIZE] < n_read[CONTEXT],
            f"and {n_read[PAGE_SIZE]:,} numbers read, fewer than {n_read[CONTEXT]:,}",
        ),
    ]


def print_served(served, model):
    """The table of part 2."""
    print(f"\n   Room reserved for {CONTEXT} tokens each, against pages. In a step each running")
    print("   text reads one token. Room: the tokens that the pages of all texts have room")
    print("   for, a mean over the steps. Used: the tokens that are there. Again: tokens")
    print("   that were read once more, after an eviction. Read: numbers from memory,")
    print("   section 5.\n")
    print("                 steps  at once   room   used  again       read  multiplications")
    for page_size, result in served.items():
        label = f"{CONTEXT} reserved" if page_size == CONTEXT else f"pages of {page_size}"
        again = sum([step.n_read_again for step in result.steps])
        cells = f"{len(result.steps):6} {result.texts_at_once():8.1f}"
        cells += f" {result.n_room():6.0f} {result.n_used():6.0f} {again:6}"
        print(f"   {label:13}{cells} {result.n_read(model):10,} {result.multiplications:16,}")
    steps = len(served[PAGE_SIZE].steps) / len(served[CONTEXT].steps)
    read = served[PAGE_SIZE].n_read(model) / served[CONTEXT].n_read(model)
    more = served[PAGE_SIZE].multiplications / served[CONTEXT].multiplications - 1.0
    print(f"\n   Pages of {PAGE_SIZE} take {steps:.0%} of the steps that reserving takes, and read")
    print(f"   {read:.0%} of the numbers. They multiply {more:.0%} more, for what is read again.")


# ----- Part 3: one beginning, several texts -------------------------------------------------------


def one_beginning_four_texts(model, data, seed):
    """Part 3: four texts share the pages of their beginning, and copy one when they part."""
    pool = Pool(4 * pages_for(N_PROMPT + N_MORE, PAGE_SIZE), PAGE_SIZE, key_size_of(model))
    prompt = join(data.held_out)[:N_PROMPT]
    vocabulary = data.vocabulary
    texts = {"a": PagedText(pool)}
    for token in prompt:
        after_prompt = gpt(model, token, texts["a"].caches)
    for name in "bcd":
        texts[name] = texts["a"].fork()
    print("\n3. One beginning, four texts\n")
    print(f"   Text a reads a beginning of {N_PROMPT} tokens; b, c and d are forks of it. Each")
    print("   then writes on in its own way. The page table of each text; below them, for")
    print("   each page, in how many tables it is:\n")
    draw_tables("after the forks", pool, texts)
    rng = random.Random(f"{seed} fork")
    written = {name: prompt + [next_token(after_prompt, TEMPERATURE, rng)] for name in texts}
    same_logits = True
    for i in range(1, N_MORE + 1):
        for name, text in texts.items():
            logits = logits_from_cache(model, written[name], text.caches)
            same_logits = same_logits and logits == logits_anew(model, written[name])
            if i < N_MORE:
                written[name].append(next_token(logits, TEMPERATURE, rng))
        if i in (1, N_MORE):
            draw_tables(f"{i} of {N_MORE} tokens later", pool, texts)
    alone = 4 * pages_for(N_PROMPT + N_MORE, PAGE_SIZE)
    for name in texts:
        print(f"   {name}: {show_text(written[name], vocabulary)}")
    n_shared = sum([n == len(texts) for n in pool.references])
    print(f"\n   Still in all {len(texts)} tables: {n_shared} pages, which the beginning fills.")
    if N_PROMPT % PAGE_SIZE:
        print("   The last page of the beginning has room left: whoever writes into it takes a")
        print("   copy, until one text has it alone.")
    print(f"   {pool.n_taken()} pages are taken; without sharing it would be {alone}.")
    return [
        check(
            same_logits,
            f"the logits of {4 * N_MORE} tokens after the forks: as computed anew, to the last bit",
        )
    ]


# ----- Part 4: fewer keys and values --------------------------------------------------------------
#
# What came before was counted, on one set of texts. The losses of this part are measured on a
# sample of names.
#
# Figures come with a standard error, written +-: how far off they typically are because only so
# many examples were looked at. Chance alone puts a figure more than two standard errors off about
# once in twenty times. Where a claim says "over 2 x" some figure, that figure is an error.


class Estimate(NamedTuple):
    """A measured figure and its standard error."""

    mean: float
    error: float


def mean_and_error(totals, counts):
    """The Estimate of sum(totals) / sum(counts); each word gives a total and a count."""
    # If all words cost the same per token, each total would be mean * count. How far the totals are
    # from that says how much the mean depends on which words happened to be looked at. As chance
    # moves some up and others down, these deviations are squared before they are added:
    #
    #     error  =  sqrt(sum of (total - mean * count)^2) / sum of counts
    #
    # For example, three words of 4, 4 and 2 tokens cost one model 2, 0 and 1 nats more than
    # another:
    #
    #     mean   =  (2 + 0 + 1) / (4 + 4 + 2)  =  0.3 nats per token
    #     error  =  sqrt((2 - 1.2)^2 + (0 - 1.2)^2 + (1 - 0.6)^2) / 10  =  0.15
    #
    # That another seed also trains another model comes on top, and is not in it.
    n = sum(counts)
    if n == 0:
        return Estimate(math.nan, math.nan)
    mean = math.fsum(totals) / n
    deviations = [total - mean * count for total, count in zip(totals, counts)]
    return Estimate(mean, math.sqrt(math.fsum([d * d for d in deviations])) / n)


class CountingRule:
    """Guesses the next token by how often each token followed a history in training."""

    # A history is what the rule knows when it guesses, such as the last tokens m, a, r. How often
    # did y follow it? If the history occurred 8 times in training, and y followed twice, 2/8 is a
    # fair guess; but for one that occurred once, such a guess is rash. So it is blended with the
    # guess of a shorter history, and that one again:
    #
    #     p(y)        =  (count(y)      + alpha / (number of tokens)) / (count of all + alpha)
    #     p(y | r)    =  (count(r, y)   + alpha * p(y))               / (count(r)     + alpha)
    #     p(y | ar)   =  (count(ar, y)  + alpha * p(y | r))           / (count(ar)    + alpha)
    #     p(y | mar)  =  (count(mar, y) + alpha * p(y | ar))          / (count(mar)   + alpha)
    #
    # With p(y | ar) = 0.5 and alpha = 2, p(y | mar) is (2 + 2 * 0.5) / (8 + 2) = 0.3. The more
    # often a history occurred, the less the shorter ones count.

    def __init__(self, train_set, vocabulary_size, histories):
        self.vocabulary_size = vocabulary_size
        self.histories = histories  # a function: the tokens so far -> histories, shortest first
        self.alpha = 1.0
        self.history_counts = collections.Counter()
        self.next_counts = collections.Counter()
        for tokens in train_set:
            for i in range(1, len(tokens)):
                for history in histories(tokens[:i]):
                    self.history_counts[history] += 1
                    self.next_counts[history, tokens[i]] += 1

    def probability(self, tokens, target):
        """p(target) as the token that comes after these tokens."""
        p = 1.0 / self.vocabulary_size
        for history in self.histories(tokens):
            count = self.next_counts[history, target]
            p = (count + self.alpha * p) / (self.history_counts[history] + self.alpha)
        return p

    def nats(self, tokens):
        """-log p of a whole word, in nats."""
        log_ps = []
        for i in range(1, len(tokens)):
            log_ps.append(math.log(self.probability(tokens[:i], tokens[i])))
        return -math.fsum(log_ps)

    def choose_alpha(self, held_out):
        """Take the alpha with the smallest loss on these words."""
        losses = {}
        for alpha in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
            self.alpha = alpha
            losses[alpha] = math.fsum([self.nats(tokens) for tokens in held_out])
        self.alpha = min(losses, key=losses.get)


def last_tokens(tokens, longest):
    """Histories of up to so many last tokens: (), (r,), (a, r) and (m, a, r)."""
    lengths = range(min(len(tokens), longest) + 1)
    return [tuple(tokens[len(tokens) - length :]) for length in lengths]


def loss_difference(nats_a, nats_b, token_lists):
    """By how much the loss of a is above that of b, in nats per token: an Estimate."""
    # Word by word: what is hard about a word is hard for both, and cancels.
    differences = [a - b for a, b in zip(nats_a, nats_b)]
    return mean_and_error(differences, [len(tokens) - 1 for tokens in token_lists])


def nats_by_name(model, held_out, n_tokens):
    """-log p of each held-out name, in a text of all of them that is read in such pieces."""
    text = join(held_out)
    log_ps = []
    for start in range(0, len(text) - 1, n_tokens):
        log_ps += log_probs(model, text[start : start + n_tokens + 1])
    nats = []
    for tokens in held_out:
        n = len(tokens) - 1
        nats.append(-math.fsum(log_ps[:n]))
        log_ps = log_ps[n:]
    return nats


def fewer_keys(models, data):
    """Part 4: what it costs, and what it saves, if heads share their keys and values."""
    counts = [len(tokens) - 1 for tokens in data.held_out]
    rules = {}
    for label, longest in (("counted letters", 0), ("counted pairs", 1), ("counted fours", 3)):
        rule = counting_rule(data, longest)
        rules[label] = [rule.nats(tokens) for tokens in data.held_out]
    nats = {n: nats_by_name(model, data.held_out, CONTEXT) for n, model in models.items()}
    price = loss_difference(nats[1], nats[N_HEAD], data.held_out)
    off = nats_by_name(without_attention(models[N_HEAD]), data.held_out, CONTEXT)
    worth = loss_difference(off, nats[N_HEAD], data.held_out)
    print("\n4. Fewer keys and values\n")
    print("   Two models, trained on the same text: in one, each head has its own keys and")
    print("   values, in the other all heads share them. The held-out loss, in nats per")
    print(f"   token, in pieces of {WINDOW} as in training, and of {CONTEXT}: less is better.\n")
    print(f"   {'':14} numbers kept            loss in pieces of")
    print(f"   {'':14}  for a token  parameters     {WINDOW:2}       {CONTEXT:2}")
    for n, model in models.items():
        kept = 2 * N_LAYER * key_size_of(model)
        size = sum([len(row) for matrix in model.values() for row in matrix])
        short = mean_and_error(nats_by_name(model, data.held_out, WINDOW), counts)
        long = mean_and_error(nats[n], counts)
        label = f"{n} key head" + "s" * (n > 1)
        losses = f"{short.mean:10.3f} {long.mean:8.3f} +- {long.error:.3f}"
        print(f"   {label:14} {kept:12} {size:11,} {losses}")
    label = "attention off"
    print(f"   {label:15} {mean_and_error(off, counts).mean:43.3f}")
    for label, values in rules.items():
        print(f"   {label:15} {mean_and_error(values, counts).mean:43.3f}")
    behind = loss_difference(nats[N_HEAD], rules["counted fours"], data.held_out)
    paid = f"{price.mean:+.3f} +- {price.error:.3f}"
    print(f"\n   One key head pays {paid} against {N_HEAD}. (Both read the same")
    print("   names, so the error is that of the difference name by name.) With attention")
    print("   switched off, that is without what its heads collect, the model with two key")
    print(
        f"   heads pays {worth.mean:.3f} +- {worth.error:.3f} more. (It was trained with attention:"
    )
    print("   a model trained without it is not measured here.)")
    print(f"   Against counted fours it pays {behind.mean:+.3f} +- {behind.error:.3f}.")
    print_published_models()
    lead = loss_difference(rules["counted letters"], nats[N_HEAD], data.held_out)
    return claims_of_part_4(lead, price, worth)


def claims_of_part_4(lead, price, worth):
    """The claims, from three differences of losses: each is an Estimate."""
    at_most = price.mean + 2 * price.error
    at_least = worth.mean - 2 * worth.error
    return [
        check(
            lead.mean > 2 * lead.error,
            f"held-out loss {lead.mean:.3f} below counted letters, over 2 x {lead.error:.3f}",
        ),
        check(
            at_most < at_least,
            f"one key head costs under {at_most:.3f}, attention off over {at_least:.3f}"
            " (two errors)",
        ),
    ]


def without_attention(model):
    """A copy of the model in which what the heads have collected counts for nothing."""
    copy = dict(model)
    for i in range(N_LAYER):
        copy[f"layer{i}.output"] = [[0.0] * N_EMBD for _ in range(N_EMBD)]
    return copy


def counting_rule(data, longest):
    """A rule that knows so many last tokens. Its alpha is the best for the held-out names."""
    rule = CountingRule(
        data.train_set, len(data.vocabulary), lambda tokens: last_tokens(tokens, longest)
    )
    rule.choose_alpha(data.held_out)
    return rule


def print_published_models():
    """What the cache of a published model takes: arithmetic, with the figures of its paper."""
    # For another model look into its config.json: num_hidden_layers, num_key_value_heads, and the
    # size of a head, head_dim, or else hidden_size / num_attention_heads.
    print("\n   For Llama 2, as published: 2 (a key, a value) x layers x key heads x")
    print("   128 numbers a head x 2 bytes a number, and for a text of 4,096 tokens:\n")
    rows = (("7B", 32, 32), ("70B", 80, 8), ("70B, if each head had its own", 80, 64))
    for label, n_layers, n_key_heads in rows:
        n_bytes = 2 * n_layers * n_key_heads * 128 * 2
        gib = n_bytes * 4096 / 2**30
        print(f"   {label:30} {n_bytes:10,} bytes a token, {gib:6.2f} GiB a text")


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the names to the claims."""
    data = split_data(random.Random(args.seed))
    print(f"{len(data.train_set)} names to learn from, {len(data.held_out)} held out.")
    models = {}
    for n_key_heads in (N_HEAD, 1):
        models[n_key_heads] = trained_model(n_key_heads, data, args.steps, args.seed)
    model = models[N_HEAD]
    claims = one_text_three_ways(model, data.vocabulary, args.seed)
    claims += many_texts_one_memory(model, args.seed)
    claims += one_beginning_four_texts(model, data, args.seed)
    claims += fewer_keys(models, data)
    print_claims(claims, args.steps)


def trained_model(n_key_heads, data, steps, seed):
    """A frozen model with so many key heads. All of them see the same windows in training."""
    model = init_model(len(data.vocabulary), random.Random(f"{seed} model"), n_key_heads)
    label = f"training, {n_key_heads} key head" + "s" * (n_key_heads > 1)
    train(label, model, join(data.train_set), steps, random.Random(f"{seed} windows"))
    return freeze(model)


# ----- Try this -----------------------------------------------------------------------------------
#
# Means of the seeds 42, 1 and 2, with the lowest and the highest of them, first as the file stands,
# then with one line changed:
#
#                            loss of 2 key heads,       steps, in % of those    times less
#                            in pieces of 96            that reserving takes    at token 96
#   as it stands             2.396 (2.385 to 2.408)     55% (50% to 65%)        34.0
# - SLOPES = (0.0, 0.0)      2.523 (2.501 to 2.538)     54% (51% to 59%)        34.0
# - PAGE_SIZE = 2            as it stands               52% (39% to 65%)        34.0
# - N_LAYER = 1              2.393 (2.391 to 2.396)     53% (50% to 57%)         6.1
#
# Without slopes the loss is worse: less tells the model how far back a key is. Pages of 2 waste
# less memory. At one seed that saves steps, at another one none: more texts come in, and more of
# them are evicted later. With a single layer, computing anew is cheap, as no position but the
# newest has to go through a whole layer: so the cache saves less. At these three seeds its loss is
# the same: in this short training a second layer helps little, if at all.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# In time, on one machine with CPython 3.11, the 96 tokens of part 1 took 0.84 seconds anew, 0.042
# from a list and 0.049 from pages: 20 times and 17 times less, where multiplications are 21.5 times
# less.
#
# Over the seeds 100 to 119, pages of 8 served the 24 texts in 50% of the steps that reserving took
# (from 39% to 62%), and read 78% of the numbers (66% to 90%), with 18% more multiplications (11% to
# 29%). 4.8 texts ran at once, not 1.9. Pages of 1 token took 44% of the steps (33% to 60%) and read
# 77% of the numbers. A real pool does not go so low: there are tables to keep, and a GPU reads a
# page in one piece. The picture also shows the end, when few texts are left: a busy server has no
# end.
#
# The model with one key head had a loss 0.008 above the one with two (-0.027 to 0.055; the mean of
# twenty seeds has an error of 0.005). Both are modest models: 2.365 and 2.372 on average, where
# counting pairs gives 2.408 and counting runs of four 2.202. What the caches do does not depend on
# that, but for the lengths of texts and the price of sharing: a model that finds more to look for
# may pay more. Pieces of 96 tokens have a smaller loss than pieces of 24, though no training window
# was so long. That fewer names are cut in two may be why.
#
# Next in this collection: microquant.py, on weights in fewer bits.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# names.

# ----- Tools of this script: drawing --------------------------------------------------------------


def show_text(tokens, vocabulary):
    """The names of a text, with blanks between them."""
    return "".join([vocabulary[token] if token else " " for token in tokens]).strip()


def draw_costs(costs, width=48, height=12):
    """Plot multiplications over tokens, {mark: multiplications of each token}, on a log scale."""
    logs = {mark: [math.log10(cost) for cost in column] for mark, column in costs.items()}
    every = [log for column in logs.values() for log in column]
    low = min(every)
    high = max(every)
    n = len(every) // len(logs)
    canvas = [[" "] * width for _ in range(height)]
    for mark, column in logs.items():
        for token, log in enumerate(column):
            row = round((high - log) / (high - low) * (height - 1))
            canvas[row][token * width // n] = mark
    for row, cells in enumerate(canvas):
        cost = 10 ** (high - (high - low) * row / (height - 1))
        print(f"   {cost:9,.0f} |{''.join(cells)}".rstrip())
    print(f"   {'':9} +{'-' * width}")
    print(f"   {'':9}  1{'token':^{width - 4}}{n:3}")


def draw_pages(tables_of_steps, n_pages, width=60):
    """Print who has which page: a row for each page, a column for each step or some of them."""
    n_columns = min(width, len(tables_of_steps))
    canvas = [["."] * n_columns for _ in range(n_pages)]
    for column in range(n_columns):
        tables = tables_of_steps[column * len(tables_of_steps) // n_columns]
        for name, table in tables.items():
            for page in table:
                canvas[page][column] = name
    for page, cells in enumerate(canvas):
        print(f"   page {page:2}  {''.join(cells)}")
    print(f"             steps 1 to {len(tables_of_steps)}, from left to right")


def draw_tables(title, pool, texts):
    """Print the page table of each text, and in how many tables each page is."""
    print(f"   {title}")
    for name, text in texts.items():
        print(f"      table of {name}    " + "".join([f"{page:4}" for page in text.table]))
    taken = [page for page, n in enumerate(pool.references) if n > 0]
    print("      page          " + "".join([f"{page:4}" for page in taken]))
    print("      in so many    " + "".join([f"{pool.references[page]:4}" for page in taken]))
    print()


# ----- Tools of all scripts: claims, progress, the command line -----------------------------------


def check(holds, statement):
    """A claim as a line of text: [ok] if it holds, else [no]."""
    return f"[{'ok' if holds else 'no'}] {statement}"


def print_claims(claims, steps):
    """The last part of the output: what was claimed, and whether it came out so."""
    print("\nclaims")
    if steps < STEPS:
        print(f"(They are meant for {STEPS:,} steps. After fewer, a [no] is no surprise.)")
    for claim in claims:
        print(claim)


def completes_part(step, steps, parts):
    """Whether this step completes one more of so many equal parts of all steps."""
    return step * parts // steps > (step - 1) * parts // steps


def show_progress(phase, step, steps, start):
    """Report on stderr. On a terminal one line rewrites itself; in a file, a line each tenth."""
    if reader_has_gone():
        raise BrokenPipeError
    on_terminal = sys.stderr.isatty()
    if on_terminal or completes_part(step, steps, 10):
        elapsed = time.perf_counter() - start
        left = elapsed / step * (steps - step)
        text = f"{phase}  {step}/{steps}  {elapsed:.0f} s, {left:.0f} s left"
        end = "\r" if on_terminal and step < steps else "\n"
        print(f"{text:58}", end=end, file=sys.stderr, flush=True)


def reader_has_gone():
    """Whether stdout is a pipe that nobody reads any more, as after | head -1."""
    if not hasattr(select, "poll"):  # as on Windows
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any([event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)])


def whole_number(text):
    """A whole number from the command line."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def number_of_steps(text):
    """The value of --steps."""
    steps = whole_number(text)
    if not 1 <= steps <= 10**9:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to 1,000,000,000")
    return steps


def run(**more_options):
    """Read the command line, run main, and end quietly when interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    steps_help = f"how many steps to train (default {STEPS})"
    parser.add_argument(
        "--steps", type=number_of_steps, default=STEPS, metavar="N", help=steps_help
    )
    seed_help = "where all randomness starts (default 42)"
    parser.add_argument("--seed", type=whole_number, default=42, metavar="N", help=seed_help)
    for name, settings in more_options.items():
        parser.add_argument(f"--{name}", **settings)
    args = parser.parse_args()
    sys.stderr = sys.stderr or open(os.devnull, "w")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    if sys.implementation.name == "cpython":
        gc.disable()  # graphs have no cycles, so searching them for cycles would only take time
    start = time.perf_counter()
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\n{parser.prog}: stopped", file=sys.stderr)
        os._exit(130)
    except OSError as error:  # the output cannot be written
        if not isinstance(error, BrokenPipeError):  # that one is somebody's | head: end quietly
            print(f"{parser.prog}: {error}", file=sys.stderr)
        os._exit(1)


# ===== 8. The names ===============================================================================

# Given names, US Census Bureau, name frequencies of 1990 (public domain)
NAMES = """mary james patricia john linda robert barbara michael elizabeth william jennifer david
maria richard susan charles margaret joseph dorothy thomas lisa christopher nancy daniel karen paul
betty mark helen donald sandra george donna kenneth carol steven ruth edward sharon brian michelle
ronald laura anthony sarah kevin kimberly jason deborah matthew jessica gary shirley timothy cynthia
jose angela larry melissa jeffrey brenda frank amy scott anna eric rebecca stephen virginia andrew
kathleen raymond pamela gregory martha joshua debra jerry amanda dennis stephanie walter carolyn
patrick christine peter marie harold janet douglas catherine henry frances carl ann arthur joyce
ryan diane roger alice joe julie juan heather jack teresa albert doris jonathan gloria justin evelyn
terry jean gerald cheryl keith mildred samuel katherine willie joan ralph ashley lawrence judith
nicholas rose roy janice benjamin kelly bruce nicole brandon judy adam christina harry kathy fred
theresa wayne beverly billy denise steve tammy louis irene jeremy jane aaron lori randy rachel
howard marilyn eugene andrea carlos kathryn russell louise bobby sara victor anne martin jacqueline
ernest wanda phillip bonnie todd julia jesse ruby craig lois alan tina shawn phyllis clarence norma
sean paula philip diana chris annie johnny lillian earl emily jimmy robin antonio peggy danny
crystal bryan gladys tony rita luis dawn mike connie stanley florence leonard tracy nathan edna dale
tiffany manuel carmen rodney rosa curtis cindy norman grace allen wendy marvin victoria vincent
edith glenn kim jeffery sherry travis sylvia jeff josephine chad thelma jacob shannon lee sheila
melvin ethel alfred ellen kyle elaine francis marjorie bradley carrie jesus charlotte herbert monica
frederick esther ray pauline joel emma edwin juanita don anita eddie rhonda ricky hazel troy amber
randall eva barry debbie alexander april bernard leslie mario clara leroy lucille francisco jamie
marcus joanne micheal eleanor theodore valerie clifford danielle miguel megan oscar alicia jay
suzanne jim michele tom gail calvin bertha alex darlene jon veronica ronnie jill bill erin lloyd
geraldine tommy lauren leon cathy derek joann warren lorraine darrell lynn jerome sally floyd regina
leo erica alvin beatrice tim dolores wesley bernice gordon audrey dean yvonne greg annette jorge
june dustin samantha pedro marion derrick dana dan stacy lewis ana zachary renee corey ida herman
vivian maurice roberta vernon holly roberto brittany clyde melanie glen loretta hector yolanda shane
jeanette ricardo laurie sam katie rick kristen lester vanessa brent alma ramon sue charlie elsie
tyler beth gilbert jeanne gene vicki marc carla reginald tara ruben rosemary brett eileen angel
terri nathaniel gertrude rafael lucy tonya edgar ella milton stacey raul wilma ben gina chester
kristin cecil jessie duane natalie franklin agnes andre vera elmer brad charlene gabriel bessie ron
delores mitchell melinda roland pearl arnold arlene harvey maureen jared colleen adrian allison karl
tamara cory joy claude georgia erik constance darryl lillie claudia neil jackie marcia christian
tanya javier nellie fernando minnie clinton marlene ted heidi mathew glenda tyrone lydia darren
viola lonnie courtney lance marian cody stella julio caroline dora kurt jo allan vickie nelson
mattie guy clayton maxine hugh irma max mabel dwayne marsha dwight myrtle armando lena felix christy
jimmie deanna everett patsy jordan hilda ian gwendolyn wallace jennie ken nora bob margie jaime nina
casey cassandra alfredo leah alberto penny dave kay ivan priscilla johnnie naomi sidney carole byron
brandy julian olga isaac billie morris dianne clifton tracey willard leona daryl jenny ross felicia
virgil sonia andy miriam marshall velma salvador becky perry bobbie kirk violet sergio kristina toni
misty seth mae kent shelly terrance daisy rene ramona eduardo sherri terrence erika enrique katrina
freddie claire wade lindsey austin lindsay stuart geneva fredrick guadalupe arturo"""


if __name__ == "__main__":
    run()
