"""A trained model learns a new spelling in a few new directions, while its own weights stay frozen.

    python microlora.py        about 40 seconds; nothing to install, nothing to download

A small GPT learns given names. Then it is to learn the names of Greek and Roman myth, from 20
words. LoRA (low-rank adaptation) leaves the model as it is and puts thin matrices beside two of
its own, an adapter, which alone is trained. You will see

    how much an adapter learns, beside training all parameters (full fine-tuning) and a new model;
    how much is forgotten of given names, for the same gain;
    in how many directions training all parameters changes the model;
    two adapters swapped on one model.

When to use one: if a model is large and there are many tasks, as each costs only an adapter, and
the optimizer needs memory for the adapter alone. When not: if the task is far from what the model
knows. Whether it forgets less than other training, as is often said, part 2 of the output measures.

Read it from top to bottom. You need Python and school calculus; what machine learning adds is
explained on the way. If you know microgpt.py, read section 1, and go on at section 5: what comes
before is the same there but for linear() of section 2, which may find an adapter beside a matrix,
and train() and thaw() of section 4, both short. Section 5 is the lesson, section 6 measures it.
Section 7 has main(), and things to try: there the tutorial ends. Below are tools and the words.

Papers: LoRA, arXiv:2106.09685; what it learns and forgets in large models, arXiv:2405.09673; the
SVD's first terms, Eckart and Young 1936; RMSNorm, arXiv:1910.07467; Adam, arXiv:1412.6980.
"""

import argparse
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
N_LAYER = 1  # transformer blocks, one after the other
N_EMBD = 16  # each position of a word is described by this many numbers
N_HEAD = 4  # attention heads of a block; N_EMBD must be a multiple of it
BLOCK_SIZE = 16  # the longest sequence of tokens that the model can read
INIT_STD = 0.08  # standard deviation of the random numbers that the model starts from

# The training, section 4.
STEPS = 900  # steps in which the base learns names, one name each
BASE_RATE = 0.01  # how far a parameter moves in an early step; falls almost to 0
ADAM_BETA1, ADAM_BETA2 = 0.9, 0.99  # the optimizer averages over about 10 and 100 steps
ADAPTATION_STEPS = 60  # steps in which the base is adapted, one word each

# The adapters, section 5.
ALPHA = 2  # B A is multiplied by ALPHA / r
TARGETS = ("token_embedding", "lm_head")  # matrices that get an adapter; Try this has others
FULL_RATE = 0.006  # training all parameters; chosen on words that are set aside, section 1
LORA_RATES = {1: 0.036, 4: 0.024}  # adapters, by rank; chosen in the same way
SCRATCH_RATE = 0.02  # a new model; chosen in the same way

# The experiments, section 6.
N_LISTS = 2  # lists of words to learn from; figures are means over them, but for part 4
N_TRAIN = 20  # words in each list
N_HELD_OUT_NAMES = 100  # names that no model learns from
RATE_FACTORS = (0.25, 0.5, 1.0)  # part 2 multiplies the rates above by these
KEPT = (1, 2, 4)  # directions of a change that part 3 keeps
TEMPERATURE = 0.7  # when a model writes: below 1, likely letters become likelier still


# ===== 1. Data: names, and the names of myth ======================================================
#
# The words stand at the end of the file: given names (mary, james ...), persons, gods and beasts of
# Greek and Roman myth (achilles, actaeon ...), and genera of dinosaurs, for a second adapter. A
# model sees no letters, only numbers called tokens. Token 0 is the boundary: a word starts here, or
# ends here. The other 26 tokens are the letters.
#
#     tokenize("leda", vocabulary)  =  [0, 12, 5, 4, 1, 0]
#
# The task is always the same: given the tokens so far, say how likely each token is to come next. A
# word of four letters is five such tasks: 0 -> l, l -> e, e -> d, d -> a, a -> 0.
#
# A guess is judged by the probability p that it gave to the token that really came: it pays -log p.
# The mean of that over many guesses is called the loss; the better the guesses, the smaller it is.
# (Section 3 says why it is the logarithm.)
#
# A model could learn its words by heart and be of no use for any other. So in each kind some words
# are held out: no model learns from them, and all losses in the output are measured on them.
#
# The base learns from 500 names. Of myth there are 210 words. Every third of them is set aside. The
# rates of learning myth were chosen on these words, and nothing in the output is measured on them.
# (Each rate gained most among at least four that were tried, with the next lower and the next
# higher ones no better, on average over four seeds.) Of the others two lists of 20 are for
# learning, and 100 are held out. A list is short, so it matters which words are on it; that is why
# there are two.

BOUNDARY = "<>"  # two characters, so that no letter can be mistaken for it


def make_vocabulary(words):
    """All tokens, in order: token i stands for vocabulary[i]."""
    return [BOUNDARY] + sorted(set("".join(words)))


def tokenize(word, vocabulary):
    """Turn a word into a list of tokens, with the boundary on both sides."""
    letters = [vocabulary.index(letter) for letter in word]
    return [0] + letters + [0]


class Words(NamedTuple):
    """All words, as lists of tokens."""

    vocabulary: list
    names: list  # for the base to learn from
    myth_lists: list  # N_LISTS lists of N_TRAIN words of myth
    dinosaurs: list  # one such list
    held_out: dict  # {kind: words that no model learns from}


def split_words(rng):
    """Shuffle the words of each kind, and share them out."""
    vocabulary = make_vocabulary(NAMES.split())
    names = shuffled_tokens(NAMES.split(), vocabulary, rng)
    not_set_aside = [word for i, word in enumerate(MYTH.split()) if i % 3 > 0]
    myth = shuffled_tokens(not_set_aside, vocabulary, rng)
    dinosaurs = shuffled_tokens(DINOSAURS.split(), vocabulary, rng)
    held_out = {
        "names": names[:N_HELD_OUT_NAMES],
        "myth": myth[N_LISTS * N_TRAIN :],
        "dinosaurs": dinosaurs[N_TRAIN:],
    }
    starts = range(0, N_LISTS * N_TRAIN, N_TRAIN)
    myth_lists = [myth[start : start + N_TRAIN] for start in starts]
    return Words(vocabulary, names[N_HELD_OUT_NAMES:], myth_lists, dinosaurs[:N_TRAIN], held_out)


def shuffled_tokens(words, vocabulary, rng):
    """The words in random order, each as a list of tokens."""
    return [tokenize(word, vocabulary) for word in rng.sample(words, len(words))]


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

# (The other scripts of the collection share this class, and that page describes it. You need not
# read it for this file.)
#
# The model will be built from the functions below. A node may stand for any function whose
# derivatives we can write down. The dot product s = a1*b1 + ... + an*bn would take 2n - 1 nodes of
# + and *. As a single node with 2n children it is the same sum with far less bookkeeping:
# ds/d(ai) = bi and ds/d(bi) = ai.
#
# Where no derivative is needed, as in a model that is only used, plain floats will do. So these
# functions give Values for Values and floats for floats. math.fsum rounds a sum only once, which
# makes it the same on every version of Python.


