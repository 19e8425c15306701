# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, nonecheck=False, embedsignature=True
"""Reads JSON messages once: checked, hashed and laid out as Arrow columns in the same pass.

Knows no Redox, no file and no database. It gets bytes, where items are, and a compiled program (the
JSON shape as tables of integers); it gives, for the items that fit the program exactly, columns per
leaf and rows per array, and a keyed content hash per item. An item that does not fit leaves no
trace in the columns: the exact way takes it.

Safety: every read is bounded by the end of its item, the buffer must be followed by PADDING bytes.
Nesting of typed values is bounded by the program, that of free values by `max_depth`; all arrays
grow by checked sizes; a failed allocation raises MemoryError.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc, strtod
from libc.string cimport memcmp, memcpy, memset

import numpy as np
import pyarrow as pa

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    static inline uint64_t rw_load64(const uint8_t *p) { uint64_t x; memcpy(&x, p, 8); return x; }
    static inline uint64_t rw_mix(uint64_t a, uint64_t b) {
        unsigned __int128 r = (unsigned __int128)a * b;
        return (uint64_t)r ^ (uint64_t)(r >> 64);
    }
    #define RW_ONES 0x0101010101010101ULL
    #define RW_HIGH 0x8080808080808080ULL
    /* Marks (at least) the lowest byte that is a quote, a backslash, below 0x20 or above 0x7f. */
    static inline uint64_t rw_special(uint64_t x) {
        uint64_t quote = x ^ (RW_ONES * 0x22), slash = x ^ (RW_ONES * 0x5c);
        uint64_t marks = ((quote - RW_ONES) & ~quote) | ((slash - RW_ONES) & ~slash)
                       | ((x - RW_ONES * 0x20) & ~x) | x;
        return marks & RW_HIGH;
    }
    static inline int rw_first(uint64_t marks) {
    #if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return __builtin_ctzll(marks) >> 3;
    #else
        return __builtin_clzll(marks) >> 3;
    #endif
    }
    /* Days since 1970-01-01 of a civil date (Howard Hinnant's algorithm, public domain). */
    static inline int64_t rw_days(int64_t y, int64_t m, int64_t d) {
        y -= m <= 2;
        int64_t era = (y >= 0 ? y : y - 399) / 400;
        int64_t yoe = y - era * 400;
        int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
        int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
        return era * 146097 + doe - 719468;
    }
    """
    uint64_t rw_load64(const uint8_t *p) noexcept nogil
    uint64_t rw_mix(uint64_t a, uint64_t b) noexcept nogil
    uint64_t rw_special(uint64_t x) noexcept nogil
    int rw_first(uint64_t marks) noexcept nogil
    int64_t rw_days(int64_t y, int64_t m, int64_t d) noexcept nogil


PADDING = 64
KEY_BYTES = 80
HASH_BYTES = 16

cdef enum:
    OBJECT = 0
    OBJECTS = 1
    SCALARS = 2
    LEAF = 3

cdef enum:
    TEXT = 0
    JSON = 1
    BOOLEAN = 2
    INTEGER = 3
    DOUBLE = 4
    MONEY = 5
    DATE = 6
    TIMESTAMP = 7

# What a leaf is to the content hash and to the message's identity.
cdef enum:
    VOLATILE_ALWAYS = 1
    VOLATILE_WITH_LOG = 2
    LOG_ID = 4
    IS_MODEL = 8
    IS_EVENT = 16
    HOLDS_VOLATILE = 32

# Types of hashed leaves. Two values of different type never hash alike.
cdef enum:
    H_TEXT = 1
    H_NUMBER = 2
    H_TRUE = 3
    H_FALSE = 4
    H_NULL = 5
    H_EMPTY_OBJECT = 6
    H_EMPTY_ARRAY = 7

cdef enum:
    PADDED = 64
    EXTENSION_BIT = 255
    MOST_CHILDREN = 255

cdef struct Pair:
    uint64_t a
    uint64_t b

cdef struct Key:
    uint64_t k[10]


# --- the content hash -------------------------------------------------------------------------
#
# Each leaf (path of keys and ordinals, type, value) becomes 2 x 64 bits by multiply-and-fold with
# secret words; a message's hash is their sum, so that the order of keys does not matter. Both lanes
# use different words. tests/reference says the same in plain Python.

cdef inline Pair hash_bytes(const Key* key, Pair seed, const uint8_t* p, int64_t n) noexcept nogil:
    cdef uint64_t x, y
    cdef uint64_t a = seed.a, b = seed.b
    cdef uint8_t tail[16]
    cdef int64_t left = n
    while left >= 16:
        x = rw_load64(p)
        y = rw_load64(p + 8)
        a = rw_mix(x ^ key.k[0], y ^ a)
        b = rw_mix(x ^ b, y ^ key.k[1])
        p += 16
        left -= 16
    if left:
        memset(tail, 0, 16)
        memcpy(tail, p, <size_t>left)
        x = rw_load64(tail)
        y = rw_load64(tail + 8)
        a = rw_mix(x ^ key.k[0], y ^ a)
        b = rw_mix(x ^ b, y ^ key.k[1])
    seed.a = rw_mix(a ^ key.k[2], <uint64_t>n ^ key.k[3])
    seed.b = rw_mix(b ^ key.k[4], <uint64_t>n ^ key.k[5])
    return seed


cdef inline Pair step(const Key* key, Pair at, uint64_t a, uint64_t b) noexcept nogil:
    cdef Pair to
    to.a = rw_mix(at.a ^ key.k[6], a ^ key.k[7])
    to.b = rw_mix(at.b ^ key.k[8], b ^ key.k[9])
    return to


cdef inline Pair leaf_hash(
    const Key* key, Pair path, Pair place, int kind, const uint8_t* p, int64_t n
) noexcept nogil:
    cdef Pair seed = step(key, path, place.a, place.b)
    seed = step(key, seed, <uint64_t>kind, <uint64_t>kind)
    return hash_bytes(key, seed, p, n)


cdef inline Pair key_path(const Key* key, Pair parent, const uint8_t* p, int64_t n) noexcept nogil:
    cdef Pair text
    text.a = key.k[1]
    text.b = key.k[0]
    text = hash_bytes(key, text, p, n)
    return step(key, parent, text.a, text.b)


cdef inline Pair mark_path(const Key* key, Pair parent, uint64_t mark) noexcept nogil:
    return step(key, parent, mark, ~mark)


cdef inline Pair next_place(const Key* key, Pair place, int64_t ordinal) noexcept nogil:
    return step(key, place, <uint64_t>ordinal, ~<uint64_t>ordinal)


cdef Pair root_path(const Key* key) noexcept nogil:
    cdef Pair at
    at.a = key.k[3]
    at.b = key.k[2]
    return at


cdef Pair no_place(const Key* key) noexcept nogil:
    cdef Pair at
    at.a = key.k[5]
    at.b = key.k[4]
    return at

ARRAY_MARK = 1
REPEAT_MARK = 2


cdef Key read_key(bytes secret) except *:
    if len(secret) != KEY_BYTES:
        raise ValueError(f"the key of content hashes has {KEY_BYTES} bytes")
    cdef Key key
    cdef const uint8_t* p = secret
    cdef int i
    for i in range(10):
        key.k[i] = rw_load64(p + 8 * i) | 1
    return key


