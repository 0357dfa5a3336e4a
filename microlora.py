"""A trained model can learn a new spelling in a few new directions, while its weights stay frozen.

Run it: python microlora.py (50 seconds). A small GPT has learned given names. Now it is to learn
names from myth, from 20 examples. LoRA (low-rank adaptation) freezes the model and adds to some of
its matrices a product of two thin ones, an adapter, which alone is trained. It prints what this
learns and what it forgets, beside training the whole model and beside starting from scratch; swaps
adapters on one model; and takes the whole model's change apart, to see in how many directions it
goes. Read microgpt.py first: what both share is explained there.
Papers: LoRA arXiv:2106.09685; that it learns less and forgets less, arXiv:2405.09673.
"""
import argparse, collections, gc, math, operator, os, random, struct, sys, time
STEPS = 1200              # steps of the base on names, one word each; every adaptation has a 12th
BASE_RATE = 0.005         # learning rate of the base; all rates fall linearly to ~0
FULL_RATE = 0.003         # of full training, that is of the whole model: where it learns most
LORA_RATE = 0.009         # of adapters. (All these rates: by held-out words of seeds 42 and 1.)
SCRATCH_RATE = 0.01       # of training from scratch: 0.02 was no better
BETA1, BETA2 = 0.9, 0.99  # memory of Adam: about 10 and 100 steps
N_EMBD, N_HEAD, BLOCK_SIZE, INIT_STD = 16, 4, 16, 0.08  # the model of microgpt.py
RANKS = 1, 2, 4           # r, the directions an adapter has; 4 where only one rank is used
ALPHA = 2                 # B A is multiplied by ALPHA / r: 4 times as much at rank 1 as at 4
TARGETS = "wte", "lm_head"  # the matrices with an adapter; part 2 of the output tries others
N_LISTS = 3               # lists of words to learn from, so that no single one decides
N_TRAIN = 20              # words in each
N_TEST = 60               # held-out words of each kind to measure on (40 of dinosaurs)
TEMPERATURE = 0.7         # of the samples in part 3