def dot(a, b):
    """The dot product of two equally long lists, of Values (as one node) or of floats."""
    if not isinstance(a[0], Value):
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
    # Here this script differs from a GPT without adapters. A matrix may be another thing than a
    # list of rows: the AdaptedMatrix of section 5, which knows how it is multiplied.
    if not isinstance(matrix, list):
        return matrix.times(x)
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


# ===== 3. Model: the transformer ==================================================================
#
# The model reads a word token by token, and says after each one how likely every token is to come
# next. It describes each position of the word by a vector: a list of N_EMBD numbers. At first these
# come from two tables, one row for each token and one for each position, added up. That is called
# the embedding; its rows start random and are learned like all else. Then each block changes the
# description twice:
#
#     attention   lets a position collect what it needs from all positions so far
#     MLP         works on what one position has collected
#
# At the end a last matrix turns the description into a score for each token, called its logit, and
# softmax (section 2) turns the scores into probabilities. In short:
#
#     token and position  ->  N_EMBD numbers  ->  attention, MLP  ->  N_EMBD numbers  ->  all logits
#
# This is GPT-2 made small and plain. What differs: N_LAYER blocks, where GPT-2 has 12 to 48;
# letters instead of pieces of words; RMSNorm without learned factors instead of LayerNorm, one more
# of it after the embedding and none at the end; relu instead of gelu; no biases, no dropout, the
# same spread of random numbers in all matrices; and lm_head is a matrix of its own, where GPT-2
# uses the token embedding again.


def random_matrix(rows, columns, rng):
    """A matrix of random Values: a list of rows, each a list of as many numbers as columns."""
    return [[Value(rng.gauss(0.0, INIT_STD)) for _ in range(columns)] for _ in range(rows)]


def init_model(vocabulary_size, rng):
    """All matrices of the model by name, filled with random numbers."""
    model = {
        "token_embedding": random_matrix(vocabulary_size, N_EMBD, rng),  # a row for each token
        "position_embedding": random_matrix(BLOCK_SIZE, N_EMBD, rng),  # a row for each position
        "lm_head": random_matrix(vocabulary_size, N_EMBD, rng),  # vector -> a logit for each token
    }
    for i in range(N_LAYER):
        for name in ("query", "key", "value", "output"):
            model[f"layer{i}.{name}"] = random_matrix(N_EMBD, N_EMBD, rng)  # vector -> vector
        model[f"layer{i}.fc1"] = random_matrix(4 * N_EMBD, N_EMBD, rng)  # vector -> hidden units
        model[f"layer{i}.fc2"] = random_matrix(N_EMBD, 4 * N_EMBD, rng)  # hidden units -> vector
    return model


def parameters(model):
    """All parameters of the model, as one flat list of Values."""
    return [p for matrix in model.values() for row in matrix for p in row]


def freeze(model):
    """A copy of the model in plain floats, for reading and writing without derivatives."""
    return {name: [[p.data for p in row] for row in matrix] for name, matrix in model.items()}


class Cache:
    """What a block keeps of the positions that it has read, the newest last."""

    def __init__(self):
        self.keys = []  # a vector for each position
        self.values = []  # a vector for each position
        self.weights = []  # for each position the weights of each head; kept only to be looked at


def new_caches():
    """Empty caches, one for each block, to start reading a word."""
    return [Cache() for _ in range(N_LAYER)]


def attention(x, model, layer, cache):
    """Let the newest position, described by the vector x, collect what it needs. Gives a vector."""
    # From x each position makes three vectors of the same length: a query (what am I looking for?),
    # a key (what is there to be found here?) and a value (what do I hand over? Nothing to do with
    # the class Value). The newest query is compared with each key so far by a dot product; the
    # better they match, the larger the score. softmax turns the scores into weights that add up to
    # 1, and the values are averaged with them.
    #
    # Say the model reads "ma", "a" being the newest, and vectors had 4 numbers. The query of "a" is
    # (2, 0, 1, 0):
    #
    #                    key           product   score   weight   first number of the value
    #     boundary   (0, 1, 0, 2)         0        0      0.09               3
    #     m          (1, 0, 2, 1)         4        2      0.67               1
    #     a          (0, 3, 2, 0)         2        1      0.24               0
    #
    # So the first number that "a" collects is 0.09 * 3 + 0.67 * 1 + 0.24 * 0 = 0.94. A score is the
    # product divided by sqrt(4), the root of the length: a sum of n random products of either sign
    # has a size of about sqrt(n), and with very large scores all weight would fall on one position,
    # where the derivatives of softmax are near 0.
    #
    # All this is done N_HEAD times side by side, each time on another slice of the three vectors,
    # so that one position can look for several things. Each of these is called a head. What the
    # heads have collected is joined to one vector, and the output matrix mixes it.
    #
    # No position can look ahead: later keys are not in the cache yet. (A GPT that reads all of a
    # text at once must hide what is later: the causal mask.) The keys and values in the cache are
    # part of the same graph, so gradients reach the earlier positions through them.
    size = len(x) // N_HEAD
    query = linear(x, model[f"{layer}.query"])  # as long as x
    cache.keys.append(linear(x, model[f"{layer}.key"]))
    cache.values.append(linear(x, model[f"{layer}.value"]))
    collected = []
    weights_of_heads = []
    for start in range(0, len(x), size):
        head = slice(start, start + size)
        scores = [dot(query[head], key[head]) * size**-0.5 for key in cache.keys]
        weights = softmax(scores)
        for j in range(start, start + size):
            number_j_of_values = [value[j] for value in cache.values]
            collected.append(dot(weights, number_j_of_values))  # their weighted mean
        weights_of_heads.append(weights)
    cache.weights.append(weights_of_heads)
    return linear(collected, model[f"{layer}.output"])


def mlp(x, model, layer):
    """Work on the vector x of one position alone. Gives a vector of the same length."""
    # MLP is short for multi-layer perceptron: a matrix (fc1), relu, another matrix (fc2). Each of
    # the 4 * N_EMBD numbers in between, a hidden unit, asks something about x: it is 0, for no, or
    # positive, the more so the clearer the answer. A unit of 0.5 adds 0.5 times its own column of
    # fc2 to the result. Without relu the two matrices would collapse into one.
    hidden = [relu(h) for h in linear(x, model[f"{layer}.fc1"])]
    return linear(hidden, model[f"{layer}.fc2"])


def gpt(model, token, caches):
    """Read one more token. Return the logits, a score for each token as the next one."""
    # x describes the newest position by N_EMBD numbers. Attention and MLP each add something to it
    # and never replace it. Sums pass a gradient on unchanged, so it also reaches what lies far
    # below, which deep models need. x is called the residual stream. It grows with each thing that
    # is added, so attention and MLP read a normalized copy. (For the first attention that changes
    # little, as x has just been normalized.)
    position = len(caches[0].keys)
    x = add(model["token_embedding"][token], model["position_embedding"][position])
    x = rmsnorm(x)
    for i, cache in enumerate(caches):
        x = add(x, attention(rmsnorm(x), model, f"layer{i}", cache))
        x = add(x, mlp(rmsnorm(x), model, f"layer{i}"))
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


