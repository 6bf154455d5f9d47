package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
)

// tokenHeader is the metadata key that carries the token in every call.
const tokenHeader = "Pickscope-Token"

const (
	// The answer to a refused call waits; twice as long for each one that came shortly before. Below the time that a
	// watcher waits for an answer.
	shortestDelay, longestDelay = 100 * time.Millisecond, 3 * time.Second
	// forgetting is the time in which the memory of refused calls fades to a third.
	forgetting = 10 * time.Second
	// maxWaiting answers may wait; the calls beyond get none.
	maxWaiting = 64
	// maxCallBytes are read of what one call sends. The longest, a tool's questions to reflection, take a few
	// kilobytes.
	maxCallBytes = 1 << 20
)

// guard stands before every service: it lets in the calls that carry a token of this process. The others reach no other
// code, and get their answers ever later, so that nobody can guess fast.
type guard struct {
	digests [][sha256.Size]byte
	next    http.Handler
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time

	refused atomic.Uint64 // Calls without a token, or with a wrong one.

	calls sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	waiting int
	recent  float64   // Refused calls, each counting the less the longer ago it was,
	counted time.Time // and when that was counted.
}

// newGuard makes one that lets in who has one of the tokens; "" is none.
func newGuard(tokens ...string) *guard {
	g := &guard{now: time.Now, after: time.After}
	for _, token := range tokens {
		if token != "" {
			g.digests = append(g.digests, sha256.Sum256([]byte(token)))
		}
	}
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.begin() {
		return
	}
	defer g.calls.Done()
	if !g.accepts(r.Header[tokenHeader]) {
		g.refuse(w, r)
		return
	}
	prove(r.Context())
	call := r.WithContext(r.Context())
	call.Header = needed(r.Header)
	call.Body = http.MaxBytesReader(w, r.Body, maxCallBytes)
	g.next.ServeHTTP(w, call)
}

// accepts compares digests, all of them, so that the time tells neither a token nor its length.
func (g *guard) accepts(given []string) bool {
	if len(given) != 1 {
		return false
	}
	digest := sha256.Sum256([]byte(given[0]))
	equal := 0
	for _, known := range g.digests {
		equal |= subtle.ConstantTimeCompare(digest[:], known[:])
	}
	return equal == 1
}

func (g *guard) refuse(w http.ResponseWriter, r *http.Request) {
	g.refused.Add(1)
	delay, mayWait := g.enter()
	if !mayWait {
		<-r.Context().Done()
		return
	}
	defer g.leave()
	select {
	case <-g.after(delay):
		answerUnauthenticated(w)
	case <-r.Context().Done():
	}
}

// enter counts a refused call, and says how long its answer waits, if it may wait for one.
func (g *guard) enter() (delay time.Duration, mayWait bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	before := g.recent * math.Exp(-float64(now.Sub(g.counted))/float64(forgetting))
	g.recent, g.counted = before+1, now
	if g.waiting >= maxWaiting {
		return 0, false
	}
	g.waiting++
	return time.Duration(min(float64(shortestDelay)*math.Exp2(before), float64(longestDelay))), true
}

// begin counts a call that is served, unless the guard is closed.
func (g *guard) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.calls.Add(1)
	}
	return !g.closed
}

// close lets nobody in any more, and waits for those who are.
func (g *guard) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.calls.Wait()
}

func (g *guard) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
}

func answerUnauthenticated(w http.ResponseWriter) {
	header := w.Header()
	header["Date"] = nil
	header.Set("Content-Type", "application/grpc")
	header.Set("Grpc-Status", strconv.Itoa(int(codes.Unauthenticated)))
	header.Set("Grpc-Message", "The token is missing or wrong.")
}

// needed is what gRPC gets to see of a call. Not the token, which it would write where calls are logged or traced
// (GRPC_BINARY_LOG_FILTER), and no deadline, which is the caller's to keep.
func needed(header http.Header) http.Header {
	rest := http.Header{}
	for _, name := range []string{"Content-Type", "Grpc-Encoding", "Te"} {
		if values := header[name]; values != nil {
			rest[name] = values
		}
	}
	return rest
}