# ===== 1. Data ====================================================================================
# Given names, US Census Bureau, name frequencies of 1990 (public domain): the base's words
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
freddie claire wade lindsey austin lindsay stuart geneva fredrick guadalupe arturo""".split()

# Target domains
# Persons, gods and beasts of Greek and Roman myth, in Latin spelling: what is to be learned
MYTHS = """achilles actaeon adonis aeacus aegeus aegyptus aeolus agamemnon aglaia ajax alcestis
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
tyndareus typhon urania uranus zephyrus zeus""".split()
# Genera of dinosaurs: for a second adapter
DINOSAURS = """abelisaurus achelousaurus afrovenator allosaurus aragosaurus aucasaurus bellusaurus
brontosaurus carnotaurus ceratosaurus chasmosaurus coelophysis cryolophosaurus deinocheirus
deltadromeus dilophosaurus einiosaurus eocarcharia euoplocephalus fukuiraptor gallimimus garudimimus
gasosaurus gastonia goyocephale hadrosaurus harpymimus huayangosaurus hypacrosaurus hypsilophodon
jobaria kentrosaurus leptoceratops lophorhothon monolophosaurus mymoorapelta nqwebasaurus orodromeus
ouranosaurus pelecanimimus pelorosaurus pentaceratops pyroraptor quaesitosaurus regaliceratops
saurornithoides scelidosaurus scutellosaurus shantungosaurus shunosaurus silvisaurus staurikosaurus
struthiosaurus styracosaurus tenontosaurus torosaurus tsintaosaurus vulcanodon xenotarsosaurus
yinlong""".split()

def encode(word, vocab):
    """Number the letters by their index in vocab, and mark start and end by 0, the boundary."""
    return [vocab.index(letter) for letter in f"\n{word}\n"]  # vocab[0] is "\n": it is in no word

# ===== 2. Autograd ================================================================================
class Value:
    """A number that remembers what it was computed from, for backward(). See microgpt.py."""
    __slots__ = ("data", "grad", "_prev", "_local_grads")
    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0.0
        self._prev, self._local_grads = children, local_grads
    def __add__(self, other):
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))
    def __mul__(self, other):
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))
    def __pow__(self, exponent):
        out = self.data ** exponent  # and x ** 0 is constant: its derivative is 0, at x = 0 too
        if isinstance(out, complex): raise ValueError(f"({self.data}) ** {exponent} is not real")
        return Value(out, (self,), (exponent * self.data ** (exponent - 1) if exponent else 0.0,))
    def __neg__(self): return self * -1.0
    def __sub__(self, other): return self + -other
    def __truediv__(self, other): return self * other ** -1
    __radd__, __rmul__ = __add__, __mul__                     # number + Value, number * Value
    def __rsub__(self, other): return -self + other           # number - Value
    def __rtruediv__(self, other): return self ** -1 * other  # number / Value
    def __repr__(self): return f"Value(data={self.data}, grad={self.grad})"
    def tanh(self): out = math.tanh(self.data); return Value(out, (self,), (1.0 - out * out,))
    def exp(self): out = math.exp(self.data); return Value(out, (self,), (out,))
    def relu(self): return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))
    def log(self):
        clamped = max(self.data, 1e-10)
        return Value(math.log(clamped), (self,), (1.0 / clamped,))

    def _backward(self):
        grad = self.grad
        for child, local_grad in zip(self._prev, self._local_grads):
            child.grad += local_grad * grad

    def backward(self):
        """Add dL/dv to v.grad for each leaf v (a Value without children) that this L depends on."""
        self.grad = 1.0 if self._prev else self.grad + 1.0  # dL/dL
        topo, visited, stack = [], {self}, [(self, iter(self._prev))]
        while stack:
            for child in stack[-1][1]:
                if child._prev and child not in visited:
                    child.grad = 0.0
                    visited.add(child)
                    stack.append((child, iter(child._prev)))
                    break
            else:  # no break: all children are in the list, so now the node itself
                topo.append(stack.pop()[0])
        for node in reversed(topo): node._backward()

# --- AUTOGRAD IN THIS SCRIPT ---
# This Value class follows the canonical interface exactly.
# See docs/autograd-interface.md for the full specification.

def dot(a, b):
    """The dot product of two equally long sequences of Values, as one node."""
    a_data, b_data = [v.data for v in a], [v.data for v in b]
    return Value(math.fsum(map(operator.mul, a_data, b_data)), (*a, *b), (*b_data, *a_data))
def vsum(values):
    """The sum of a sequence of Values, as one node."""
    return Value(math.fsum([v.data for v in values]), (*values,), (1.0,) * len(values))
def linear(x, w):
    """The matrix product w x: the dot product of x with each row of w."""
    return [dot(row, x) for row in w]

def softmax(logits):
    """Turn logits, scores x of any size, into probabilities p_i = exp(x_i) / sum_j exp(x_j)."""
    max_val = max(v.data for v in logits)
    exp_vals = [(v - max_val).exp() for v in logits]
    inverse = vsum(exp_vals) ** -1
    return [e * inverse for e in exp_vals]

def safe_log(x):
    """log(x), with x below 1e-10 taken as 1e-10, whose log is -23."""
    clamped = max(x.data, 1e-10)
    return Value(math.log(clamped), (x,), (1.0 / clamped,))

def rmsnorm(x):
    """x divided by its root mean square, lest sizes grow or fade on the way (1e-5: x may be 0)."""
    scale = (dot(x, x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]

# ===== 3. Model ===================================================================================
def init_model(vocab_size, rng):
    """Random parameters: {name: matrix}, a matrix being a list of rows of Values."""
    shapes = {"wte": (vocab_size, N_EMBD), "wpe": (BLOCK_SIZE, N_EMBD),
              "wq": (N_EMBD, N_EMBD), "wk": (N_EMBD, N_EMBD), "wv": (N_EMBD, N_EMBD),
              "wo": (N_EMBD, N_EMBD), "fc1": (4 * N_EMBD, N_EMBD), "fc2": (N_EMBD, 4 * N_EMBD),
              "lm_head": (vocab_size, N_EMBD)}
    return {name: [[Value(rng.gauss(0.0, INIT_STD)) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in shapes.items()}

# The same model in two forms: thawed, of Values, all of which can learn; and frozen, of plain
# floats. No gradient can reach a float, and as it is no child of any node, the graph is smaller.

def freeze(model):
    """A copy of a model in plain floats, which no training can change."""
    return {name: [[p.data for p in row] for row in w] for name, w in model.items()}

def thaw(floats):
    """A copy of a frozen model, in Values, which can be trained."""
    return {name: [[Value(a) for a in row] for row in w] for name, w in floats.items()}

def gpt(model, token, cache, adapter):
    """Read one token more; return the logits: for each token a Value that scores it as the next."""
    # That of microgpt.py, with look_up and project (section 5) where a matrix may have an adapter.
    keys, values = cache
    x = [t + p for t, p in zip(look_up(token, model, adapter), model["wpe"][len(keys)])]
    x = rmsnorm([v if isinstance(v, Value) else Value(v) for v in x])
    query, found, d = project(x, "wq", model, adapter), [], N_EMBD // N_HEAD
    keys.append(project(x, "wk", model, adapter))
    values.append(project(x, "wv", model, adapter))
    for head in [slice(i, i + d) for i in range(0, N_EMBD, d)]:
        attention = softmax([dot(query[head], key[head]) * d ** -0.5 for key in keys])
        found += [dot(attention, column) for column in zip(*[value[head] for value in values])]
    x = [a + b for a, b in zip(x, project(found, "wo", model, adapter))]
    hidden = [h.relu() for h in project(rmsnorm(x), "fc1", model, adapter)]
    x = [a + b for a, b in zip(x, project(hidden, "fc2", model, adapter))]
    return project(x, "lm_head", model, adapter)

def word_loss(model, tokens, adapter):
    """The mean of -log p(next token) over a word, in nats per token."""
    cache = [], []
    probs = [softmax(gpt(model, token, cache, adapter))[target]
             for token, target in zip(tokens, tokens[1:])]
    return vsum([safe_log(p) for p in probs]) * (-1.0 / len(probs))

def sample(model, vocab, temperature, rng, adapter):
    """A word, token after token: each is drawn from the model's guess, then read by the model."""
    word, token, cache = "", 0, ([], [])
    while len(word) < BLOCK_SIZE and not word.endswith("\n"):
        probs = softmax([logit / temperature for logit in gpt(model, token, cache, adapter)])
        token = rng.choices(range(len(vocab)), [p.data for p in probs])[0]
        word += vocab[token]
    return word.strip()