def sample(frozen, vocabulary, temperature, rng):
    """Let a frozen model write a word: draw a token, let the model read it, draw the next one."""
    caches = new_caches()
    token = 0
    word = ""
    while len(word) < BLOCK_SIZE:
        logits = gpt(frozen, token, caches)
        token = next_token(logits, temperature, rng)
        if token == 0:
            break
        word += vocabulary[token]
    return word


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


def train(label, model, params, token_lists, steps, rate):
    """Train params, which are those of the model or of its adapter, on a word a step."""
    m = [0.0] * len(params)
    v = [0.0] * len(params)
    start = time.perf_counter()
    for step in range(1, steps + 1):
        loss = word_loss(model, token_lists[(step - 1) % len(token_lists)])
        for p in params:
            p.grad = 0.0  # forget the step before: gradients would add up
        loss.backward()
        remaining = (steps - step + 1) / steps  # long steps at first, short ones to settle
        adam_step(params, m, v, step, rate * remaining, ADAM_BETA1, ADAM_BETA2)
        show_progress(f"{label}, loss {loss.data:.3f}", step, steps, start)
        del loss  # frees this step's graph before the next one is built


def thaw(frozen):
    """A model of Values from a frozen one: the opposite of freeze()."""
    return {name: [[Value(p) for p in row] for row in matrix] for name, matrix in frozen.items()}


# ===== 5. The lesson: adapters ====================================================================
#
# A model that has learned names, the base, is to learn the spelling of myth. Training all of its
# parameters works, but it makes a second model of the same size, and while it runs, Adam keeps two
# numbers more for each parameter. LoRA trains an adapter in place of that.
#
# Take a matrix W of the base with m rows and n columns. It turns a vector x into W x. LoRA gives it
# two thin matrices, A with r rows and n columns, and B with m rows and r columns:
#
#     h  =  W x  +  (alpha / r) B (A x)
#
#     W    m x n    frozen: its numbers are the base's, and no step changes them
#     A    r x n    trained; starts random
#     B    m x r    trained; starts at 0
#     r             the rank, a small number such as 4
#     alpha         a constant, ALPHA
#
# A x is a vector of only r numbers. Each row of A asks one question about x, and the column of B
# with the same number is added as much as the answer says. For example, with r = 1, A = (2 0 -1),
# x = (1, 5, 4) and alpha = 1, A x is 2 * 1 + 0 * 5 - 1 * 4 = -2, and whatever stands in B, a column
# of m numbers, is added -2 times.
#
# A vector of which only the ratios of its numbers matter is called a direction. So the rows of A
# say which directions of x matter, and the columns of B in which directions h moves. In how many
# directions a matrix can move its result is called its rank. For B A it is r at most, for W up to
# min(m, n).
#
# The token embedding is not multiplied by a vector. The model takes row i of it, for token i. With
# an adapter, that is row i of W + (alpha / r) B A:
#
#     W[i]  +  (alpha / r) * (B[i][0] * A[0]  +  ...  +  B[i][r-1] * A[r-1])
#
# Here the rows of A are the directions in which a row may move, the same for all tokens, and B says
# how far each token moves in them.
#
# Trained are r (m + n) numbers instead of m n. For lm_head, with m = 27, n = 16 and r = 4, these
# are 172 instead of 432, which is no great matter; for a matrix of 4,096 x 4,096, as in models of 7
# billion parameters, and r = 8, they are 65,536 instead of 16.8 million: 1 in 256.
#
# Why does B start at 0? So that B A = 0, and training starts at the base and not at a disturbed
# one. Why not both? Because it would stay there: in the derivative of the loss by B there is the
# factor A x, and in that by A the factor B. With both at 0, both derivatives are 0. As it is, B
# moves first.
#
# What is alpha / r for? B A x is a sum over r directions, so it tends to grow with r, and dividing
# by r is meant to make one learning rate good for all r. It is a convention and no more: here each
# rank has a rate of its own, found by trying. (rsLoRA argues for the root of r: arXiv:2312.03732.)
#
# Once trained, B A can be multiplied out and added to W, which is called merging. The merged model
# has the shape of the base and costs no more to run. Kept apart, one base in memory can serve many
# tasks with an adapter for each.


class LowRank(NamedTuple):
    """The adapter's part for one matrix of m rows and n columns: B A, kept as two thin matrices."""

    a: list  # r rows of n Values
    b: list  # m rows of r Values


class AdaptedMatrix:
    """W + (alpha / r) B A, not multiplied out: W are floats, which no training can change."""

    # An adapted model has one of these in the place of every matrix, with or without an adapter. A
    # GPT does two things with a matrix: it takes a row of it (the embeddings) or multiplies it by a
    # vector (all others). Both are here, so any matrix may have an adapter, and nothing else of the
    # model has to know.

    def __init__(self, w, low_rank=None):
        self.w = w
        self.low_rank = low_rank

    def __getitem__(self, i):
        """Row i, as Values."""
        if self.low_rank is None:
            return [Value(number) for number in self.w[i]]
        a, b = self.low_rank
        scale = ALPHA / len(a)
        row = []
        for j, number in enumerate(self.w[i]):
            column_of_a = [a_row[j] for a_row in a]
            row.append(dot(b[i], column_of_a) * scale + number)
        return row

    def times(self, x):
        """This matrix times x, a vector of Values."""
        if self.low_rank is None:
            return frozen_linear(x, self.w)
        a, b = self.low_rank
        return adapted_linear(x, self.w, linear(x, a), b, ALPHA / len(a))


def frozen_linear(x, w):
    """W x, of Values x and floats W: a node for each row. No gradient can reach a float."""
    x_data = [v.data for v in x]
    return [Value(math.fsum(map(operator.mul, row, x_data)), tuple(x), row) for row in w]


def adapted_linear(x, w, z, b, scale):
    """W x + scale * B z, where z = A x: a node for each row, with x, z and a row of B as children.

    For row i: sum over j of W[i][j] x[j]  +  scale * (sum over k of B[i][k] z[k]).
    """
    x_data = [v.data for v in x]
    scaled_z = [v.data * scale for v in z]
    result = []
    for row, b_row in zip(w, b):
        b_data = [v.data for v in b_row]
        products = [*map(operator.mul, row, x_data), *map(operator.mul, b_data, scaled_z)]
        scaled_b = [number * scale for number in b_data]
        slopes = (*row, *scaled_b, *scaled_z)  # by x[j], by z[k] and by B[i][k]
        result.append(Value(math.fsum(products), (*x, *z, *b_row), slopes))
    return result


def init_adapter(frozen, names, rank, rng):
    """A new adapter {name of a matrix: LowRank}, which changes nothing yet, as all B are 0."""
    adapter = {}
    for name in names:
        n_rows = len(frozen[name])
        n_columns = len(frozen[name][0])
        std = n_columns**-0.5  # then the numbers of A x are about as large as those of x
        a = [[Value(rng.gauss(0.0, std)) for _ in range(n_columns)] for _ in range(rank)]
        b = [[Value(0.0) for _ in range(rank)] for _ in range(n_rows)]
        adapter[name] = LowRank(a, b)
    return adapter


def adapter_parameters(adapter):
    """All numbers of an adapter, as one flat list of Values."""
    params = []
    for low_rank in adapter.values():
        for row in low_rank.a + low_rank.b:
            params += row
    return params


