package server

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxConnections there are at a time.
	maxConnections = 32
	// proofTime is in which a connection has to make a call with the token.
	proofTime = 10 * time.Second
	// pingTime is how long a connection may be silent before it is asked for a sign of life, and answerTime how long
	// the answer may take, before it is ended.
	pingTime, answerTime = 10 * time.Second, 15 * time.Second
	// suspicion is how long a living one would take to answer. Longer, and its place may be given away.
	suspicion = time.Second
)

// connections are those of the debug server: few, and none that lasts without the token.
type connections struct {
	proofTime time.Duration

	mu  sync.Mutex
	all []*connection // The oldest first.
}

// door is a listener that lets in whom it may: processes of our user, or of root, and not too many.
type door struct {
	net.Listener
	connections *connections
}

func (d door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if isPeerAllowed(conn) {
			return d.connections.admit(conn), nil
		}
		conn.Close()
	}
}

func (c *connections) admit(conn net.Conn) *connection {
	admitted := &connection{Conn: conn, among: c}
	admitted.lastRead.Store(time.Now().UnixNano())
	if excess := c.add(admitted); excess != nil {
		excess.Close()
	}
	return admitted
}

// add gives the one that has to make room, if any has.
func (c *connections) add(conn *connection) (excess *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, conn)
	conn.expiry = time.AfterFunc(c.proofTime, func() {
		if conn.isUnproven() {
			conn.Close()
		}
	})
	return c.dispensable()
}

// dispensable is the one to go where there are too many: the oldest that has not shown the token, or the oldest that
// seems to be dead. Where all of them may be alive the newest one has no room.
func (c *connections) dispensable() *connection {
	if len(c.all) <= maxConnections {
		return nil
	}
	others, newest := c.all[:len(c.all)-1], c.all[len(c.all)-1]
	for _, isDispensable := range []func(*connection) bool{(*connection).isUnproven, (*connection).isSilent} {
		if found := slices.IndexFunc(others, isDispensable); found >= 0 {
			return others[found]
		}
	}
	return newest
}

func (c *connections) forget(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn.expiry.Stop()
	c.all = slices.DeleteFunc(c.all, func(it *connection) bool { return it == conn })
}

// connection is one to a watcher, or to who may become one.
type connection struct {
	net.Conn
	among    *connections
	expiry   *time.Timer // Guarded by connections.mu.
	proven   atomic.Bool
	lastRead atomic.Int64 // ns since the Unix epoch.
}

func (c *connection) Read(into []byte) (int, error) {
	read, err := c.Conn.Read(into)
	c.lastRead.Store(time.Now().UnixNano())
	return read, err
}

func (c *connection) Close() error {
	c.among.forget(c)
	return c.Conn.Close()
}

func (c *connection) isUnproven() bool {
	return !c.proven.Load()
}

// isSilent says whether it leaves a ping unanswered for longer than a living one would.
func (c *connection) isSilent() bool {
	return time.Now().UnixNano()-c.lastRead.Load() > int64(pingTime+suspicion)
}

type connectionKey struct{}

// withConnection is an http.Server's ConnContext: it lets calls know their connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// prove tells the call's connection that it has shown the token.
func prove(ctx context.Context) {
	if conn, ok := ctx.Value(connectionKey{}).(*connection); ok {
		conn.proven.Store(true)
	}
}