# ===== 4. Training ================================================================================
def adam_step(params, m, v, step, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    """Move params downhill. m, v: lists of 0.0 at first, updated in place; step counts from 1."""
    m_share, v_share = 1.0 - beta1 ** step, 1.0 - beta2 ** step
    for i, p in enumerate(params):
        m[i] = m_i = beta1 * m[i] + (1.0 - beta1) * p.grad
        v[i] = v_i = beta2 * v[i] + (1.0 - beta2) * p.grad * p.grad
        p.data -= lr * (m_i / m_share) / ((v_i / v_share) ** 0.5 + eps)

def progress(phase, step, steps, loss, start):
    """Report on stderr: a line that rewrites itself on a terminal, elsewhere a line each tenth."""
    terminal, passed = sys.stderr.isatty(), time.perf_counter() - start
    if terminal or step * 10 % steps < 10:
        print(f"{phase} {step}/{steps}  loss {loss:.3f}  {passed:.0f} s, "
              f"{passed / step * (steps - step):.0f} s left".ljust(58), file=sys.stderr,
              end="\r" if terminal and step < steps else "\n", flush=True)

def train(phase, model, params, docs, steps, lr, adapter=None):
    """Train params, which are those of the model or of its adapter, on a word a step."""
    m, v, start = [0.0] * len(params), [0.0] * len(params), time.perf_counter()
    for step in range(1, steps + 1):
        loss = word_loss(model, docs[step % len(docs)], adapter or {})
        for p in params: p.grad = 0.0
        loss.backward()
        adam_step(params, m, v, step, lr * (steps - step + 1) / steps, BETA1, BETA2)
        progress(phase, step, steps, loss.data, start)
        del loss

def train_all(phase, model, docs, steps, lr):
    """Train all parameters of a thawed model; return the result, frozen."""
    train(phase, model, [p for w in model.values() for row in w for p in row], docs, steps, lr)
    return freeze(model)

def evaluate(model, docs, adapter=None):
    """Nats per token over docs, which are lists of tokens."""
    nats = [word_loss(model, tokens, adapter or {}).data * (len(tokens) - 1) for tokens in docs]
    return math.fsum(nats) / sum(len(tokens) - 1 for tokens in docs)

# ===== 5. The lesson: adapters ====================================================================
# For W with m rows and n columns, LoRA trains B with m rows and r columns and A with r rows and n:
#     h = W x + (alpha / r) B A x,      r (m + n) numbers in place of m n; r is the rank.
# Each of the r directions makes one number of x, by a row of A, and adds it along a column of B.
# (alpha / r is a convention, so that a new r asks for a new learning rate less often.) A starts
# random and B at zero, so B A = 0 and training starts at the base. With both at zero it would stay
# there: dL/dB has the factor A x, dL/dA the factor B. So B moves first.
# Which matrices? The paper takes W_q and W_v, of models with 12 to 96 blocks, and leaves the rest
# frozen for simplicity. Here there is one block, and what is new about myth is which letters
# follow which. lm_head decides that, and wte helps it: part 2 of the output tries others.
# Forgetting: an adapter can move less, so it may do less harm. But the learning rate counts for as
# much: at half its best one (part 1 of the output) full training forgets no more than an adapter.
# Nor does an adapter always win: dinosaurs are so far from names that scratch does better (part 3).

work = collections.Counter()  # multiplications by matrices, added up where they are done

def project(x, name, model, adapter):
    """W x for the matrix of this name, with the adapter's (alpha / r) B A x if it has one."""
    w = model[name]
    work["W"] += len(w) * len(x)
    if isinstance(w[0][0], Value): return linear(x, w)  # thawed: full training
    x, data = (*x,), [v.data for v in x]
    if name not in adapter:
        return [Value(math.fsum(map(operator.mul, row, data)), x, row) for row in w]
    (a, b), out = adapter[name], []
    z, scale = linear(x, a), ALPHA / len(a)
    z_data = [v.data * scale for v in z]
    work["adapter"] += len(a) * len(x) + len(z) + len(b) * len(z)
    for row, b_row in zip(w, b):  # h_i = sum_j W_ij x_j + sum_k B_ik (scale z_k): one fused node
        b_data = [v.data for v in b_row]
        h = math.fsum([*map(operator.mul, row, data), *map(operator.mul, b_data, z_data)])
        out.append(Value(h, (*x, *z, *b_row), (*row, *[v * scale for v in b_data], *z_data)))
    return out

def look_up(token, model, adapter):
    """The embedding of a token: its row of W + (alpha / r) B A."""
    row = model["wte"][token]
    if "wte" not in adapter: return row
    a, b = adapter["wte"]
    work["adapter"] += len(a) * len(row) + len(row)
    return [dot(b[token], column) * (ALPHA / len(a)) + p for p, column in zip(row, zip(*a))]

def init_adapter(base, names, rank, rng):
    """An adapter {name: (A, B)} that changes nothing yet: B is zero."""
    return {name: ([[Value(rng.gauss(0.0, len(base[name][0]) ** -0.5)) for _ in base[name][0]]
                    for _ in range(rank)], [[Value(0.0) for _ in range(rank)] for _ in base[name]])
            for name in names}

def adapter_parameters(adapter):
    """All parameters of an adapter as one list."""
    return [p for pair in adapter.values() for w in pair for row in w for p in row]

def train_adapter(phase, base, names, rank, docs, steps, rng):
    """A new adapter for the matrices in names, trained on docs while base stays as it is."""
    adapter = init_adapter(base, names, rank, rng)
    train(phase, base, adapter_parameters(adapter), docs, steps, LORA_RATE, adapter)
    return adapter

def merge(base, adapter, sign=1.0):
    """A new frozen model with W + sign (alpha / r) B A for W; sign -1 takes the adapter out."""
    merged = dict(base)
    for name, (a, b) in adapter.items():
        scale, columns = sign * ALPHA / len(a), [[p.data for p in column] for column in zip(*a)]
        merged[name] = [[p + scale * math.fsum(map(operator.mul, [q.data for q in b_row], column))
                         for p, column in zip(row, columns)] for row, b_row in zip(base[name], b)]
    return merged

def to_bytes(model):
    """All numbers of a frozen model, 8 bytes each."""
    return b"".join(struct.pack(f"<{len(row)}d", *row) for w in model.values() for row in w)

def read_logits(model, docs, adapter):
    """All logits while reading docs, as one list of floats."""
    out = []
    for tokens in docs:
        cache = [], []
        for token in tokens[:-1]: out += [v.data for v in gpt(model, token, cache, adapter)]
    return out

def largest_gap(a, b):
    """The largest difference between two lists of floats."""
    return max(abs(x - y) for x, y in zip(a, b))

# Singular values. Any matrix M is a sum of terms with entries s u_i v_j, where s falls from term to
# term, and the u, and the v, have length 1 and right angles between them: M turns v into u, s
# times as long. The first r terms are the nearest that any B A can come to M (Eckart and Young
# 1936). Almost any vector is a sum with a part along each v. M'(M v), M' with rows and columns
# swapped, makes each of these parts s squared as long, so repeated it leaves little but the first:
# power iteration. Without this term the next one is the largest.

def square(matrix):
    """The sum of the squares of a matrix, which is the sum of all s squared."""
    return math.fsum(a * a for row in matrix for a in row)

def product(matrix, v):
    """The matrix product M v, in floats."""
    return [math.fsum(map(operator.mul, row, v)) for row in matrix]

def singular_values(matrix, n, rng):
    """The n largest singular values of a matrix of floats, and their vectors: [(s, u, v), ...]."""
    found, rest = [], matrix
    for _ in range(n):
        v, before, s, columns = [rng.gauss(0.0, 1.0) for _ in matrix[0]], -1.0, 0.0, [*zip(*rest)]
        for _ in range(500):
            u = product(rest, v)
            length = square([u]) ** 0.5
            if length == 0.0: break
            u = [a / length for a in u]
            v = product(columns, u)
            s, before = square([v]) ** 0.5, s
            v = [a / s for a in v]
            if abs(s - before) <= 1e-10 * s: break
        found.append((s, u, v))
        rest = [[a - s * u_i * v_j for a, v_j in zip(row, v)] for row, u_i in zip(rest, u)]
    return found

def add_directions(base, svd, rank):
    """base plus the first directions of its change, of which svd is {name: [(s, u, v), ...]}."""
    return {name: [[p + math.fsum(s * u[i] * v[j] for s, u, v in svd[name][:rank])
                    for j, p in enumerate(row)] for i, row in enumerate(w)]
            for name, w in base.items()}

def share_in(found, matrix):
    """The share of the squares of a matrix that lies in its first r directions, r of RANKS."""
    return [math.fsum(s * s for s, _, _ in found[:r]) / square(matrix) for r in RANKS]

# ===== 6. Run =====================================================================================
def run(main, doc, **more):
    """Parse the options, those in more ({name: type}) too, and call main with them."""
    sys.stdout, sys.stderr = [s or open(os.devnull, "w") for s in (sys.stdout, sys.stderr)]
    getattr(sys.stdout, "reconfigure", dict)(line_buffering=True, errors="backslashreplace")
    parser = argparse.ArgumentParser(description=doc)
    parser.error = lambda s: parser.exit(2, f"{parser.prog}: {' '.join(s.split())}; see --help\n")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps, 1 or more")
    parser.add_argument("--seed", type=int, default=42, help="where all randomness starts")
    for name, kind in more.items(): parser.add_argument(f"--{name}", type=kind, help=kind.__doc__)
    args, start = parser.parse_args(), time.perf_counter()
    if not 0 < args.steps <= 1e9: parser.error(f"argument --steps: {args.steps} is not 1 to 1e9")
    try:
        main(args)
        print(f"{time.perf_counter() - start:.1f} s in all", file=sys.stderr)
    except KeyboardInterrupt: os._exit(130)  # Ctrl-C
    except OSError: os._exit(1)  # nobody reads stdout any more, as in | head

def main(args):
    if sys.implementation.name == "cpython": gc.disable()  # graphs have no cycles to look for
    rng, steps = random.Random(args.seed), max(args.steps // 12, 1)
    vocab = "\n" + "".join(sorted(set("".join(NAMES))))
    names, myths, dinosaurs = [[encode(word, vocab) for word in rng.sample(words, len(words))]
                               for words in (NAMES, MYTHS, DINOSAURS)]
    n_test = min(N_TEST, args.steps)  # a run of few steps measures on few words
    tests = [names[:n_test], myths[:n_test], dinosaurs[N_TRAIN:][:n_test]]
    lists = [myths[i:i + N_TRAIN] for i in range(N_TEST, len(myths), N_TRAIN)][:N_LISTS]
    def measure(model, adapter=None):
        return evaluate(model, tests[1], adapter), evaluate(model, tests[0], adapter)
    def full(docs, rate): return train_all("full", thaw(base), docs, steps, rate)
    def scratch(docs, n):
        return train_all("scratch", init_model(len(vocab), rng), docs, n, SCRATCH_RATE)
    def lora(docs, rank, targets=TARGETS):
        return train_adapter(f"rank {rank}", base, targets, rank, docs, steps, rng)
    def show(name, n, myth, on_names=None):
        ends = "" if on_names is None else f"{on_names:8.3f}{on_names - names_before:+9.3f}"
        gain = (on_base - myth) / (on_base - on_full)
        print(f"   {name:20}{n:7}{n / n_params:7.1%}{myth:8.3f}{gain:8.0%}{ends}")
    print(f"The base: {len(names) - N_TEST} names to train on, {N_TEST} held out")
    base = train_all("base", init_model(len(vocab), rng), names[N_TEST:], args.steps, BASE_RATE)
    before, n_params = to_bytes(base), sum(len(w) * len(w[0]) for w in base.values())
    print(f"\n1. Learn myth from {N_TRAIN} words in {steps} steps, adapters on {' '.join(TARGETS)}"
          "\n   Held-out loss in nats per token; gain: over the base, 100 % is that of full\n\n"
          f"{'':23}trained          myth    gain   names  forgets")
    half = f"full, rate {FULL_RATE / 2}"
    in_full, slower = full(lists[0], FULL_RATE), full(lists[0], FULL_RATE / 2)
    points = {"base": measure(base), "full": measure(in_full), half: measure(slower)}
    (on_base, names_before), (on_full, _), _ = points.values()
    for name, losses in points.items(): show(name, 0 if name == "base" else n_params, *losses)
    adapters = {r: lora(lists[0], r) for r in RANKS}
    sizes = {r: len(adapter_parameters(adapter)) for r, adapter in adapters.items()}
    points.update({r: measure(base, adapter) for r, adapter in adapters.items()})
    for r in RANKS: show(f"LoRA, rank {r}", sizes[r], *points[r])
    alone = {n: evaluate(scratch(lists[0], n), tests[1])
             for n in (max(steps // 4, 1), max(steps // 2, 1), steps)}
    for n, loss in alone.items(): show(f"scratch, {n} steps", n_params, loss)
    rank, n_best = max(RANKS), min(alone, key=alone.get)
    print(f"\n   On {N_LISTS} lists of {N_TRAIN} words: loss on myth (and on names)\n\n"
          f"   list   full           {half}  LoRA, rank {rank}   scratch, {n_best} steps")
    table = [[*points["full"], *points[half], *points[rank], alone[n_best]]]
    for docs in lists[1:]:
        table.append([*measure(full(docs, FULL_RATE)), *measure(full(docs, FULL_RATE / 2)),
                      *measure(base, lora(docs, rank)), evaluate(scratch(docs, n_best), tests[1])])
    means = [math.fsum(column) / len(table) for column in zip(*table)]
    for name, row in (*enumerate(table, 1), ("mean", means)):
        print("   {:<7}{:.3f} ({:.3f})  {:.3f} ({:.3f})     {:.3f} ({:.3f})  {:.3f}".format(
            name, *row))
    share = (on_base - means[4]) / (on_base - means[0])
    print("\n2. Which matrices? First list, rate of wte and lm_head; columns as in part 1\n")
    for targets, r in (("wq wv", 4), ("wq wk wv wo", 2), ("fc1 fc2", 2), ("lm_head", 8)):
        adapter = lora(lists[0], r, targets.split())
        show(f"{targets}, rank {r}", len(adapter_parameters(adapter)), *measure(base, adapter))
    print(f"\n3. Two adapters of rank {rank}, swapped on one base: held-out loss\n\n"
          f"{'':21}names    myth  dinosaurs")
    myth, dinos = adapters[rank], lora(dinosaurs[:N_TRAIN], rank)
    losses = [[evaluate(base, part, adapter) for part in tests] for adapter in ({}, myth, dinos)]
    losses.append([evaluate(scratch(dinosaurs[:N_TRAIN], n_best), part) for part in tests])
    for name, row in zip(("base", "+ myth", "+ dinosaurs", "(dinos, scratch)"), losses):
        print(f"   {name:16}" + "".join(f"{loss:8.3f}" for loss in row))
    print(f"\n   Words at temperature {TEMPERATURE}, from the same random numbers\n\n"
          f"   {'base':19}{'+ myth':19}+ dinosaurs")
    for seed in [rng.random() for _ in range(6)]:
        print("".join(f"   {sample(base, vocab, TEMPERATURE, random.Random(seed), adapter):16}"
                      for adapter in ({}, myth, dinos)).rstrip())
    print("\n4. Merged into the base: multiplications by matrices for a token, and the\n"
          "   largest difference of a logit from the base and from base + myth\n")
    merged, runs = merge(base, myth), {}
    for name, model, adapter in (
            ("base", base, {}), ("base + myth", base, myth), ("merged", merged, {}),
            ("taken out again", merge(merged, myth, -1.0), {}),
            ("base + untrained", base, init_adapter(base, TARGETS, rank, rng))):
        work.clear()
        runs[name] = read_logits(model, tests[1][:10], adapter), sum(work.values())
    for name, (logits, count) in runs.items():
        print(f"   {name:18}{count * len(vocab) // len(logits):6}" + "".join(
            f"{largest_gap(logits, runs[other][0]):11.1e}" for other in ("base", "base + myth")))
    print("\n5. The change that full training made: the share of its squares that 1, 2 and\n"
          "   4 directions hold, in brackets of random numbers in the rows that moved. Bars\n"
          "   from 0 to 1: 4 directions, # beyond random\n")
    svd, nearer = {}, []
    for name, w in base.items():
        change = [list(map(operator.sub, *rows)) for rows in zip(in_full[name], w)]
        noise = [[rng.gauss(0.0, 1.0) if any(row) else 0.0 for _ in row] for row in change]
        svd[name] = singular_values(change, max(RANKS), rng)
        pairs = [*zip(share_in(svd[name], change),
                      share_in(singular_values(noise, max(RANKS), rng), noise))]
        nearer.append(pairs[-1][0] > pairs[-1][1])
        print(f"   {name:8}{len(change):2} x {len(change[0]):2}  " + " ".join(
            f"{a:.2f} ({b:.2f})" for a, b in pairs) + "  " + ("-" * round(pairs[-1][1] * 20)).ljust(
            round(pairs[-1][0] * 20), "#"))
    print("\n   The base plus the first 1, 2 or 4 directions of each change; columns as in\n"
          "   part 1, the first for numbers kept, not trained\n")
    for r in RANKS:
        n = sum(r * (len(w) + len(w[0])) for w in base.values())
        show(f"{r} of 16", n, *measure(add_directions(base, svd, r)))
    gap = max(largest_gap(runs[a][0], runs[b][0]) for a, b in
              (("base + myth", "merged"), ("base", "taken out again")))
    print("\nclaims")
    for ok, claim in (
            (sizes[rank] <= n_params / 10, f"trained: {sizes[rank]} of {n_params} parameters, "
             f"<= 10%; numbers of Adam: {2 * sizes[rank]} of {2 * n_params}"),
            (share >= 0.7, f"rank {rank}: {share:.0%} >= 70% of full training's held-out gain"),
            (means[4] < means[6], f"on myth, better than scratch: {means[4]:.3f} < {means[6]:.3f}"),
            (means[5] < means[1], f"forgets less than full at its best rate: names {means[5]:.3f} "
                                  f"< {means[1]:.3f}"),
            (gap <= 1e-9 and runs["merged"][1] == runs["base"][1],
             f"merged, and taken out: logits to {gap:.0e} <= 1e-9, no more multiplications"),
            (runs["base + untrained"][0] == runs["base"][0],
             "step 0 is the base, to the last bit of the logits"),
            (to_bytes(base) == before, f"the base's {len(before)} bytes are what they were"),
            (all(min(losses[:3], key=lambda row: row[k]) is losses[k] for k in range(3)),
             "swapped: of these three, each is the best on its own words"),
            (all(nearer), "4 directions hold more of each change than of random numbers")):
        print(f"[{'ok' if ok else 'no'}] {claim}")

# Try this, one line at a time (seed 42, mean of 3 lists; rank 4 had 2.465 on myth, 2.389 on names):
# - Value(0.0) for A too in init_adapter: 2.792 and 2.276, which is the base. Nothing ever moves.
# - LORA_RATE = 0.02: 2.467 and 2.608. It learns no more, and forgets more than full training.
# - TARGETS = "wq", "wv", the paper's choice for large models: 2.757 and 2.335.
if __name__ == "__main__": run(main, __doc__)