def with_adapter(frozen, adapter):
    """The adapted model: a frozen model with an adapter beside its matrices."""
    unknown = set(adapter) - set(frozen)
    if unknown:
        raise ValueError(f"the model has no matrix {sorted(unknown)[0]!r}")
    return {name: AdaptedMatrix(w, adapter.get(name)) for name, w in frozen.items()}


def merge(frozen, adapter, sign=1.0):
    """A frozen model with W + (alpha / r) B A for each W; with sign -1, it is taken out again."""
    merged = dict(frozen)
    for name, (a, b) in adapter.items():
        scale = sign * ALPHA / len(a)
        columns_of_a = [[p.data for p in column] for column in zip(*a)]
        rows = []
        for row, b_row in zip(frozen[name], b):
            b_data = [p.data for p in b_row]
            rows.append([w + scale * dot(b_data, column) for w, column in zip(row, columns_of_a)])
        merged[name] = rows
    return merged


# ----- What is forgotten --------------------------------------------------------------------------
#
# The base with an adapter beside it forgets nothing: take the adapter out, and all is as it was.
# But while it is in, the model guesses myth, and is worse at names. How much worse depends on how
# far it was moved, and with that on the learning rate. So two ways of training cannot be compared
# at one rate each. Part 2 of the output trains each at several rates, and compares what is
# forgotten for the same gain. (In large models LoRA was found to learn less and to forget less, in
# some tasks also for the same gain: arXiv:2405.09673.)
#
# One might expect that few directions do little harm. It need not be so: all that an adapter of
# rank 1 can add to a vector is a multiple of one and the same column. If a letter is to become more
# likely in one place, other letters in other places move along.


# ----- In how many directions a model changes -----------------------------------------------------
#
# Why should a few directions be enough at all? That is for the experiment to say. Part 3 of the
# output takes apart the change that training all parameters has made. Any matrix M can be written
# as a sum of matrices that have one direction each, ordered by size. For example,
#
#     ( 3  1 )      ( 2  2 )     (  1 -1 )
#     ( 1  3 )  =   ( 2  2 )  +  ( -1  1 )
#
# Each term is s times a column u times a row v, both of length 1:
#
#     first term     s = 4     u = v = (0.71,  0.71)
#     second term    s = 2     u = v = (0.71, -0.71)
#
# s is called a singular value, and the sum the singular value decomposition (SVD). In squares, the
# first term holds 16 of the 16 + 4 = 20 = 3*3 + 1*1 + 1*1 + 3*3, or 80%. No other matrix of one
# direction comes nearer to M; and the sum of the first r terms is the nearest that any B A of rank
# r can come (Eckart and Young 1936).
#
# How to find v? Multiply any vector by M, and then by M with rows and columns swapped:
#
#     (1, 0)  ->  (3, 1)  ->  (10, 6),   of length 1 (0.86, 0.51)
#
# The part of the vector along the first v has become 16 times as long (s^2), and the part along the
# second 4 times. So it has come nearer to (0.71, 0.71). Do it again and again, and nearly only the
# first is left: power iteration. Take this term off M, and the next one is the largest.


class Direction(NamedTuple):
    """A term of the SVD: the matrix with the entries s * u[i] * v[j]."""

    s: float
    u: list
    v: list


def unit_vector(vector):
    """The vector, made 1 long; if it is 0, it stays 0."""
    length = math.sqrt(dot(vector, vector))
    return [number / length for number in vector] if length > 0.0 else vector


def largest_direction(matrix, rng):
    """The Direction of a matrix of floats that has the largest s, by power iteration."""
    columns = [list(column) for column in zip(*matrix)]
    v = unit_vector([rng.gauss(0.0, 1.0) for _ in columns])
    s = 0.0
    for _ in range(500):
        u = unit_vector(linear(v, matrix))
        image = linear(u, columns)
        before = s
        s = math.sqrt(dot(image, image))
        v = unit_vector(image)
        if s - before <= 1e-10 * s:  # it grows towards its limit
            break
    return Direction(s, u, v)


def directions(matrix, n, rng):
    """The n largest Directions of a matrix of floats, the largest first."""
    found = []
    rest = matrix
    for _ in range(n):
        largest = largest_direction(rest, rng)
        found.append(largest)
        rest = add_direction(rest, largest, -1.0)
    return found


def add_direction(matrix, direction, sign=1.0):
    """matrix + sign * s u v, all floats."""
    s, u, v = direction
    result = []
    for row, u_i in zip(matrix, u):
        factor = sign * s * u_i
        result.append([number + factor * v_j for number, v_j in zip(row, v)])
    return result


# ===== 6. Experiments =============================================================================
#
# The output has four parts, with a function for each: it measures, prints, and returns its claims.
# A claim is a statement that the run could have refuted; check() marks it as [ok] or [no]. Whatever
# is trained or drawn has a random generator of its own, so that a change in one place does not
# change the figures of another. What only plots stands among the tools in section 7.
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


def loss_difference(nats_a, nats_b, token_lists):
    """By how much the loss of a is above that of b, in nats per token: an Estimate."""
    # Word by word: what is hard about a word is hard for both, and cancels.
    differences = [a - b for a, b in zip(nats_a, nats_b)]
    return mean_and_error(differences, [len(tokens) - 1 for tokens in token_lists])


def nats_of_model(frozen, token_lists):
    """-log p of each word by the model, in nats."""
    return [-math.fsum(log_probs(frozen, tokens)) for tokens in token_lists]


class Way(NamedTuple):
    """A way to adapt the base."""

    label: str
    rank: int  # of the adapter; 0 stands for training all parameters without one
    rate: float  # at which it learns most of myth
    mark: str  # in the picture


def all_ways():
    """The ways that are compared."""
    ways = [Way("all parameters", 0, FULL_RATE, "F")]
    for rank, rate in LORA_RATES.items():
        ways.append(Way(f"LoRA, rank {rank}", rank, rate, str(rank)))
    return ways


class Outcome(NamedTuple):
    """What adapted models learned and forgot: means over the lists, for each held-out word."""

    learned: list  # for each word of myth, by how many nats it became likelier
    forgot: list  # for each name, by how many nats it became less likely


class Adapted(NamedTuple):
    """The models that a way has made of the base at one rate, and what became of them."""

    models: list  # one for each list, frozen, with its adapter merged
    outcome: Outcome
    adapters: list  # those adapters; none if all parameters were trained


class BaseModel(NamedTuple):
    """The model that is adapted, and what it makes of the held-out words."""

    frozen: dict
    nats: dict  # {kind: -log p of each held-out word}


def train_base(words, steps, seed):
    """The BaseModel, which has learned names."""
    model = init_model(len(words.vocabulary), random.Random(f"{seed} base"))
    train("base", model, parameters(model), words.names, steps, BASE_RATE)
    frozen = freeze(model)
    nats = {kind: nats_of_model(frozen, some) for kind, some in words.held_out.items()}
    return BaseModel(frozen, nats)