cdef class Hasher:
    """The content hash leaf by leaf, for the exact way; the reader gives equal hashes."""

    cdef Key key
    cdef bytes secret

    def __init__(self, bytes secret):
        self.key = read_key(secret)
        self.secret = secret

    def __reduce__(self):
        return Hasher, (self.secret,)

    def root(self):
        """The path of the message itself, and the place outside all arrays."""
        cdef Pair path = root_path(&self.key), place = no_place(&self.key)
        return (path.a, path.b), (place.a, place.b)

    def child(self, path, bytes key):
        """The path of a key below a path."""
        cdef Pair at
        at.a, at.b = path
        at = key_path(&self.key, at, <const uint8_t*><char*>key, len(key))
        return at.a, at.b

    def mark(self, path, uint64_t mark):
        """The path of an array's elements, or of the values of a repeated key."""
        cdef Pair at
        at.a, at.b = path
        at = mark_path(&self.key, at, mark)
        return at.a, at.b

    def place(self, place, int64_t ordinal):
        """The place of the element of this 1-based position."""
        cdef Pair at
        at.a, at.b = place
        at = next_place(&self.key, at, ordinal)
        return at.a, at.b

    def leaf(self, path, place, int kind, bytes value):
        """What a leaf adds to the hash: two 64 bit numbers."""
        cdef Pair at, where
        at.a, at.b = path
        where.a, where.b = place
        at = leaf_hash(&self.key, at, where, kind, <const uint8_t*><char*>value, len(value))
        return at.a, at.b


# --- programs ---------------------------------------------------------------------------------

cdef struct Node:
    int32_t kind
    int32_t storage
    int32_t grain        # of its column; of an array: the grain of its elements
    int32_t flags
    int32_t first_slot   # of the hash table of its children
    int32_t slot_mask
    int32_t local        # position among its siblings
    int32_t key_start
    int32_t key_size
    int32_t follows      # the sibling that came next last time, -1 for none
    int32_t first        # the child that came first last time
    int32_t level        # containers around what is in it, itself included
    Pair path            # of the value
    Pair inner           # of the elements, for arrays


cdef class Program:
    """A compiled shape: nodes in pre-order, node 0 the message; grains, grain 0 the messages.

    `nodes` has one row per node: kind, storage, grain, flags, parent. `keys` are their JSON keys
    (the first is not used). `grain_depths` says how many arrays are around the rows of each grain.
    """

    cdef Node* nodes
    cdef uint8_t* keys
    cdef int32_t* slots
    cdef readonly int node_count
    cdef readonly int grain_count
    cdef int32_t* depths
    cdef Key key

    def __cinit__(self, nodes, keys, grain_depths, bytes secret):
        cdef int count = len(keys), i, parent, base, size
        self.node_count = count
        self.grain_count = len(grain_depths)
        self.key = read_key(secret)
        self.nodes = <Node*>calloc(count, sizeof(Node))
        self.depths = <int32_t*>calloc(max(self.grain_count, 1), sizeof(int32_t))
        encoded = [key.encode() + b'"' for key in keys]
        pool = b"".join(encoded)
        self.keys = <uint8_t*>malloc(len(pool) + 1)
        if not self.nodes or not self.keys or not self.depths:
            raise MemoryError
        memcpy(self.keys, <const char*><bytes>pool, len(pool))
        for i, depth in enumerate(grain_depths):
            self.depths[i] = depth
        at = 0
        children = [[] for _ in range(count)]
        for i, (kind, storage, grain, flags, parent) in enumerate(nodes):
            node = &self.nodes[i]
            node.kind, node.storage, node.grain, node.flags = kind, storage, grain, flags
            node.key_start, node.key_size = at, len(encoded[i]) - 1
            at += len(encoded[i])
            node.follows = -1
            node.first = -1
            node.level = 1 if not i else self.nodes[<int>parent].level + (2 if kind == OBJECTS else 1)
            if i:
                node.local = len(children[parent])
                children[parent].append(i)
                above = &self.nodes[parent]
                node.path = key_path(
                    &self.key, above.inner if above.kind == OBJECTS else above.path,
                    self.keys + node.key_start, node.key_size,
                )
            else:
                node.path = root_path(&self.key)
            node.inner = mark_path(&self.key, node.path, ARRAY_MARK)
        sizes = [_table_size(len(own)) for own in children]
        self.slots = <int32_t*>malloc(max(sum(sizes), 1) * sizeof(int32_t))
        if not self.slots:
            raise MemoryError
        base = 0
        for i in range(count):
            if len(children[i]) >= MOST_CHILDREN:
                raise ValueError("an object lists too many keys")
            size = sizes[i]
            self.nodes[i].first_slot = base
            self.nodes[i].slot_mask = size - 1
            for parent in range(size):
                self.slots[base + parent] = -1
            for child in children[i]:
                self._put(i, child)
            for before, after in zip(children[i], children[i][1:]):
                self.nodes[<int>before].follows = after
            if children[i]:
                self.nodes[i].first = children[i][0]
            base += size

    cdef void _put(self, int parent, int child) noexcept:
        cdef Node* node = &self.nodes[child]
        cdef Node* above = &self.nodes[parent]
        cdef uint32_t at = slot_of(self.keys + node.key_start, node.key_size)
        while True:
            at &= <uint32_t>above.slot_mask
            if self.slots[above.first_slot + <int>at] < 0:
                self.slots[above.first_slot + <int>at] = child
                return
            at += 1

    def __dealloc__(self):
        free(self.nodes)
        free(self.keys)
        free(self.slots)
        free(self.depths)


def _table_size(int count):
    size = 1
    while size < 2 * count:
        size *= 2
    return size


cdef inline uint32_t slot_of(const uint8_t* p, int64_t n) noexcept nogil:
    cdef uint32_t h = 2166136261u
    cdef int64_t i
    for i in range(n):
        h = (h ^ p[i]) * 16777619u
    return h ^ (h >> 15)


# --- growing columns --------------------------------------------------------------------------

cdef class Memory:
    """Owns one buffer of a column."""

    cdef void* address

    def __dealloc__(self):
        free(self.address)


cdef struct Column:
    int64_t rows        # values so far, nulls included
    int64_t valid       # of them populated
    int64_t capacity    # rows there is room for
    uint8_t* bits       # validity
    int32_t* ends       # texts: rows + 1 offsets
    uint8_t* data       # text bytes, or fixed values of `width` bytes, or bits of booleans
    int64_t data_size
    int64_t data_capacity


cdef struct Rows:
    int64_t count
    int64_t capacity
    int32_t* message
    int32_t* ordinals   # depth values a row


cdef struct Fill:       # messages in which an object is populated, one entry an occurrence
    int64_t count
    int64_t capacity
    int32_t* message


cdef struct Extra:      # a free value: owner node, its row, where its bytes are
    int32_t node
    int32_t row
    int64_t start
    int64_t size


cdef struct State:
    const Key* key
    Node* nodes
    const uint8_t* keys
    const int32_t* slots
    const int32_t* depths
    int node_count
    int grain_count
    bint is_conformed
    int max_depth
    const uint8_t* base
    const uint8_t* end
    Column* columns
    Rows* rows
    Fill* fills
    Extra* extras
    int64_t extra_count
    int64_t extra_capacity
    int64_t* row_starts
    int64_t* fill_starts
    int32_t message
    Pair total
    Pair delivery        # what counts only where there is no log id
    bint has_log
    const uint8_t* model
    int64_t model_size
    const uint8_t* event
    int64_t event_size
    uint8_t* scratch
    int64_t scratch_capacity
    bint out_of_memory


cdef inline int width_of(int storage) noexcept nogil:
    if storage == MONEY:
        return 16
    return 8


cdef inline bint is_text(int storage) noexcept nogil:
    return storage == TEXT or storage == JSON or storage == DATE or storage == TIMESTAMP


