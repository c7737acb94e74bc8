package dram

import "math/bits"

// forever is later than every event.
const forever Clock = 1 << 62

// none is the end of a list of requests.
const none int32 = -1

// pending is a request inside a controller.
type pending struct {
	id         uint64 // of the requester
	burst      uint64 // number of the burst in memory: requests with the same one touch the same bytes
	sequence   uint64 // order of acceptance
	arrival    Clock
	address    Address
	bank       int32 // rank, bank group and bank as one number
	next       int32 // of the same list
	previous   int32
	merged     int32 // requests of the same burst that wait for this one
	activates  int32 // issued for it
	write      bool
	active     bool // FirstReady: its row was opened for it; BankQueues: it is in a command queue
	classified bool // row hit, miss or conflict is decided
}

// pool holds the requests of a controller; lists refer to them by index.
type pool struct {
	requests []pending
	free     int32 // chained by next
}

func newPool(size int) pool {
	p := pool{requests: make([]pending, size), free: none}
	for i := size - 1; i >= 0; i-- {
		p.requests[i].next = p.free
		p.free = int32(i)
	}
	return p
}

// take returns the index of an unused request, growing the pool if need be.
func (p *pool) take() int32 {
	if p.free == none {
		p.requests = append(p.requests, pending{})
		return int32(len(p.requests) - 1)
	}
	i := p.free
	p.free = p.requests[i].next
	return i
}

func (p *pool) release(i int32) {
	p.requests[i].next = p.free
	p.free = i
}

// bankLists is a buffer of requests, sorted by bank; each bank's list is in
// order of arrival.
type bankLists struct {
	pool       *pool
	column     Command // FirstReady: the read or write that its requests ask for
	head, tail []int32
	count      []int32  // requests of a bank
	hits       []int32  // those for the row that is open
	occupied   []uint64 // banks with requests, a bit each
	size       int
	hitSize    int // requests that are hits
}

func newBankLists(p *pool, banks int) bankLists {
	l := bankLists{
		pool: p, head: make([]int32, banks), tail: make([]int32, banks),
		count: make([]int32, banks), hits: make([]int32, banks),
		occupied: make([]uint64, (banks+63)/64),
	}
	for i := range banks {
		l.head[i], l.tail[i] = none, none
	}
	return l
}

// push appends a request to the list of its bank.
func (l *bankLists) push(i int32, hit bool) {
	r := &l.pool.requests[i]
	b := r.bank
	r.next, r.previous = none, l.tail[b]
	if r.previous == none {
		l.head[b] = i
		l.occupied[b>>6] |= 1 << (b & 63)
	} else {
		l.pool.requests[r.previous].next = i
	}
	l.tail[b] = i
	l.count[b]++
	if hit {
		l.hits[b]++
		l.hitSize++
	}
	l.size++
}

// remove takes a request out of its list.
func (l *bankLists) remove(i int32, hit bool) {
	r := &l.pool.requests[i]
	b := r.bank
	if r.previous == none {
		l.head[b] = r.next
	} else {
		l.pool.requests[r.previous].next = r.next
	}
	if r.next == none {
		l.tail[b] = r.previous
	} else {
		l.pool.requests[r.next].previous = r.previous
	}
	l.count[b]--
	if l.count[b] == 0 {
		l.occupied[b>>6] &^= 1 << (b & 63)
	}
	if hit {
		l.hits[b]--
		l.hitSize--
	}
	l.size--
}

// recount finds the hits of a bank whose open row has changed.
func (l *bankLists) recount(bank, row int32) {
	n := int32(0)
	for i := l.head[bank]; i != none; i = l.pool.requests[i].next {
		if l.pool.requests[i].address.Row == row {
			n++
		}
	}
	l.hitSize += int(n - l.hits[bank])
	l.hits[bank] = n
}

// rowClosed says that a bank has no open row.
func (l *bankLists) rowClosed(bank int32) {
	l.hitSize -= int(l.hits[bank])
	l.hits[bank] = 0
}

// oldest returns the first request of a bank that is (hit) or is not for a row.
func (l *bankLists) oldest(bank, row int32, hit bool) int32 {
	i := l.head[bank]
	for i != none && (l.pool.requests[i].address.Row == row) != hit {
		i = l.pool.requests[i].next
	}
	return i
}

// find returns the request of a bank for a burst.
func (l *bankLists) find(bank int32, burst uint64) int32 {
	i := l.head[bank]
	for i != none && l.pool.requests[i].burst != burst {
		i = l.pool.requests[i].next
	}
	return i
}

// burstTable finds the request that waits for a burst: open addressing with
// linear probing, deletion by shifting back.
type burstTable struct {
	keys  []uint64
	value []int32 // none: free
	used  int
	shift uint
}

func newBurstTable(capacity int) burstTable {
	size := uint(bits.Len(uint(max(capacity, 8))) + 1)
	t := burstTable{keys: make([]uint64, 1<<size), value: make([]int32, 1<<size), shift: 64 - size}
	for i := range t.value {
		t.value[i] = none
	}
	return t
}

func (t *burstTable) slot(burst uint64) int { return int(burst * 0x9e3779b97f4a7c15 >> t.shift) }

func (t *burstTable) get(burst uint64) int32 {
	mask := len(t.keys) - 1
	for i := t.slot(burst); ; i = (i + 1) & mask {
		if t.value[i] == none || t.keys[i] == burst {
			return t.value[i]
		}
	}
}

// put adds a burst that is not in the table.
func (t *burstTable) put(burst uint64, request int32) {
	if 2*t.used >= len(t.keys) {
		old := *t
		*t = newBurstTable(len(old.keys))
		for i, v := range old.value {
			if v != none {
				t.put(old.keys[i], v)
			}
		}
	}
	mask := len(t.keys) - 1
	i := t.slot(burst)
	for t.value[i] != none {
		i = (i + 1) & mask
	}
	t.keys[i], t.value[i] = burst, request
	t.used++
}

// remove takes out a burst that is in the table.
func (t *burstTable) remove(burst uint64) {
	mask := len(t.keys) - 1
	i := t.slot(burst)
	for t.keys[i] != burst || t.value[i] == none {
		i = (i + 1) & mask
	}
	t.used--
	for j := i; ; {
		j = (j + 1) & mask
		if t.value[j] == none {
			break
		}
		// An entry may move to the gap unless its home lies behind the gap.
		if home := t.slot(t.keys[j]); (j-home)&mask >= (j-i)&mask {
			t.keys[i], t.value[i] = t.keys[j], t.value[j]
			i = j
		}
	}
	t.value[i] = none
}