def outcome(models, base, words):
    """The Outcome of some models, one for each list."""
    after = {}
    for kind in ("myth", "names"):
        by_model = [nats_of_model(model, words.held_out[kind]) for model in models]
        after[kind] = [math.fsum(nats) / len(models) for nats in zip(*by_model)]
    learned = [old - new for old, new in zip(base.nats["myth"], after["myth"])]
    forgot = [new - old for old, new in zip(base.nats["names"], after["names"])]
    return Outcome(learned, forgot)


def train_adapter(label, frozen, rank, rate, word_list, steps, rng):
    """A new adapter for the TARGETS."""
    adapter = init_adapter(frozen, TARGETS, rank, rng)
    params = adapter_parameters(adapter)
    train(label, with_adapter(frozen, adapter), params, word_list, steps, rate)
    return adapter


def adapt(way, factor, base, words, steps, seed):
    """The base adapted to each list of myth, at some factor of the rate."""
    models = []
    adapters = []
    for i, word_list in enumerate(words.myth_lists):
        rate = way.rate * factor
        label = f"{way.label}, rate {rate:.4f}"
        if way.rank == 0:
            model = thaw(base.frozen)
            train(label, model, parameters(model), word_list, steps, rate)
            models.append(freeze(model))
        else:
            rng = random.Random(f"{seed} adapter {i}")
            adapter = train_adapter(label, base.frozen, way.rank, rate, word_list, steps, rng)
            adapters.append(adapter)
            models.append(merge(base.frozen, adapter))
    return Adapted(models, outcome(models, base, words), adapters)


def per_token(nats, token_lists):
    """The Estimate of nats per token, from nats per word."""
    return mean_and_error(nats, [len(tokens) - 1 for tokens in token_lists])


def gain_of(result, words):
    """By how much the loss on held-out myth fell: an Estimate."""
    return per_token(result.learned, words.held_out["myth"])


def forgets_of(result, words):
    """By how much the loss on held-out names rose: an Estimate."""
    return per_token(result.forgot, words.held_out["names"])


def row_of(label, n_used, n_all, result, words):
    """A row of the tables of parts 1 and 3; n_used of n_all numbers are trained, or kept."""
    gain = gain_of(result, words)
    forgets = forgets_of(result, words)
    size = f"{n_used:6,} {n_used / n_all:5.0%}"
    cells = f"{gain.mean:7.3f} +- {gain.error:.3f} {forgets.mean:9.3f} +- {forgets.error:.3f}"
    return f"   {label:22} {size} {cells}"


def share_of_gain(result, whole):
    """Which share of the gain of another Outcome this one has: an Estimate."""
    # A total over a total, as nats over tokens are: here of nats that the words have gained.
    return mean_and_error(result.learned, whole.learned)


# ----- Part 1: what an adapter learns -------------------------------------------------------------


def n_numbers(model):
    """How many numbers there are in all matrices of a frozen model."""
    return sum([len(row) for matrix in model.values() for row in matrix])


def n_trained(way, frozen):
    """How many numbers a way trains."""
    if way.rank == 0:
        return n_numbers(frozen)
    return sum([way.rank * (len(frozen[name]) + len(frozen[name][0])) for name in TARGETS])


def models_from_scratch(words, steps, seed):
    """New models that have learned from a list of myth and from nothing else."""
    models = []
    for word_list in words.myth_lists:
        model = init_model(len(words.vocabulary), random.Random(f"{seed} scratch"))
        train("from scratch", model, parameters(model), word_list, steps, SCRATCH_RATE)
        models.append(freeze(model))
    return models


def what_it_learns(base, words, steps, seed):
    """Part 1: all ways to adapt the base, each at its best rate: {way: Adapted}, and the claims."""
    losses = {kind: per_token(base.nats[kind], some).mean for kind, some in words.held_out.items()}
    n_all = n_numbers(base.frozen)
    print(f"\n1. What {N_TRAIN} words of myth teach, in {steps} steps\n")
    print(f"   The base's loss on held-out names is {losses['names']:.3f} nats per token, and on")
    print(
        f"   held-out myth {losses['myth']:.3f}. Below, how far the loss on myth falls (the gain:"
    )
    print("   more is better), and how far the loss on names rises (less is better).")
    print(f"   Means over {N_LISTS} lists of words. Each way has the rate at which it learned most")
    print("   of words that were set aside.\n")
    print(f"   {'':22} {'trained':>12} {'gain on myth':>16} {'forgotten of names':>19}")
    best = {}
    for way in all_ways():
        best[way] = adapt(way, 1.0, base, words, steps, seed)
        print(row_of(way.label, n_trained(way, base.frozen), n_all, best[way].outcome, words))
    scratch = outcome(models_from_scratch(words, steps, seed), base, words)
    gain = gain_of(scratch, words)
    print(f"   {'a new model':22} {n_all:6,}  100% {gain.mean:7.3f} +- {gain.error:.3f}")
    full, *_, largest = all_ways()
    ours = best[largest].outcome
    share = share_of_gain(ours, best[full].outcome)
    at_least = share.mean - 2 * share.error
    n = n_trained(largest, base.frozen)
    print(
        f"\n   Rank {largest.rank} trains {n} of {n_all:,} numbers. For each Adam keeps two more:"
    )
    print(f"   {2 * n:,} instead of {2 * n_all:,}.")
    lead = [a - b for a, b in zip(ours.learned, scratch.learned)]
    lead = per_token(lead, words.held_out["myth"])
    name = f"rank {largest.rank}"
    statement = f"{name} gains {lead.mean:.3f} more than a new model, over 2 x {lead.error:.3f}"
    in_short = f"{name} gains {share.mean:.0%} of what all parameters gain"
    claims = [
        check(at_least > 1 / 3, f"{in_short}, at least {at_least:.0%}, over 33%"),
        check(lead.mean > 2 * lead.error, statement),
    ]
    return best, claims


# ----- Part 2: gain against forgetting ------------------------------------------------------------


class Point(NamedTuple):
    """What came out at one rate."""

    factor: float  # of the best rate; 0 is the base itself
    gain: float
    outcome: Outcome


def curve_of(way, from_part_1, base, words, steps, seed):
    """The Points of a way at all RATE_FACTORS; part 1 has trained at factor 1."""
    nothing = Outcome([0.0] * len(words.held_out["myth"]), [0.0] * len(words.held_out["names"]))
    points = [Point(0.0, 0.0, nothing)]
    for factor in RATE_FACTORS:
        result = from_part_1.outcome
        if factor != 1.0:
            result = adapt(way, factor, base, words, steps, seed).outcome
        points.append(Point(factor, gain_of(result, words).mean, result))
    return points


def best_point(points):
    """The Point of the largest gain."""
    return max(points, key=lambda point: point.gain)


def point_between(low, high, gain):
    """What two Points come to at a gain between theirs: in proportion, for each word."""
    # Say gains 0.1 and 0.3 come with 1 and 4 nats forgotten of a name. Then a gain of 0.2 is taken
    # to come with 2.5.
    t = (gain - low.gain) / (high.gain - low.gain)

    def between(numbers, other_numbers):
        return [(1.0 - t) * a + t * b for a, b in zip(numbers, other_numbers)]

    learned = between(low.outcome.learned, high.outcome.learned)
    forgot = between(low.outcome.forgot, high.outcome.forgot)
    return Point((1.0 - t) * low.factor + t * high.factor, gain, Outcome(learned, forgot))