cdef bint grow_rows(State* s, Column* c, int storage, int64_t need) noexcept nogil:
    cdef int64_t capacity = c.capacity * 2 if c.capacity else 64
    cdef void* moved
    while capacity < need:
        capacity *= 2
    moved = realloc(c.bits, <size_t>(capacity // 8 + 8))
    if not moved:
        s.out_of_memory = True
        return False
    c.bits = <uint8_t*>moved
    memset(c.bits + c.capacity // 8, 0, <size_t>(capacity // 8 + 8 - c.capacity // 8))
    if is_text(storage):
        moved = realloc(c.ends, <size_t>((capacity + 1) * 4))
        if not moved:
            s.out_of_memory = True
            return False
        c.ends = <int32_t*>moved
        if not c.capacity:
            c.ends[0] = 0
    elif storage == BOOLEAN:
        moved = realloc(c.data, <size_t>(capacity // 8 + 8))
        if not moved:
            s.out_of_memory = True
            return False
        c.data = <uint8_t*>moved
        memset(c.data + c.capacity // 8, 0, <size_t>(capacity // 8 + 8 - c.capacity // 8))
    else:
        moved = realloc(c.data, <size_t>(capacity * width_of(storage)))
        if not moved:
            s.out_of_memory = True
            return False
        c.data = <uint8_t*>moved
        memset(
            c.data + c.capacity * width_of(storage), 0,
            <size_t>((capacity - c.capacity) * width_of(storage)),
        )
    c.capacity = capacity
    return True


cdef inline bint reach(State* s, Column* c, int storage, int64_t row) noexcept nogil:
    """Fill with nulls up to `row` and make room for it."""
    cdef int32_t last
    if row >= c.capacity and not grow_rows(s, c, storage, row + 1):
        return False
    if is_text(storage):
        last = c.ends[c.rows]
        while c.rows < row:
            c.rows += 1
            c.ends[c.rows] = last
    c.rows = row + 1
    c.bits[row >> 3] |= <uint8_t>(1 << (row & 7))
    c.valid += 1
    return True


cdef bint put_text(
    State* s, Column* c, int storage, int64_t row, const uint8_t* p, int64_t n
) noexcept nogil:
    cdef int64_t capacity
    cdef void* moved
    if c.data_size + n > 0x7fffffff:
        s.out_of_memory = True
        return False
    if not reach(s, c, storage, row):
        return False
    if c.data_size + n > c.data_capacity:
        capacity = c.data_capacity * 2 if c.data_capacity else 512
        while capacity < c.data_size + n:
            capacity *= 2
        moved = realloc(c.data, <size_t>capacity)
        if not moved:
            s.out_of_memory = True
            return False
        c.data = <uint8_t*>moved
        c.data_capacity = capacity
    memcpy(c.data + c.data_size, p, <size_t>n)
    c.data_size += n
    c.ends[row + 1] = <int32_t>c.data_size
    return True


cdef void cut_back(Column* c, int storage, int64_t rows) noexcept nogil:
    """Forget all rows from `rows` on."""
    cdef int64_t row
    if c.rows <= rows:
        return
    for row in range(rows, c.rows):
        if c.bits[row >> 3] >> (row & 7) & 1:
            c.valid -= 1
            c.bits[row >> 3] &= <uint8_t>~(1 << (row & 7))
        if storage == BOOLEAN:
            c.data[row >> 3] &= <uint8_t>~(1 << (row & 7))
        elif not is_text(storage):
            memset(c.data + row * width_of(storage), 0, <size_t>width_of(storage))
    c.rows = rows
    if is_text(storage):
        c.data_size = c.ends[rows]


cdef bint push_row(
    State* s, int grain, int outer, int64_t outer_row, int64_t ordinal
) noexcept nogil:
    """A row of an array's elements, below a row of the grain around it."""
    cdef Rows* r = &s.rows[grain]
    cdef int depth = s.depths[grain], above = s.depths[outer]
    cdef int64_t capacity
    cdef void* moved
    if r.count == r.capacity:
        capacity = r.capacity * 2 if r.capacity else 64
        moved = realloc(r.message, <size_t>(capacity * 4))
        if not moved:
            s.out_of_memory = True
            return False
        r.message = <int32_t*>moved
        if depth:
            moved = realloc(r.ordinals, <size_t>(capacity * 4 * depth))
            if not moved:
                s.out_of_memory = True
                return False
            r.ordinals = <int32_t*>moved
        r.capacity = capacity
    r.message[r.count] = s.message
    if above:
        memcpy(
            r.ordinals + r.count * depth, s.rows[outer].ordinals + outer_row * above,
            <size_t>(above * 4),
        )
    if depth:
        r.ordinals[r.count * depth + depth - 1] = <int32_t>ordinal
    r.count += 1
    return True


cdef bint note_object(State* s, int node) noexcept nogil:
    cdef Fill* f = &s.fills[node]
    cdef int64_t capacity
    cdef void* moved
    if f.count == f.capacity:
        capacity = f.capacity * 2 if f.capacity else 64
        moved = realloc(f.message, <size_t>(capacity * 4))
        if not moved:
            s.out_of_memory = True
            return False
        f.message = <int32_t*>moved
        f.capacity = capacity
    f.message[f.count] = s.message
    f.count += 1
    return True


cdef bint note_extra(State* s, int node, int64_t row, const uint8_t* p, const uint8_t* stop) noexcept nogil:
    cdef int64_t capacity
    cdef void* moved
    if s.extra_count == s.extra_capacity:
        capacity = s.extra_capacity * 2 if s.extra_capacity else 64
        moved = realloc(s.extras, <size_t>(capacity * sizeof(Extra)))
        if not moved:
            s.out_of_memory = True
            return False
        s.extras = <Extra*>moved
        s.extra_capacity = capacity
    s.extras[s.extra_count].node = node
    s.extras[s.extra_count].row = <int32_t>row
    s.extras[s.extra_count].start = p - s.base
    s.extras[s.extra_count].size = stop - p
    s.extra_count += 1
    return True


# --- reading ----------------------------------------------------------------------------------

cdef inline const uint8_t* skip_space(const uint8_t* p, const uint8_t* e) noexcept nogil:
    while p < e and (p[0] == 32 or p[0] == 10 or p[0] == 13 or p[0] == 9):
        p += 1
    return p


cdef inline int hex_digit(uint8_t c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    if 97 <= c <= 102:
        return c - 87
    return -1


cdef inline int hex4(const uint8_t* p) noexcept nogil:
    cdef int value = 0, digit, i
    for i in range(4):
        digit = hex_digit(p[i])
        if digit < 0:
            return -1
        value = value << 4 | digit
    return value


cdef inline int utf8_size(const uint8_t* p, const uint8_t* e) noexcept nogil:
    """Bytes of the well-formed sequence at p (which is above 0x7f), 0 where it is none."""
    cdef uint8_t c = p[0]
    if c < 0xc2 or c > 0xf4 or e - p < 2 or (p[1] & 0xc0) != 0x80:
        return 0
    if c < 0xe0:
        return 2
    if e - p < 3 or (p[2] & 0xc0) != 0x80:
        return 0
    if c < 0xf0:
        if (c == 0xe0 and p[1] < 0xa0) or (c == 0xed and p[1] > 0x9f):
            return 0
        return 3
    if e - p < 4 or (p[3] & 0xc0) != 0x80:
        return 0
    if (c == 0xf0 and p[1] < 0x90) or (c == 0xf4 and p[1] > 0x8f):
        return 0
    return 4


cdef const uint8_t* end_of_text(
    const uint8_t* p, const uint8_t* e, bint* has_escape
) noexcept nogil:
    """The closing quote of the text whose first byte is p, NULL where it is not well-formed.

    A lone surrogate is not well-formed here.
    """
    cdef uint64_t marks
    cdef uint8_t c
    cdef int code, low
    has_escape[0] = False
    while True:
        while e - p >= 8:
            marks = rw_special(rw_load64(p))
            if marks:
                p += rw_first(marks)
                break
            p += 8
        if p >= e:
            return NULL
        c = p[0]
        if c == 34:
            return p
        if c == 92:
            has_escape[0] = True
            if e - p < 2:
                return NULL
            c = p[1]
            if c == 117:
                if e - p < 6:
                    return NULL
                code = hex4(p + 2)
                if code < 0 or 0xdc00 <= code <= 0xdfff:
                    return NULL
                p += 6
                if 0xd800 <= code <= 0xdbff:
                    if e - p < 6 or p[0] != 92 or p[1] != 117:
                        return NULL
                    low = hex4(p + 2)
                    if low < 0xdc00 or low > 0xdfff:
                        return NULL
                    p += 6
            elif c == 34 or c == 92 or c == 47 or c == 98 or c == 102 or c == 110 or c == 114 or c == 116:
                p += 2
            else:
                return NULL
        elif c < 32:
            return NULL
        elif c < 128:
            p += 1
        else:
            code = utf8_size(p, e)
            if not code:
                return NULL
            p += code


cdef int64_t unescape(State* s, const uint8_t* p, const uint8_t* stop) noexcept nogil:
    """Put the text p..stop, well-formed and with escapes, into the scratch; gives its size, or -1."""
    cdef uint8_t* o
    cdef uint8_t c
    cdef int code
    cdef int64_t capacity = stop - p
    cdef void* moved
    if capacity > s.scratch_capacity:
        moved = realloc(s.scratch, <size_t>(capacity + 64))
        if not moved:
            s.out_of_memory = True
            return -1
        s.scratch = <uint8_t*>moved
        s.scratch_capacity = capacity
    o = s.scratch
    while p < stop:
        if p[0] != 92:
            o[0] = p[0]
            o += 1
            p += 1
            continue
        c = p[1]
        if c != 117:
            if c == 98:
                c = 8
            elif c == 102:
                c = 12
            elif c == 110:
                c = 10
            elif c == 114:
                c = 13
            elif c == 116:
                c = 9
            o[0] = c
            o += 1
            p += 2
            continue
        code = hex4(p + 2)
        p += 6
        if 0xd800 <= code <= 0xdbff:
            code = 0x10000 + ((code - 0xd800) << 10) + (hex4(p + 2) - 0xdc00)
            p += 6
        if code < 0x80:
            o[0] = <uint8_t>code
            o += 1
        elif code < 0x800:
            o[0] = <uint8_t>(0xc0 | code >> 6)
            o[1] = <uint8_t>(0x80 | code & 63)
            o += 2
        elif code < 0x10000:
            o[0] = <uint8_t>(0xe0 | code >> 12)
            o[1] = <uint8_t>(0x80 | code >> 6 & 63)
            o[2] = <uint8_t>(0x80 | code & 63)
            o += 3
        else:
            o[0] = <uint8_t>(0xf0 | code >> 18)
            o[1] = <uint8_t>(0x80 | code >> 12 & 63)
            o[2] = <uint8_t>(0x80 | code >> 6 & 63)
            o[3] = <uint8_t>(0x80 | code & 63)
            o += 4
    return o - s.scratch


cdef inline bint is_word(const uint8_t* p, const uint8_t* e, const char* word, int n) noexcept nogil:
    return e - p >= n and memcmp(p, word, n) == 0


cdef struct Number:
    const uint8_t* stop
    int whole          # digits before the point
    int fraction       # digits behind it
    bint is_negative
    bint is_canonical  # the one spelling that equal numbers share: no exponent, zeros, -0


cdef Number read_number(const uint8_t* p, const uint8_t* e) noexcept nogil:
    """The JSON number at p; `stop` is NULL where there is none."""
    cdef Number n
    cdef const uint8_t* first
    n.stop = NULL
    n.fraction = 0
    n.is_canonical = True
    n.is_negative = p < e and p[0] == 45
    if n.is_negative:
        p += 1
    first = p
    while p < e and 48 <= p[0] <= 57 and p - first < 1000:
        p += 1
    n.whole = <int>(p - first)
    if n.whole == 0 or (n.whole > 1 and first[0] == 48) or n.whole >= 1000:
        return n
    if p < e and p[0] == 46:
        first = p + 1
        p += 1
        while p < e and 48 <= p[0] <= 57 and p - first < 1000:
            p += 1
        n.fraction = <int>(p - first)
        if n.fraction == 0 or n.fraction >= 1000:
            return n
        n.is_canonical = (p - 1)[0] != 48
    elif n.is_negative and n.whole == 1 and first[0] == 48:
        n.is_canonical = False
    if p < e and (p[0] == 101 or p[0] == 69):
        n.is_canonical = False
        p += 1
        if p < e and (p[0] == 43 or p[0] == 45):
            p += 1
        first = p
        while p < e and 48 <= p[0] <= 57 and p - first < 1000:
            p += 1
        if p == first or p - first >= 1000:
            return n
    if n.whole + n.fraction > 40:
        n.is_canonical = False
    n.stop = p
    return n


cdef inline void add_leaf(
    State* s, Pair path, Pair place, int flags, int kind, const uint8_t* p, int64_t n
) noexcept nogil:
    cdef Pair own
    if flags & VOLATILE_ALWAYS:
        return
    own = leaf_hash(s.key, path, place, kind, p, n)
    if flags & VOLATILE_WITH_LOG:
        s.delivery.a += own.a
        s.delivery.b += own.b
    else:
        s.total.a += own.a
        s.total.b += own.b


cdef const uint8_t* read_leaf(
    State* s, const uint8_t* p, int index, int64_t row, Pair path, Pair place, bint* is_filled
) noexcept nogil:
    """A scalar of a typed leaf, or an element of an array of scalars."""
    cdef Node* node = &s.nodes[index]
    cdef Column* c = &s.columns[index]
    cdef const uint8_t* e = s.end
    cdef const uint8_t* stop
    cdef int storage = node.storage
    cdef bint has_escape
    cdef int64_t size, value
    cdef Number n
    cdef int i
    cdef bint is_short
    cdef double real
    is_filled[0] = False
    if p >= e:
        return NULL
    if p[0] == 110:
        if not is_word(p, e, b"null", 4):
            return NULL
        add_leaf(s, path, place, node.flags, H_NULL, p, 0)
        return p + 4
    if storage == JSON and not s.is_conformed:
        return NULL
    if is_text(storage):
        if p[0] != 34:
            return NULL
        p += 1
        stop = end_of_text(p, e, &has_escape)
        if not stop:
            return NULL
        size = stop - p
        if has_escape:
            size = unescape(s, p, stop)
            if size < 0:
                return NULL
            p = s.scratch
        elif node.flags & (IS_MODEL | IS_EVENT):
            if node.flags & IS_MODEL:
                s.model = p
                s.model_size = size
            else:
                s.event = p
                s.event_size = size
        add_leaf(s, path, place, node.flags, H_TEXT, p, size)
        if size:
            if node.flags & LOG_ID:
                s.has_log = True
            if not put_text(s, c, storage, row, p, size):
                return NULL
            is_filled[0] = True
        return stop + 1
    if storage == BOOLEAN:
        if is_word(p, e, b"true", 4):
            add_leaf(s, path, place, node.flags, H_TRUE, p, 0)
            if not reach(s, c, storage, row):
                return NULL
            c.data[row >> 3] |= <uint8_t>(1 << (row & 7))
            is_filled[0] = True
            return p + 4
        if is_word(p, e, b"false", 5):
            add_leaf(s, path, place, node.flags, H_FALSE, p, 0)
            if not reach(s, c, storage, row):
                return NULL
            is_filled[0] = True
            return p + 5
        return NULL
    n = read_number(p, e)
    if not n.stop:
        return NULL
    is_short = n.is_canonical and n.whole + n.fraction + (1 if n.fraction else 0) <= 15
    if not s.is_conformed and not n.is_canonical:
        return NULL
    if storage == INTEGER and (n.fraction or n.whole > (19 if s.is_conformed else 18)):
        return NULL
    if storage == DOUBLE and not is_short and not s.is_conformed:
        return NULL
    if storage == MONEY and (n.whole > 14 or n.fraction > 4 or not n.is_canonical):
        return NULL
    add_leaf(s, path, place, node.flags, H_NUMBER, p, n.stop - p)
    if not reach(s, c, storage, row):
        return NULL
    is_filled[0] = True
    if storage == DOUBLE and not is_short:
        if not read_double(p, n.stop, <double*>c.data + row):
            return NULL
        return n.stop
    value = 0
    stop = p + (1 if n.is_negative else 0)
    while stop < n.stop:
        if stop[0] != 46:
            value = <int64_t>(<uint64_t>value * 10 + (stop[0] - 48))
        stop += 1
    if storage == DOUBLE:
        real = <double>value / POWERS[n.fraction]
        (<double*>c.data)[row] = -real if n.is_negative else real
    else:
        if storage == MONEY:
            for i in range(4 - n.fraction):
                value *= 10
        if n.is_negative:
            value = <int64_t>(0 - <uint64_t>value)
        if storage == MONEY:
            (<int64_t*>c.data)[2 * row] = value
            (<int64_t*>c.data)[2 * row + 1] = -1 if value < 0 else 0
        else:
            (<int64_t*>c.data)[row] = value
    is_filled[0] = True
    return n.stop


cdef bint read_double(const uint8_t* p, const uint8_t* stop, double* into) noexcept nogil:
    """The nearest double of a JSON number of any length."""
    cdef char text[512]
    cdef int64_t size = stop - p
    if size >= 512:
        return False
    memcpy(text, p, <size_t>size)
    text[size] = 0
    into[0] = strtod(text, NULL)
    return True


cdef double POWERS[16]
cdef int _power
POWERS[0] = 1.0
for _power in range(1, 16):
    POWERS[_power] = POWERS[_power - 1] * 10.0


cdef int find_child(State* s, Node* node, const uint8_t* p, int64_t n) noexcept nogil:
    cdef uint32_t at = slot_of(p, n)
    cdef int child
    while True:
        at &= <uint32_t>node.slot_mask
        child = s.slots[node.first_slot + <int>at]
        if child < 0:
            return -1
        if s.nodes[child].key_size == n and memcmp(s.keys + s.nodes[child].key_start, p, <size_t>n) == 0:
            return child
        at += 1


cdef const uint8_t* read_object(
    State* s, const uint8_t* p, int index, int grain, int64_t row, Pair place, bint* is_filled
) noexcept nogil:
    """An object of a typed node whose brace p is at; rows go to `row` of `grain`."""
    cdef Node* node = &s.nodes[index]
    cdef Node* known
    cdef const uint8_t* e = s.end
    cdef const uint8_t* stop
    cdef const uint8_t* value
    cdef uint64_t seen[4]
    cdef int child, before = -1, bit
    cdef bint has_escape, is_child_filled
    cdef Pair path
    is_filled[0] = False
    p = skip_space(p + 1, e)
    if p < e and p[0] == 125:
        if not node.flags & HOLDS_VOLATILE:
            add_leaf(
                s, node.inner if node.kind == OBJECTS else node.path, place, node.flags,
                H_EMPTY_OBJECT, p, 0,
            )
        return p + 1
    seen[0] = seen[1] = seen[2] = seen[3] = 0
    while True:
        if p >= e or p[0] != 34:
            return NULL
        p += 1
        child = node.first if before < 0 else s.nodes[before].follows
        if child >= 0:
            known = &s.nodes[child]
            if e - p > known.key_size and memcmp(p, s.keys + known.key_start, <size_t>known.key_size + 1) == 0:
                stop = p + known.key_size
            else:
                child = -1
        if child < 0:
            stop = end_of_text(p, e, &has_escape)
            if not stop or has_escape:
                return NULL
            child = find_child(s, node, p, stop - p)
            if child < 0:
                if s.is_conformed or stop - p != 10 or memcmp(p, b"Extensions", 10) != 0:
                    return NULL
            elif before < 0:
                node.first = child
            else:
                s.nodes[before].follows = child
        bit = s.nodes[child].local if child >= 0 else EXTENSION_BIT
        if seen[bit >> 6] >> (bit & 63) & 1:
            return NULL
        seen[bit >> 6] |= <uint64_t>1 << (bit & 63)
        value = p
        p = skip_space(stop + 1, e)
        if p >= e or p[0] != 58:
            return NULL
        p = skip_space(p + 1, e)
        if p >= e:
            return NULL
        if child < 0:
            path = key_path(
                s.key, node.inner if node.kind == OBJECTS else node.path, value, 10
            )
            value = p
            p = read_free(s, p, path, place, s.max_depth - node.level)
            if not p or not note_extra(s, index, row, value, p):
                return NULL
        else:
            known = &s.nodes[child]
            if known.kind == LEAF:
                p = read_leaf(s, p, child, row, known.path, place, &is_child_filled)
            elif known.kind == OBJECT:
                if p[0] == 123:
                    p = read_object(s, p, child, grain, row, place, &is_child_filled)
                    if p and is_child_filled and not note_object(s, child):
                        return NULL
                elif is_word(p, e, b"null", 4):
                    add_leaf(s, known.path, place, known.flags, H_NULL, p, 0)
                    is_child_filled = False
                    p += 4
                else:
                    return NULL
            else:
                p = read_array(s, p, child, grain, row, place, &is_child_filled)
            if not p:
                return NULL
            is_filled[0] = is_filled[0] or is_child_filled
            before = child
        p = skip_space(p, e)
        if p >= e:
            return NULL
        if p[0] == 125:
            return p + 1
        if p[0] != 44:
            return NULL
        p = skip_space(p + 1, e)


cdef const uint8_t* read_array(
    State* s, const uint8_t* p, int index, int outer, int64_t outer_row, Pair place, bint* is_filled
) noexcept nogil:
    """An array of objects or scalars, or null."""
    cdef Node* node = &s.nodes[index]
    cdef const uint8_t* e = s.end
    cdef int64_t ordinal = 0, row, extras
    cdef bint is_element_filled
    cdef Pair where
    is_filled[0] = False
    if is_word(p, e, b"null", 4):
        add_leaf(s, node.path, place, node.flags, H_NULL, p, 0)
        return p + 4
    if p[0] != 91:
        return NULL
    p = skip_space(p + 1, e)
    if p < e and p[0] == 93:
        add_leaf(s, node.path, place, node.flags, H_EMPTY_ARRAY, p, 0)
        return p + 1
    while True:
        ordinal += 1
        if p >= e or ordinal > 0x7ffffff0:
            return NULL
        where = next_place(s.key, place, ordinal)
        row = s.rows[node.grain].count
        extras = s.extra_count
        if not push_row(s, node.grain, outer, outer_row, ordinal):
            return NULL
        if node.kind == SCALARS:
            p = read_leaf(s, p, index, row, node.inner, where, &is_element_filled)
        elif p[0] == 123:
            p = read_object(s, p, index, node.grain, row, where, &is_element_filled)
        elif is_word(p, e, b"null", 4):
            add_leaf(s, node.inner, where, node.flags, H_NULL, p, 0)
            is_element_filled = False
            p += 4
        else:
            return NULL
        if not p:
            return NULL
        if is_element_filled:
            is_filled[0] = True
        elif s.extra_count > extras:
            return NULL  # holds nothing but an extension: has no row, but its place is needed
        else:
            s.rows[node.grain].count = row
        p = skip_space(p, e)
        if p >= e:
            return NULL
        if p[0] == 93:
            return p + 1
        if p[0] != 44:
            return NULL
        p = skip_space(p + 1, e)


cdef const uint8_t* read_free(
    State* s, const uint8_t* p, Pair path, Pair place, int depth
) noexcept nogil:
    """Any JSON value that is only hashed; NULL also where a key repeats or has escapes."""
    cdef const uint8_t* e = s.end
    cdef const uint8_t* stop
    cdef bint has_escape
    cdef int64_t size, ordinal = 0
    cdef uint64_t few[16]
    cdef uint64_t* names = few
    cdef int64_t count = 0, i
    cdef Number n
    cdef Pair inner
    if p >= e:
        return NULL
    if p[0] == 34:
        p += 1
        stop = end_of_text(p, e, &has_escape)
        if not stop:
            return NULL
        size = stop - p
        if has_escape:
            size = unescape(s, p, stop)
            if size < 0:
                return NULL
            p = s.scratch
        add_leaf(s, path, place, 0, H_TEXT, p, size)
        return stop + 1
    if p[0] == 123 or p[0] == 91:
        if depth <= 0:
            return NULL
        if p[0] == 91:
            p = skip_space(p + 1, e)
            if p < e and p[0] == 93:
                add_leaf(s, path, place, 0, H_EMPTY_ARRAY, p, 0)
                return p + 1
            inner = mark_path(s.key, path, ARRAY_MARK_C)
            while True:
                ordinal += 1
                p = read_free(s, p, inner, next_place(s.key, place, ordinal), depth - 1)
                if not p:
                    return NULL
                p = skip_space(p, e)
                if p >= e:
                    return NULL
                if p[0] == 93:
                    return p + 1
                if p[0] != 44:
                    return NULL
                p = skip_space(p + 1, e)
        p = skip_space(p + 1, e)
        if p < e and p[0] == 125:
            add_leaf(s, path, place, 0, H_EMPTY_OBJECT, p, 0)
            return p + 1
        while True:
            if p >= e or p[0] != 34:
                return NULL
            p += 1
            stop = end_of_text(p, e, &has_escape)
            if not stop or has_escape or count == 16:
                return NULL
            inner = key_path(s.key, path, p, stop - p)
            for i in range(count):
                if names[i] == inner.a:
                    return NULL
            names[count] = inner.a
            count += 1
            p = skip_space(stop + 1, e)
            if p >= e or p[0] != 58:
                return NULL
            p = read_free(s, skip_space(p + 1, e), inner, place, depth - 1)
            if not p:
                return NULL
            p = skip_space(p, e)
            if p >= e:
                return NULL
            if p[0] == 125:
                return p + 1
            if p[0] != 44:
                return NULL
            p = skip_space(p + 1, e)
    if is_word(p, e, b"null", 4):
        add_leaf(s, path, place, 0, H_NULL, p, 0)
        return p + 4
    if is_word(p, e, b"true", 4):
        add_leaf(s, path, place, 0, H_TRUE, p, 0)
        return p + 4
    if is_word(p, e, b"false", 5):
        add_leaf(s, path, place, 0, H_FALSE, p, 0)
        return p + 5
    n = read_number(p, e)
    if not n.stop or not n.is_canonical:
        return NULL
    add_leaf(s, path, place, 0, H_NUMBER, p, n.stop - p)
    return n.stop

cdef uint64_t ARRAY_MARK_C = 1


cdef bint read_message(State* s, const uint8_t* p) noexcept nogil:
    """One message p..s.end; False, with nothing left of it, where it does not fit."""
    cdef int i
    cdef bint is_filled
    cdef int64_t extras = s.extra_count, row = s.rows[0].count
    cdef const uint8_t* stop
    s.total.a = s.total.b = s.delivery.a = s.delivery.b = 0
    s.has_log = False
    s.model = s.event = NULL
    s.model_size = s.event_size = 0
    for i in range(s.grain_count):
        s.row_starts[i] = s.rows[i].count
    for i in range(s.node_count):
        s.fill_starts[i] = s.fills[i].count
    stop = NULL
    if push_row(s, 0, 0, 0, 0):
        p = skip_space(p, s.end)
        if p < s.end and p[0] == 123:
            stop = read_object(s, p, 0, 0, row, no_place(s.key), &is_filled)
            if stop:
                stop = skip_space(stop, s.end)
    if stop == s.end:
        if not s.has_log:
            s.total.a += s.delivery.a
            s.total.b += s.delivery.b
        return True
    for i in range(s.node_count):
        s.fills[i].count = s.fill_starts[i]
        if s.nodes[i].kind == LEAF or s.nodes[i].kind == SCALARS:
            cut_back(&s.columns[i], s.nodes[i].storage, s.row_starts[s.nodes[i].grain])
    for i in range(s.grain_count):
        s.rows[i].count = s.row_starts[i]
    s.extra_count = extras
    return False


# --- times ------------------------------------------------------------------------------------

cdef inline int digits(const uint8_t* p, int n) noexcept nogil:
    cdef int value = 0, i
    for i in range(n):
        if p[i] < 48 or p[i] > 57:
            return -1
        value = value * 10 + (p[i] - 48)
    return value


cdef int DAYS[16]
DAYS[:] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0]


cdef inline int64_t read_day(const uint8_t* p) noexcept nogil:
    """Days since 1970 of YYYY-MM-DD from 1900-01-02 to 9998, else a very small number."""
    cdef int y = digits(p, 4), m = digits(p + 5, 2), d = digits(p + 8, 2), last
    if p[4] != 45 or p[7] != 45 or y < 1900 or y > 9998 or m < 1 or m > 12 or d < 1:
        return -0x7fffffff
    last = DAYS[m]
    if m == 2 and y % 4 == 0 and (y % 100 != 0 or y % 400 == 0):
        last = 29
    if d > last or (y == 1900 and m == 1 and d == 1):
        return -0x7fffffff
    return rw_days(y, m, d)


cdef bint read_times(Column* c, int storage, void* into) noexcept nogil:
    """Read a column of canonical, plausible texts into days or microseconds; False where one is not."""
    cdef int64_t row, day, hour, minute, second, milli
    cdef const uint8_t* p
    cdef int size = 10 if storage == DATE else 24
    for row in range(c.rows):
        if not c.bits[row >> 3] >> (row & 7) & 1:
            if storage == DATE:
                (<int32_t*>into)[row] = 0
            else:
                (<int64_t*>into)[row] = 0
            continue
        if c.ends[row + 1] - c.ends[row] != size:
            return False
        p = c.data + c.ends[row]
        day = read_day(p)
        if day == -0x7fffffff:
            return False
        if storage == DATE:
            (<int32_t*>into)[row] = <int32_t>day
            continue
        hour, minute, second, milli = digits(p + 11, 2), digits(p + 14, 2), digits(p + 17, 2), digits(p + 20, 3)
        if (
            p[10] != 84 or p[13] != 58 or p[16] != 58 or p[19] != 46 or p[23] != 90
            or hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59
            or milli < 0
        ):
            return False
        (<int64_t*>into)[row] = (day * 86400 + hour * 3600 + minute * 60 + second) * 1000000 + milli * 1000
    return True


# --- what comes out ---------------------------------------------------------------------------

_TYPES = {
    TEXT: pa.string(), JSON: pa.string(), DATE: pa.string(), TIMESTAMP: pa.string(),
    BOOLEAN: pa.bool_(), INTEGER: pa.int64(), DOUBLE: pa.float64(), MONEY: pa.decimal128(18, 4),
}
_READ_TIMES = {DATE: pa.date32(), TIMESTAMP: pa.timestamp("us", tz="UTC")}


cdef object own(void* address, int64_t size):
    """An Arrow buffer that frees its memory when the last array over it is gone."""
    cdef Memory memory = Memory.__new__(Memory)
    memory.address = address
    return pa.foreign_buffer(<uint64_t>address, size, memory)


cdef class Columns:
    """The columns and rows of the items that fit; items are numbered from 0 as they were given.

    `fits` has 1 per item that fits, `hashes` 16 bytes per item (zeros where it does not fit).
    """

    cdef Program program
    cdef State s
    cdef readonly object fits
    cdef readonly object hashes
    cdef object content

    def __cinit__(self, Program program):
        cdef int nodes = program.node_count, grains = program.grain_count
        self.program = program
        self.s.key = &program.key
        self.s.nodes = <Node*>malloc(nodes * sizeof(Node))
        self.s.columns = <Column*>calloc(nodes, sizeof(Column))
        self.s.fills = <Fill*>calloc(nodes, sizeof(Fill))
        self.s.rows = <Rows*>calloc(grains, sizeof(Rows))
        self.s.row_starts = <int64_t*>calloc(grains, sizeof(int64_t))
        self.s.fill_starts = <int64_t*>calloc(nodes, sizeof(int64_t))
        if not (
            self.s.nodes and self.s.columns and self.s.fills and self.s.rows
            and self.s.row_starts and self.s.fill_starts
        ):
            raise MemoryError
        # The reader notes in its own copy which key came after which; programs are shared.
        memcpy(self.s.nodes, program.nodes, nodes * sizeof(Node))
        self.s.keys = program.keys
        self.s.slots = program.slots
        self.s.depths = program.depths
        self.s.node_count = nodes
        self.s.grain_count = grains

    def __dealloc__(self):
        cdef int i
        for i in range(self.s.node_count):
            if self.s.columns:
                free(self.s.columns[i].bits)
                free(self.s.columns[i].ends)
                free(self.s.columns[i].data)
            if self.s.fills:
                free(self.s.fills[i].message)
        for i in range(self.s.grain_count):
            if self.s.rows:
                free(self.s.rows[i].message)
                free(self.s.rows[i].ordinals)
        free(self.s.columns)
        free(self.s.fills)
        free(self.s.rows)
        free(self.s.row_starts)
        free(self.s.fill_starts)
        free(self.s.nodes)
        free(self.s.extras)
        free(self.s.scratch)

    cdef _read(
        self, const uint8_t[::1] content, const int64_t[::1] offset, const int64_t[::1] length,
        const int64_t[:, ::1] names, bint is_conformed, int max_depth,
    ):
        cdef int64_t count = offset.shape[0], i, size = content.shape[0]
        cdef uint8_t[::1] fits = np.zeros(count, np.uint8)
        cdef uint64_t[:, ::1] hashes = np.zeros((count, 2), np.uint64)
        cdef const uint8_t* base = &content[0]
        cdef const uint8_t* p
        cdef State* s = &self.s
        for i in range(count):
            if not is_inside(offset[i], length[i], size):
                raise ValueError("an item lies outside of the bytes")
        if count > 0x7ffffff0:
            raise ValueError("too many items")
        s.base = base
        s.is_conformed = is_conformed
        s.max_depth = min(max_depth, 128)
        with nogil:
            for i in range(count):
                s.message = <int32_t>i
                p = base + offset[i]
                s.end = p + length[i]
                if not read_message(s, p):
                    if s.out_of_memory:
                        break
                    continue
                if names.shape[0] and not (
                    is_name(s.model, s.model_size, base, names[i, 0], names[i, 1])
                    and is_name(s.event, s.event_size, base, names[i, 2], names[i, 3])
                ):
                    self._forget(i)
                    continue
                fits[i] = 1
                hashes[i, 0] = s.total.a
                hashes[i, 1] = s.total.b
        if s.out_of_memory:
            raise MemoryError
        self.fits = np.asarray(fits)
        self.hashes = np.asarray(hashes)
        self.content = content

    cdef void _forget(self, int64_t item) noexcept nogil:
        cdef State* s = &self.s
        cdef int i
        for i in range(s.node_count):
            s.fills[i].count = s.fill_starts[i]
            if s.nodes[i].kind == LEAF or s.nodes[i].kind == SCALARS:
                cut_back(&s.columns[i], s.nodes[i].storage, s.row_starts[s.nodes[i].grain])
        for i in range(s.grain_count):
            s.rows[i].count = s.row_starts[i]
        while s.extra_count and s.rows[s.nodes[s.extras[s.extra_count - 1].node].grain].count <= s.extras[s.extra_count - 1].row:
            s.extra_count -= 1

    def populated(self):
        """The leaves with at least one value: their nodes, ascending."""
        cdef int i
        return [i for i in range(self.s.node_count) if self.s.columns[i].valid]

    def row_count(self, int grain):
        """How many rows a grain has."""
        return self.s.rows[grain].count

    def messages(self, int grain):
        """The item of each row of a grain, ascending; int32."""
        cdef Rows* r = &self.s.rows[grain]
        if not r.count:
            return np.empty(0, np.int32)
        return np.asarray(<int32_t[:r.count]>r.message).copy()

    def ordinals(self, int grain):
        """The 1-based positions of each row of a grain, an int32 array per enclosing array."""
        cdef Rows* r = &self.s.rows[grain]
        cdef int depth = self.s.depths[grain]
        if not r.count or not depth:
            return tuple(np.empty(0, np.int32) for _ in range(depth))
        table = np.asarray(<int32_t[:r.count, :depth]>r.ordinals)
        return tuple(table[:, i].copy() for i in range(depth))

    def leaf(self, int node, bint read_time=True):
        """The column of a leaf, as long as its grain has rows; times as read where all are canonical.

        May be asked once: the column's memory goes to the array.
        """
        cdef Column* c = &self.s.columns[node]
        cdef int storage = self.s.nodes[node].storage
        cdef int64_t rows = self.s.rows[self.s.nodes[node].grain].count
        cdef void* times
        cdef int32_t last
        if rows > c.capacity and not grow_rows(&self.s, c, storage, rows):
            raise MemoryError
        if is_text(storage):
            last = c.ends[c.rows]
            while c.rows < rows:
                c.rows += 1
                c.ends[c.rows] = last
        c.rows = rows
        validity = None
        if c.valid < rows:
            copy = <uint8_t*>malloc(<size_t>(rows // 8 + 8))
            if not copy:
                raise MemoryError
            memcpy(copy, c.bits, <size_t>((rows + 7) // 8))
            validity = own(copy, (rows + 7) // 8)
        nulls = rows - c.valid
        if read_time and (storage == DATE or storage == TIMESTAMP):
            width = 4 if storage == DATE else 8
            times = malloc(<size_t>(rows * width + 8))
            if not times:
                raise MemoryError
            with nogil:
                are_read = read_times(c, storage, times)
            if are_read:
                return pa.Array.from_buffers(
                    _READ_TIMES[storage], rows, [validity, own(times, rows * width)], nulls
                )
            free(times)
        if is_text(storage):
            ends = own(c.ends, (rows + 1) * 4)
            data = own(c.data, c.data_size)
            c.ends = NULL
            c.data = NULL
            return pa.Array.from_buffers(pa.string(), rows, [validity, ends, data], nulls)
        size = (rows + 7) // 8 if storage == BOOLEAN else rows * width_of(storage)
        data = own(c.data, size)
        c.data = NULL
        return pa.Array.from_buffers(_TYPES[storage], rows, [validity, data], nulls)

    def free_values(self):
        """The free values beside typed ones: (owner node, row, first byte, size) of each."""
        cdef int64_t i
        return [
            (self.s.extras[i].node, self.s.extras[i].row, self.s.extras[i].start, self.s.extras[i].size)
            for i in range(self.s.extra_count)
        ]

    def count(self, const int32_t[::1] groups, int group_count):
        """How often each path is populated, per group: (group, node, messages, elements) arrays.

        `groups` has one number per item, -1 for items that do not count.
        """
        cdef int i, kind
        cdef int64_t row, total = 0, capacity = 1024, rows
        cdef int64_t[::1] messages = np.zeros(group_count + 1, np.int64)
        cdef int64_t[::1] elements = np.zeros(group_count + 1, np.int64)
        cdef int32_t[::1] touched = np.zeros(group_count + 1, np.int32)
        cdef int touched_count
        cdef int32_t last
        cdef Column* c
        cdef Rows* r
        cdef Fill* f
        cdef int64_t[:, ::1] found = np.empty((capacity, 4), np.int64)
        for i in range(1, self.s.node_count):
            kind = self.s.nodes[i].kind
            touched_count = 0
            last = -1
            with nogil:
                if kind == OBJECT:
                    f = &self.s.fills[i]
                    for row in range(f.count):
                        note(f.message[row], groups, messages, elements, touched, &touched_count, &last)
                elif kind == LEAF:
                    c = &self.s.columns[i]
                    r = &self.s.rows[self.s.nodes[i].grain]
                    if c.valid:
                        rows = c.rows
                        for row in range(rows):
                            if c.bits[row >> 3] >> (row & 7) & 1:
                                note(r.message[row], groups, messages, elements, touched, &touched_count, &last)
                else:
                    r = &self.s.rows[self.s.nodes[i].grain]
                    for row in range(r.count):
                        note(r.message[row], groups, messages, elements, touched, &touched_count, &last)
            if total + touched_count > capacity:
                while total + touched_count > capacity:
                    capacity *= 2
                grown = np.empty((capacity, 4), np.int64)
                grown[:total] = found[:total]
                found = grown
            for row in range(touched_count):
                found[total, 0] = touched[row]
                found[total, 1] = i
                found[total, 2] = messages[touched[row]]
                found[total, 3] = elements[touched[row]]
                messages[touched[row]] = 0
                elements[touched[row]] = 0
                total += 1
        return np.asarray(found)[:total]


    def count_values(self, const uint8_t[::1] wanted):
        """How many of the wanted nodes (one byte per node) hold a value, per item; int64."""
        cdef int64_t[::1] counts = np.zeros(self.fits.shape[0] + 1, np.int64)
        cdef int64_t row
        cdef int32_t last
        cdef int i
        cdef Column* c
        cdef Rows* r
        if wanted.shape[0] != self.s.node_count:
            raise ValueError("one byte per node is wanted")
        with nogil:
            for i in range(self.s.node_count):
                c = &self.s.columns[i]
                if not wanted[i] or not c.valid:
                    continue
                r = &self.s.rows[self.s.nodes[i].grain]
                last = -1
                for row in range(c.rows):
                    if c.bits[row >> 3] >> (row & 7) & 1 and r.message[row] != last:
                        last = r.message[row]
                        counts[last] += 1
        return np.asarray(counts)[:self.fits.shape[0]]


cdef inline void note(
    int32_t message, const int32_t[::1] groups, int64_t[::1] messages, int64_t[::1] elements,
    int32_t[::1] touched, int* touched_count, int32_t* last,
) noexcept nogil:
    cdef int32_t group = groups[message]
    if group < 0:
        return
    if not elements[group]:
        touched[touched_count[0]] = group
        touched_count[0] += 1
    elements[group] += 1
    if message != last[0]:
        messages[group] += 1
        last[0] = message


cdef inline bint is_inside(int64_t offset, int64_t length, int64_t size) noexcept nogil:
    size -= PADDED
    return offset >= 0 and length >= 0 and size >= 0 and length <= size and offset <= size - length


cdef inline bint is_name(
    const uint8_t* text, int64_t size, const uint8_t* base, int64_t start, int64_t length
) noexcept nogil:
    return text != NULL and size == length and memcmp(text, base + start, <size_t>size) == 0


def read(
    Program program, content, offset, length, names=None, *, bint is_conformed=False,
    int max_depth=128,
):
    """Read items of `content` (bytes followed by PADDING others) by a program.

    `offset` and `length` are int64 arrays; `names`, where given, has four int64 per item: first
    byte and size of the texts that its data model and event type must be. Conformed items hold no
    free values, and JSON text where a leaf takes any value.
    """
    columns = Columns(program)
    checked = np.empty((0, 4), np.int64) if names is None else names
    columns._read(content, offset, length, checked, is_conformed, max_depth)
    return columns


# --- a first look -----------------------------------------------------------------------------

cdef const uint8_t* find(const uint8_t* p, const uint8_t* e, const char* word, int n) noexcept nogil:
    cdef const uint8_t* at
    while e - p >= n:
        at = <const uint8_t*>memchr_(p, word[0], <size_t>(e - p - n + 1))
        if not at:
            return NULL
        if memcmp(at, word, n) == 0:
            return at
        p = at + 1
    return NULL

cdef extern from "string.h" nogil:
    void* memchr_ "memchr"(const void* p, int c, size_t n) noexcept


cdef void text_member(
    const uint8_t* p, const uint8_t* e, const char* word, int n, const uint8_t* base, int64_t* start, int64_t* size
) noexcept nogil:
    """First byte and size of the plain text that the first member of a name has; -1 without one."""
    cdef const uint8_t* at
    start[0] = -1
    size[0] = 0
    p = find(p, e, word, n)
    if not p:
        return
    p = skip_space(p + n, e)
    if p >= e or p[0] != 58:
        return
    p = skip_space(p + 1, e)
    if p >= e or p[0] != 34:
        return
    at = p + 1
    while at < e and at[0] != 34 and at[0] != 92 and at - p < 200:
        at += 1
    if at >= e or at[0] != 34:
        return
    start[0] = p + 1 - base
    size[0] = at - p - 1


def sniff(const uint8_t[::1] content, const int64_t[::1] offset, const int64_t[::1] length):
    """Where each item seems to name its data model and event type; whoever reads it must check.

    Gives an array of four int64 per item (first byte and size of both texts, -1 where there is
    none), a group number per item (-1 where there is none), and the (model, event) of each group.
    """
    cdef int64_t count = offset.shape[0], i, size = content.shape[0]
    cdef int64_t[:, ::1] names = np.empty((count, 4), np.int64)
    cdef int32_t[::1] group = np.full(count, -1, np.int32)
    cdef int64_t[:, ::1] first = np.zeros((256, 4), np.int64)
    cdef int known = 0, at = 0, probe
    cdef const uint8_t* base = &content[0]
    cdef const uint8_t* p
    for i in range(count):
        if not is_inside(offset[i], length[i], size):
            raise ValueError("an item lies outside of the bytes")
    with nogil:
        for i in range(count):
            p = base + offset[i]
            text_member(p, p + length[i], b'"DataModel"', 11, base, &names[i, 0], &names[i, 1])
            text_member(p, p + length[i], b'"EventType"', 11, base, &names[i, 2], &names[i, 3])
            if names[i, 0] < 0 or names[i, 2] < 0:
                continue
            if known and are_same(base, &names[i, 0], &first[at, 0]):
                group[i] = at
                continue
            probe = 0
            while probe < known and not are_same(base, &names[i, 0], &first[probe, 0]):
                probe += 1
            if probe == known:
                if known == 256:
                    continue
                first[known, 0], first[known, 1] = names[i, 0], names[i, 1]
                first[known, 2], first[known, 3] = names[i, 2], names[i, 3]
                known += 1
            at = probe
            group[i] = at
    texts = [
        (
            bytes(content[first[i, 0]:first[i, 0] + first[i, 1]]),
            bytes(content[first[i, 2]:first[i, 2] + first[i, 3]]),
        )
        for i in range(known)
    ]
    return np.asarray(names), np.asarray(group), texts


cdef inline bint are_same(const uint8_t* base, const int64_t* x, const int64_t* y) noexcept nogil:
    return (
        x[1] == y[1] and x[3] == y[3]
        and memcmp(base + x[0], base + y[0], <size_t>x[1]) == 0
        and memcmp(base + x[2], base + y[2], <size_t>x[3]) == 0
    )
