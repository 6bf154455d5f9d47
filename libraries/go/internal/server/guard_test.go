package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const aToken = "0123456789abcdef0123456789abcdef"

// clock is one that a test moves on.
type clock struct {
	mu     sync.Mutex
	moment time.Time
	alarms []alarm
	asked  chan time.Duration // What was waited for, when it began.
}

type alarm struct {
	at   time.Time
	ring chan time.Time
}

func newClock() *clock {
	return &clock{moment: time.Unix(1e9, 0), asked: make(chan time.Duration, 1000)}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moment
}

func (c *clock) after(wait time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ring := make(chan time.Time, 1)
	c.alarms = append(c.alarms, alarm{c.moment.Add(wait), ring})
	c.asked <- wait
	return ring
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moment = c.moment.Add(by)
	for _, it := range c.alarms {
		if !it.at.After(c.moment) {
			select {
			case it.ring <- c.moment:
			default:
			}
		}
	}
}

// guarded makes a guard whose time stands still, before a service that answers "inside".
func guarded() (*guard, *clock) {
	time := newClock()
	g := newGuard(aToken)
	g.now, g.after = time.now, time.after
	g.next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "inside") })
	return g, time
}

func callWith(ctx context.Context, tokens ...string) *http.Request {
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/pickscope.v1.DebugService/Describe", nil)
	request.Header[tokenHeader] = tokens
	return request
}

// begin makes a call, and gives the answer when there is one.
func begin(g *guard, request *http.Request) <-chan *httptest.ResponseRecorder {
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		answer := httptest.NewRecorder()
		g.ServeHTTP(answer, request)
		answered <- answer
	}()
	return answered
}

func TestTheTokenLetsInAndIsPassedOnToNobody(t *testing.T) {
	g, _ := guarded()
	g.next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if name != "Content-Type" || values[0] != "application/grpc" {
				t.Errorf("gRPC gets to see %s: %s", name, values)
			}
		}
	})
	request := callWith(t.Context(), aToken)
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Authorization", "Bearer secret")
	request.Header.Set("Grpc-Timeout", "1S")
	g.ServeHTTP(httptest.NewRecorder(), request)
	if refused := g.refused.Load(); refused != 0 {
		t.Errorf("%d calls were refused", refused)
	}
}

func TestAnotherTokenIsRefused(t *testing.T) {
	for name, tokens := range map[string][]string{
		"none":      nil,
		"empty":     {""},
		"wrong":     {strings.Repeat("0", len(aToken))},
		"beginning": {aToken[:len(aToken)-1]},
		"longer":    {aToken + "0"},
		"upper":     {strings.ToUpper(aToken)},
		"two":       {aToken, aToken},
	} {
		t.Run(name, func(t *testing.T) {
			g, time := guarded()
			answered := begin(g, callWith(t.Context(), tokens...))
			time.advance(<-time.asked)
			answer := <-answered
			if status := answer.Header().Get("Grpc-Status"); status != "16" || answer.Body.Len() != 0 {
				t.Errorf("answered with status %q and %q", status, answer.Body)
			}
			if refused := g.refused.Load(); refused != 1 {
				t.Errorf("%d calls are counted as refused", refused)
			}
		})
	}
}

func TestASecondTokenLetsInToo(t *testing.T) {
	g := newGuard(aToken, "another-token-of-the-user")
	for token, accepted := range map[string]bool{aToken: true, "another-token-of-the-user": true, "": false} {
		if g.accepts([]string{token}) != accepted {
			t.Errorf("%q is not accepted: %v", token, accepted)
		}
	}
	if without := newGuard(aToken, ""); without.accepts([]string{""}) {
		t.Error("no token lets in")
	}
}

func TestAnswersComeLaterTheMoreCome(t *testing.T) {
	g, clock := guarded()
	wait := func() time.Duration {
		begin(g, callWith(t.Context(), "wrong"))
		return <-clock.asked
	}
	for _, expected := range []time.Duration{100, 200, 400, 800, 1600, 3000, 3000} {
		if got := wait(); got != expected*time.Millisecond {
			t.Errorf("an answer waits for %v, not %v ms", got, expected)
		}
	}
	clock.advance(time.Hour)
	if got := wait(); got.Round(time.Millisecond) != shortestDelay {
		t.Errorf("after an hour an answer waits for %v", got)
	}
}

func TestTheRightTokenNeverWaits(t *testing.T) {
	g, _ := guarded()
	for range maxWaiting + 10 {
		begin(g, callWith(t.Context(), "wrong"))
	}
	eventually(t, "all are refused", func() bool { return g.refused.Load() == maxWaiting+10 })
	answer := httptest.NewRecorder()
	g.ServeHTTP(answer, callWith(t.Context(), aToken))
	if answer.Body.String() != "inside" {
		t.Errorf("answered with %q", answer.Body)
	}
}

func TestOnlySoManyAnswersWait(t *testing.T) {
	g, clock := guarded()
	for range maxWaiting {
		begin(g, callWith(t.Context(), "wrong"))
		<-clock.asked
	}
	ctx, hangUp := context.WithCancel(t.Context())
	beyond := begin(g, callWith(ctx, "wrong"))
	eventually(t, "it is refused", func() bool { return g.refused.Load() == maxWaiting+1 })
	clock.advance(time.Minute)
	eventually(t, "the others are answered", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return g.waiting == 0 })
	select {
	case <-beyond:
		t.Error("one beyond those that may wait was answered")
	default:
	}
	hangUp()
	if answer := <-beyond; answer.Header().Get("Grpc-Status") != "" {
		t.Error("one that hung up was answered")
	}
}

func TestWhoHangsUpMakesRoom(t *testing.T) {
	g, clock := guarded()
	ctx, hangUp := context.WithCancel(t.Context())
	answered := begin(g, callWith(ctx, "wrong"))
	<-clock.asked
	hangUp()
	<-answered
	if g.waiting != 0 {
		t.Errorf("%d answers wait", g.waiting)
	}
}

func TestAClosedGuardLetsNobodyIn(t *testing.T) {
	g, _ := guarded()
	g.close()
	answer := httptest.NewRecorder()
	g.ServeHTTP(answer, callWith(t.Context(), aToken))
	if answer.Body.Len() != 0 {
		t.Errorf("answered with %q", answer.Body)
	}
}

func TestWhatACallSendsIsBounded(t *testing.T) {
	g, _ := guarded()
	var read int64
	g.next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { read, _ = io.Copy(io.Discard, r.Body) })
	request := callWith(t.Context(), aToken)
	request.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 2*maxCallBytes)))
	g.ServeHTTP(httptest.NewRecorder(), request)
	if read != maxCallBytes {
		t.Errorf("%d bytes are read", read)
	}
}