class Comparison(NamedTuple):
    """An adapter and training all parameters, where both gain the same."""

    gain: float
    forgets: float  # the adapter
    others: float  # all parameters
    more: Estimate  # how much more the adapter forgets


def compare_at_equal_gain(curve, curve_of_full, words):
    """The Comparison at the largest gain of an adapter's curve."""
    ours = best_point(curve)
    # Training all parameters comes to this gain between two of its points. (If it never does, it is
    # taken where it gains most. The curve bends upwards, so a straight line between two points says
    # a little too much of what it forgets, which is in favour of the adapter.)
    low = high = best_point(curve_of_full)
    for before, after in zip(curve_of_full, curve_of_full[1:]):
        if before.gain <= ours.gain < after.gain:
            low, high = before, after
            break
    others, slope = high, 0.0
    if low is not high:
        others = point_between(low, high, ours.gain)
        rise = forgets_of(high.outcome, words).mean - forgets_of(low.outcome, words).mean
        slope = rise / (high.gain - low.gain)
    # The difference is off by chance for two reasons: it is measured on some names only, and the
    # gains are equal only on the words of myth that they were measured on. If the gain is off by
    # 0.02, and the curve rises by 1.5 for a gain of 1, the second makes 0.03. Together,
    #
    #     error  =  sqrt((error of what is forgotten)^2 + (slope * error of the gain)^2)
    forgot = [a - b for a, b in zip(ours.outcome.forgot, others.outcome.forgot)]
    learned = [a - b for a, b in zip(ours.outcome.learned, others.outcome.learned)]
    more = per_token(forgot, words.held_out["names"])
    error_of_gain = per_token(learned, words.held_out["myth"]).error
    more = Estimate(more.mean, math.hypot(more.error, slope * error_of_gain))
    forgets = [forgets_of(point.outcome, words).mean for point in (ours, others)]
    return Comparison(ours.gain, *forgets, more)


def gain_against_forgetting(best, base, words, steps, seed):
    """Part 2: the same ways at lower rates, too, as a picture of gain against forgetting."""
    ways = all_ways()
    full = ways[0]
    smallest = ways[1]
    largest = ways[-1]
    curves = {}
    for way in (full, smallest, largest):
        curves[way] = curve_of(way, best[way], base, words, steps, seed)
    factors = ", ".join([f"{factor:g}" for factor in RATE_FACTORS])
    print("\n2. Gain against forgetting\n")
    print("   A higher rate moves the model farther, in both respects. Each way of part 1")
    print(f"   is shown at {factors} times the rate of part 1. F: all parameters,")
    print("   a number: an adapter of that rank, o: the base. Good is right and low.\n")
    draw_plane(curves, words)
    print("\n   What an adapter forgets where it gains most, and what training all parameters")
    print("   forgets for the same gain, estimated between two of its points:\n")
    print("                     gain   forgets   all parameters   difference")
    found = {}
    for way in (smallest, largest):
        found[way] = compare_at_equal_gain(curves[way], curves[full], words)
        gain, forgets, others, more = found[way]
        cells = f"{gain:9.3f} {forgets:9.3f} {others:16.3f}   {more.mean:+.3f} +- {more.error:.3f}"
        print(f"   {way.label:12} {cells}")
    gain, _, _, more = found[largest]
    print(f"\n   So rank {largest.rank} forgets {in_words(more)}")
    learns = gain > 2 * gain_of(best_point(curves[largest]).outcome, words).error
    statement = f"rank {largest.rank} gains, and forgets no less at that gain: {more.mean:+.3f}"
    not_less = more.mean > -2 * more.error
    return [check(learns and not_less, f"{statement}, over -2 x {more.error:.3f}")]


def in_words(difference):
    """What an Estimate of how much more is forgotten means."""
    if difference.mean > 2 * difference.error:
        return "more for the same gain."
    if difference.mean < -2 * difference.error:
        return "less for the same gain."
    return "no less and no more, as far as these words can tell."


# ----- Part 3: in how many directions the model changes -------------------------------------------


def change_of(before, after):
    """What training has added to each matrix."""
    change = {}
    for name, matrix in before.items():
        rows = zip(after[name], matrix)
        change[name] = [[new - old for new, old in zip(*pair)] for pair in rows]
    return change


def add_directions(base, found, n, names, factor=1.0):
    """The base with the first n of the Directions found added to some matrices, times a factor."""
    result = dict(base)
    for name in names:
        for direction in found[name][:n]:
            result[name] = add_direction(result[name], direction, factor)
    return result


def add_change(base, change, factor):
    """The base with a change added, times a factor."""
    result = {}
    for name, matrix in base.items():
        rows = zip(matrix, change[name])
        result[name] = [[p + factor * c for p, c in zip(*pair)] for pair in rows]
    return result


ADAPTER = f"rank {max(LORA_RATES)} adapter"


def reduced_models(full_models, adapter_models, base, rng):
    """{label: models}: the base with only a part of what training has added to it."""
    most = max(KEPT)
    labels = [f"{n} of {N_EMBD}" for n in KEPT]
    labels += [f"{most}, in two matrices", f"without these {most}", "all parameters, halved"]
    reduced = {label: [] for label in labels}
    for model in full_models:
        change = change_of(base, model)
        found = {name: directions(matrix, most, rng) for name, matrix in change.items()}
        for n in KEPT:
            reduced[f"{n} of {N_EMBD}"].append(add_directions(base, found, n, base))
        reduced[f"{most}, in two matrices"].append(add_directions(base, found, most, TARGETS))
        reduced[f"without these {most}"].append(add_directions(model, found, most, base, -1.0))
        reduced["all parameters, halved"].append(add_change(base, change, 0.5))
    halved = [add_change(base, change_of(base, model), 0.5) for model in adapter_models]
    reduced[f"{ADAPTER}, halved"] = halved
    return reduced


def how_many_directions(full, adapter, base, words, seed):
    """Part 3: what is left of a change if only some of its directions, or half of it, are kept."""
    rng = random.Random(f"{seed} directions")
    reduced = reduced_models(full.models, adapter.models, base.frozen, rng)
    most = max(KEPT)
    print("\n3. In how many directions training all parameters changed the model\n")
    print("   Of the change of each matrix only the largest directions are kept; or only")
    print("   in the two matrices that had an adapter, which makes as many numbers as an")
    print("   adapter has; or all but the largest. Below, half of the change, half of the")
    print("   adapter of part 1, and both as they were.\n")
    print(f"   {'':26}      gain on myth  forgotten of names")
    results = {label: outcome(models, base, words) for label, models in reduced.items()}
    results["all parameters"] = full.outcome
    results[ADAPTER] = adapter.outcome
    for label, result in results.items():
        gain, forgets = gain_of(result, words), forgets_of(result, words)
        cells = f"{gain.mean:9.3f} +- {gain.error:.3f} {forgets.mean:9.3f} +- {forgets.error:.3f}"
        print(f"   {label:26} {cells}")
    kept, rest = results[f"{most} of {N_EMBD}"], results[f"without these {most}"]
    share = share_of_gain(kept, full.outcome).mean
    rest_share = share_of_gain(rest, full.outcome).mean
    print(f"\n   The {most} largest directions alone have {share:.0%} of the gain;", end=" ")
    print(f"without them it is {rest_share:.0%}.")
    lead = [a - b for a, b in zip(kept.learned, rest.learned)]
    lead = per_token(lead, words.held_out["myth"])
    statement = f"{most} directions lead the others by {lead.mean:.3f}, over 2 x {lead.error:.3f}"
    claims = [check(lead.mean > 2 * lead.error, statement)]
    for label in ("all parameters", ADAPTER):
        claims.append(claim_of_half(label, results[f"{label}, halved"], results[label]))
    return claims


