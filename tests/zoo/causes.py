"""The closed list of causes: what can be wrong in a backward, a label and one plain sentence each.

VALUES are mistakes of calculus: a gradient has wrong numbers. CONTRACTS are mistakes of conduct:
the numbers of one ordinary call may be right, and the layer still spoils training.
"""

VALUES = {}
CONTRACTS = {}


def _value(label, meaning):
    VALUES[label] = meaning
    return label


def _contract(label, meaning):
    CONTRACTS[label] = meaning
    return label


# ---- sums and counts -----------------------------------------------------------------------------
BATCH_SUM = _value(
    "missing batch sum",
    "A parameter serves every row of the batch, but its gradient is not summed over the rows.",
)
BROADCAST = _value(
    "missing broadcast sum",
    "A value was copied by broadcasting, tiling or repeating; its copies' gradients are not added.",
)
OVERWRITES = _value(
    "overwritten instead of added",
    "Several contributions belong in one place and `=` (or a buffered `+=`) keeps only the last.",
)
NOT_DIVIDED = _value(
    "not divided by the batch size",
    "The forward averages over the batch, and the backward does not divide by its size.",
)
DIVIDED = _value(
    "divided by the batch size once too often",
    "The backward divides by the batch size where the forward does not, or divides twice.",
)
COUNT = _value(
    "wrong count",
    "A mean is divided by another number of entries than in the forward, or not at all.",
)
AXIS = _value(
    "wrong axis",
    "A sum, a mean, an expansion or a lookup runs along another axis than in the forward.",
)

# ---- factors and terms ---------------------------------------------------------------------------
FACTOR = _value(
    "wrong constant factor",
    "A constant factor is missing or one too many: the 2 of a square, a half, a scale.",
)
CONSTANT = _value(
    "wrong constant",
    "A constant inside the formula is not the forward's: rounded, a default, another setting.",
)
EPS = _value(
    "epsilon omitted",
    "The forward adds a small epsilon before it divides or takes a root; the backward forgets it.",
)
SIGN = _value(
    "wrong sign",
    "A sign is flipped or lost: in the whole gradient, in one term, or for some of the entries.",
)
POWER = _value(
    "wrong power",
    "A power in the derivative is off: σ² instead of σ³, 1/b instead of 1/b², y instead of y².",
)
CHAIN = _value(
    "missing chain factor",
    "A factor of the chain rule is left out: an inner derivative, or what multiplies it.",
)
EXTRA_CHAIN = _value(
    "chain factor once too often",
    "The derivative of an inner function is multiplied in although it was already accounted for.",
)
TERM = _value(
    "missing term",
    "The output depends on the operand in several ways (product rule, skip); one is left out.",
)
DETACHED = _value(
    "detached part",
    "A mean, variance, norm or other quantity computed from the input is treated as a constant.",
)
DIAGONAL = _value(
    "only the diagonal",
    "Only the diagonal of a full Jacobian, such as softmax's, is used.",
)
OTHER_DERIVATIVE = _value(
    "derivative of another function",
    "The derivative belongs to a similar function: sigmoid's for tanh, an approximation's.",
)

# ---- operands ------------------------------------------------------------------------------------
OUTPUT = _value(
    "input and output confused",
    "The formula wants the output and gets the input, or the other way round.",
)
OPERAND = _value(
    "wrong operand",
    "The right formula with a wrong array: the other factor, another layer's value, another gate.",
)
TRANSPOSED = _value(
    "transposed",
    "An operand of a product, or the product itself, is transposed or in the wrong order.",
)
SWAPPED = _value(
    "gradients swapped",
    "The gradients are right but are handed out in another order than the operands came in.",
)
ORDER = _value(
    "wrong order of steps",
    "The steps of the forward are not undone in the reverse order.",
)
MODE = _value(
    "wrong mode",
    "The backward follows the rule of training while testing, or of testing while training.",
)

# ---- places --------------------------------------------------------------------------------------
MASK = _value(
    "missing mask",
    "Entries that did not take part in the forward receive a gradient.",
)
WRONG_MASK = _value(
    "mask of the wrong array",
    "The mask is computed from another array, or another condition, than in the forward.",
)
BRANCH = _value(
    "wrong branch",
    "A function defined by cases: the cases are swapped, or one of them has a wrong derivative.",
)
PLACE = _value(
    "wrong place",
    "The right values end up in wrong entries: shifted, not unsorted, a flipped kernel.",
)
MISSED = _value(
    "entries missed",
    "Some entries that took part never receive a gradient: the last window, negative indices.",
)
RESHAPED = _value(
    "reshaped instead of transposed",
    "An array is reshaped where its axes should be moved, which shuffles its entries.",
)