def claim_of_half(label, half, whole):
    """That half of a change keeps a larger share of the gain than of what is forgotten."""
    # On the way to the whole change, the gain should flatten and forgetting steepen. Then half of
    # the way has more than half of the gain, and less than half of the forgetting.
    gain = mean_and_error(half.learned, whole.learned)
    forgets = mean_and_error(half.forgot, whole.forgot)
    more = gain.mean - forgets.mean
    error = math.hypot(gain.error, forgets.error)
    shares = f"{gain.mean:.0%} of gain, {forgets.mean:.0%} of forgetting"
    return check(more > 2 * error, f"half of {label}: {shares}, over 2 x {error:.0%} apart")


# ----- Part 4: adapters swapped, and merged -------------------------------------------------------


def swapped_and_merged(myth, base, words, steps, seed):
    """Part 4: two adapters on one base, the words that they write, and merging."""
    way = all_ways()[-1]
    rng = random.Random(f"{seed} dinosaurs")
    label = f"{way.label}, dinosaurs"
    dinosaurs = train_adapter(label, base.frozen, way.rank, way.rate, words.dinosaurs, steps, rng)
    with_myth = merge(base.frozen, myth)
    swapped = merge(merge(with_myth, myth, -1.0), dinosaurs)
    models = {"base": base.frozen, "+ myth": with_myth, "+ dinosaurs": swapped}
    new = init_model(len(words.vocabulary), random.Random(f"{seed} scratch"))
    train("from scratch", new, parameters(new), words.dinosaurs, steps, SCRATCH_RATE)
    print(f"\n4. Two adapters of rank {max(LORA_RATES)} on one base\n")
    print("   The first list's adapter is merged into the base, then taken out for another.")
    print("   The loss on held-out words of each kind, in nats per token:\n")
    print("                        names    myth  dinosaurs")
    nats = {}
    for label, model in {**models, "a new model": freeze(new)}.items():
        nats[label] = {kind: nats_of_model(model, some) for kind, some in words.held_out.items()}
        losses = [per_token(nats[label][kind], some).mean for kind, some in words.held_out.items()]
        print(f"   {label:17}" + "".join([f"{loss:9.3f}" for loss in losses]))
    dinosaurs = words.held_out["dinosaurs"]
    behind = loss_difference(
        nats["+ dinosaurs"]["dinosaurs"], nats["a new model"]["dinosaurs"], dinosaurs
    )
    print(f"\n   The new model has learned from {N_TRAIN} dinosaurs and nothing else. Beside the")
    print("   adapter, its loss on other dinosaurs differs by", end=" ")
    print(f"{-behind.mean:+.3f} +- {behind.error:.3f}.")
    print(f"\n   Words at temperature {TEMPERATURE}, with the same random numbers:\n")
    print_words(models, words.vocabulary, seed)
    print_merging(base.frozen, myth, words.held_out["myth"])
    lead = lead_of_the_right_adapter(nats, words)
    statement = f"the right adapter leads the other by {lead.mean:.3f}, over 2 x {lead.error:.3f}"
    return [check(lead.mean > 2 * lead.error, statement)]


def lead_of_the_right_adapter(nats, words):
    """By how much the loss on myth and dinosaurs together is less with the adapter for the kind."""
    kinds = ("myth", "dinosaurs")
    right = nats["+ myth"]["myth"] + nats["+ dinosaurs"]["dinosaurs"]
    wrong = nats["+ dinosaurs"]["myth"] + nats["+ myth"]["dinosaurs"]
    token_lists = [tokens for kind in kinds for tokens in words.held_out[kind]]
    return loss_difference(wrong, right, token_lists)


def print_words(models, vocabulary, seed):
    """Six words by each of some models."""
    print("   " + "".join([f"{label:19}" for label in models]).rstrip())
    for i in range(6):
        row = []
        for model in models.values():
            rng = random.Random(f"{seed} word {i}")
            row.append(sample(model, vocabulary, TEMPERATURE, rng))
        print("   " + "".join([f"{word:19}" for word in row]).rstrip())


def print_merging(base, adapter, token_lists):
    """How far log p of a token goes: by an adapter, and by rounding if it is merged."""
    some = token_lists[:10]
    merged = merge(base, adapter)
    taken_out = merge(merged, adapter, -1.0)
    log_ps = log_probs_of(base, some)
    log_ps_apart = log_probs_of(with_adapter(base, adapter), some)
    print("\n   The largest difference in log p of a token, over ten words of myth:\n")
    gap = largest_gap(log_ps, log_ps_apart)
    print(f"   base, and with the adapter beside it            {gap:.1e}")
    gap = largest_gap(log_ps_apart, log_probs_of(merged, some))
    print(f"   the adapter beside the base, and merged into it {gap:.1e}")
    gap = largest_gap(log_ps, log_probs_of(taken_out, some))
    print(f"   base, and after the adapter was taken out       {gap:.1e}")


def log_probs_of(model, token_lists):
    """log p of each token in some words, as floats."""
    result = []
    for tokens in token_lists:
        result += [x.data if isinstance(x, Value) else x for x in log_probs(model, tokens)]
    return result


def largest_gap(a, b):
    """The largest difference between two lists of floats."""
    return max([abs(x - y) for x, y in zip(a, b)])


# ===== 7. Run =====================================================================================


def main(args):
    """The whole experiment, from the words to the claims."""
    words = split_words(random.Random(args.seed))
    steps = min(ADAPTATION_STEPS, args.steps)
    held_out = words.held_out
    print(f"{len(words.names)} names to learn from, {len(held_out['names'])} held out.")
    print(f"{N_LISTS} lists of {N_TRAIN} words of myth, {len(held_out['myth'])} words held out.")
    base = train_base(words, args.steps, args.seed)
    best, claims = what_it_learns(base, words, steps, args.seed)
    claims += gain_against_forgetting(best, base, words, steps, args.seed)
    full, *_, largest = all_ways()
    claims += how_many_directions(best[full], best[largest], base, words, args.seed)
    claims += swapped_and_merged(best[largest].adapters[0], base, words, steps, args.seed)
    print_claims(claims, args.steps)


# ----- Try this -----------------------------------------------------------------------------------
#
# The largest gain of rank 4 in the picture of part 2, and how much more it forgets there than
# training all parameters at equal gain: means of the seeds 42, 1 and 2, with the lowest and the
# highest of them. First as the file stands, then with one line changed and the rates as they are:
#
#                                                  gain                      forgets more
#   as it stands                                   0.232 (0.198 to 0.283)    0.079 (0.009 to 0.185)
# - ALPHA = 8                                      0.233 (0.193 to 0.264)    0.163 (0.109 to 0.233)
# - ADAPTATION_STEPS = 200                         0.258 (0.230 to 0.287)    0.122 (0.072 to 0.197)
# - TARGETS = ("layer0.fc1", "layer0.fc2")         0.116 (0.102 to 0.128)    0.066 (0.061 to 0.070)
# - TARGETS = ("layer0.query", "layer0.value")     0.073 (0.045 to 0.114)    0.031 (0.018 to 0.042)
#
# ALPHA = 8 makes B A x count four times as much, and then a lower rate is the best. The gain is the
# same, and three seeds do not tell whether more is forgotten; nor do they with 200 steps. (But at
# the highest of its rates, training all parameters for 200 steps leaves the model worse at myth
# than the base: too much for 20 words.) The last two gain less, though other rates may be better
# for them. The paper puts its adapters on query and value, in models of 12 to 96 blocks. Here there
# is one block, and what is new about myth is which letters follow which.
#
# ----- What came of it ----------------------------------------------------------------------------
#
# Over the seeds 100 to 119, rank 4 gained 0.237 on average (from 0.170 to 0.305) with 8% of the
# numbers, and all parameters 0.264 (0.196 to 0.328). Rank 1 gained 0.140 (0.028 to 0.213); with one
# random row in each of its A it may be a matter of luck, and at the default seed it gained more
# than at any of the twenty. For the same gain rank 4 forgot 0.112 more than all parameters (-0.002
# to 0.232), and rank 1 0.183 more (0.009 to 0.293). So a small adapter did not protect what the
# model knew. What did was to go less far: half of the change of all parameters had 80% of its gain
# with 16% of its forgetting, and half of an adapter 85% with 20%.
#
# Of that change, the 4 largest of 16 directions alone had 98% of the gain (91% to 106%), and the
# others 20%. In the two matrices that had an adapter, 4 directions gained 0.193 and forgot 0.064,
# where the trained adapter of the same size gained 0.237 and forgot 0.241. (Those gains differ. And
# as the adapter is at two matrices and full training at all nine, rank and place change together:
# which of them does the harm is not taken apart here.) In large models, training all parameters was
# found to change more directions than usual adapters have (arXiv:2405.09673).
#
# For dinosaurs, which have little in common with names, the loss with an adapter was higher than
# that of a new model by 0.118 on average (-0.012 to 0.215). (The rates of both were chosen on
# myth.) What an adapter is good for can be read off part 1: there is less to train, less to keep
# and less to swap. With one large model and a hundred tasks, that decides.
#
# Next in this collection: microdpo.py, on training a model by which of two words is better, where
# the frozen base comes back as the reference.
#
# This is the end of the tutorial. Below are tools, for whoever wants to change something, and the
# words.

# ----- Tools of this script: drawing --------------------------------------------------------------


def draw_plane(curves, words, width=56, height=16):
    """Plot {way: Points}: the gain to the right, what is forgotten upwards."""
    marks = []
    for way, points in curves.items():
        for point in points[1:]:
            marks.append((way.mark, point.gain, forgets_of(point.outcome, words).mean))
    marks.append(("o", 0.0, 0.0))
    left = min([gain for _, gain, _ in marks])
    right = max([gain for _, gain, _ in marks])
    bottom = min([forgotten for _, _, forgotten in marks])
    top = max([forgotten for _, _, forgotten in marks])
    canvas = [[" "] * (width + 1) for _ in range(height)]
    for mark, gain, forgotten in marks:
        column = round((gain - left) / max(right - left, 1e-9) * width)
        row = round((top - forgotten) / max(top - bottom, 1e-9) * (height - 1))
        canvas[row][column] = mark
    print("   forgotten")
    for row, cells in enumerate(canvas):
        forgotten = top - (top - bottom) * row / (height - 1)
        print(f"   {forgotten:6.3f} |{''.join(cells)}".rstrip())
    print("          +" + "-" * (width + 1))
    print(f"          {left:<8.3f}{'gain':^{width - 14}}{right:>7.3f}")


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


# ===== 8. The words: listed by hand, but for the given names ======================================

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

# Persons, gods and beasts of Greek and Roman myth, in Latin spelling
MYTH = """achilles actaeon adonis aeacus aegeus aegyptus aeolus agamemnon aglaia ajax alcestis
amphion amphitrite amphitryon anchises andromache andromeda antaeus aphrodite apollo arachne ares
argus ariadne artemis asclepius athena atlas atropos autolycus bacchus baucis bellerophon boreas
briseis cadmus calchas callisto calypso castor cephalus cepheus charon charybdis chimera chiron
circe clio coronis creon cronus cybele cyrene daedalus danae daphne deianira deiphobus demeter
diomedes dionysus echo electra endymion eos erato erechtheus eris eros eteocles euphrosyne euryclea
eurydice eurystheus evander galatea ganymede glaucus harmonia hebe hecate hecuba helios hephaestus
hera hercules hermes hermione hero hesione hestia hippolytus hyacinthus hydra hylas hymen hyperion
hypnos iapetus idomeneus io iolaus iphigenia iphitus ismene ixion lachesis laertes laocoon laomedon
leander leda leto lycaon lycomedes lynceus machaon medea medusa melampus meleager melpomene memnon
menelaus mentor metis midas minos minotaur morpheus nausicaa neleus nemesis nephele nereus nessus
nestor niobe odysseus oedipus oenone orestes orpheus pandarus pasiphae pegasus pelias pelops
penelope penthesilea pentheus persephone phaedra phaethon philemon philoctetes philomela phoebe
phrixus pirithous pluto polybus polydorus polymnia polynices polyphemus polyxena poseidon priam
procne procris prometheus proserpina proteus psyche pygmalion pylades rhadamanthus rhea scylla
selene semele sibyl sirius sisyphus sphinx styx tantalus telamon telemachus telephus tereus
terpsichore tethys teucer thanatos theseus thetis thisbe thyestes tiresias tithonus troilus turnus
tyndareus typhon urania uranus zephyrus zeus"""

# Genera of dinosaurs
DINOSAURS = """abelisaurus achelousaurus afrovenator allosaurus aragosaurus aucasaurus bellusaurus
brontosaurus carnotaurus ceratosaurus chasmosaurus coelophysis cryolophosaurus deinocheirus
deltadromeus dilophosaurus einiosaurus eocarcharia euoplocephalus fukuiraptor gallimimus garudimimus
gasosaurus gastonia goyocephale hadrosaurus harpymimus huayangosaurus hypacrosaurus hypsilophodon
jobaria kentrosaurus leptoceratops lophorhothon monolophosaurus mymoorapelta nqwebasaurus orodromeus
ouranosaurus pelecanimimus pelorosaurus pentaceratops pyroraptor quaesitosaurus regaliceratops
saurornithoides scelidosaurus scutellosaurus shantungosaurus shunosaurus silvisaurus staurikosaurus
struthiosaurus styracosaurus tenontosaurus torosaurus tsintaosaurus vulcanodon xenotarsosaurus
yinlong"""


if __name__ == "__main__":
    run()