# ---- memory --------------------------------------------------------------------------------------
MUTATES_DOUT = _contract(
    "changes dout",
    "The incoming gradient is overwritten; whoever else uses it gets other numbers.",
)
MUTATES_INPUT = _contract(
    "changes its input",
    "Forward or backward overwrites the array that the caller passed in.",
)
MUTATES_OUTPUT = _contract(
    "changes its output",
    "The backward overwrites the array that the forward returned.",
)
MUTATES_PARAMETER = _contract(
    "changes a parameter",
    "The backward overwrites a weight; only the optimizer may.",
)
ALIASES_DOUT = _contract(
    "returns dout itself",
    "A gradient shares memory with the incoming dout: writing into one changes the other.",
)
SHARES_MEMORY = _contract(
    "shares memory",
    "A gradient shares memory with another gradient, an input, an output or a parameter.",
)
ALIASES_BUFFER = _contract(
    "returns its own buffer",
    "A gradient that was returned is overwritten by the next call.",
)

# ---- calls ---------------------------------------------------------------------------------------
SECOND_BACKWARD = _contract(
    "second backward differs",
    "Calling backward again with the same dout gives another answer, or fails.",
)
ACCUMULATES = _contract(
    "adds up over calls",
    "A parameter's gradient still contains that of earlier batches: nothing resets it.",
)
STALE_CACHE = _contract(
    "stale cache",
    "After a second forward the backward still uses what the first one stored.",
)
STALE_PARAMETER = _contract(
    "stale parameter",
    "The backward uses a copy of a weight as it was before the optimizer changed it.",
)
SHARED_STATE = _contract(
    "shared state",
    "Two layers of the same class share what should be their own.",
)
STATE_IN_BACKWARD = _contract(
    "backward changes the state",
    "The forward gives another answer after a backward than it would have given without.",
)
RANDOM_BACKWARD = _contract(
    "random numbers in backward",
    "The backward draws random numbers instead of using the ones of the forward.",
)
NOT_LINEAR = _contract(
    "not linear in dout",
    "Doubling dout does not double the gradients, or dout = 0 does not give 0.",
)
IGNORES_DOUT = _contract(
    "ignores dout",
    "The gradients are the same whatever dout is: as if the layer were always the last one.",
)

# ---- arrays --------------------------------------------------------------------------------------
WRONG_DTYPE = _contract(
    "wrong dtype",
    "A gradient's floating type has fewer digits than its operand's: float64 becomes float32.",
)
PROMOTES = _contract(
    "promotes to float64",
    "The operand is float32 and its gradient float64: right, and twice the memory.",
)
INTEGER_GRADIENT = _contract(
    "integer or boolean gradient",
    "A gradient is kept in an array of integers or booleans, which cuts its values off.",
)
WRONG_SHAPE = _contract(
    "wrong shape",
    "The numbers are right and the gradient's shape is not its operand's.",
)
BATCH_OF_ONE = _contract(
    "wrong for a batch of one",
    "A batch with a single row gives a wrong gradient or an error.",
)
EMPTY_BATCH = _contract(
    "fails on an empty batch",
    "A batch without rows gives an error or NaN instead of zeros.",
)
LAYOUT = _contract(
    "depends on the memory layout",
    "Arrays that are not C-contiguous give other gradients, or an error.",
)
NO_GRADIENT = _contract(
    "gradient is None",
    "The backward returns None in place of a gradient.",
)
MISSING_GRADIENT = _contract(
    "gradient is missing",
    "A gradient is not returned or not stored at all.",
)
NAN_AT_ZERO = _contract(
    "not finite at zero",
    "Inputs of zeros give NaN or infinity where the gradient exists.",
)
OVERFLOWS = _contract(
    "overflows for large inputs",
    "Large inputs give NaN or infinity where the gradient is finite.",
)

# ---- beside a contract ---------------------------------------------------------------------------
WRONG_VALUE = "wrong value"  # never a cause by itself: what some broken contracts entail

CAUSES = VALUES | CONTRACTS
