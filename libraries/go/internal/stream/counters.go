package stream

import (
	"math"
	"slices"

	"github.com/pickscope/pickscope/libraries/go/internal/debugpb"
	"github.com/pickscope/pickscope/libraries/go/internal/recorder"
)

// maxCounters of channels, and of endpoints, go into one message. One of an endpoint takes 250 bytes at most.
const maxCounters = 4000

// counters is what a reader was told last of all that counts.
type counters struct {
	channels  ledger[*recorder.Channel, recorder.ChannelCounts]
	endpoints ledger[*recorder.Endpoint, recorder.EndpointCounts]
}

func (c *counters) begin(moment recorder.Moment) {
	for _, channel := range moment.Channels {
		c.channels.add(channel)
	}
	for _, endpoint := range moment.Endpoints {
		c.endpoints.add(endpoint)
	}
}

// add takes what begins to count with a change.
func (c *counters) add(change recorder.Change) {
	if change.Channel != nil {
		c.channels.add(change.Channel)
	}
	if change.Endpoint != nil {
		c.endpoints.add(change.Endpoint)
	}
}

func (c *counters) clone() counters {
	return counters{slices.Clone(c.channels), slices.Clone(c.endpoints)}
}

// changed gives the counters that are not as it gave them last.
func (c *counters) changed(rows *recorder.Rows) []*debugpb.Counters {
	var all countersMessage
	c.channels.changed(all.addChannel)
	c.endpoints.changed(func(endpoint *recorder.Endpoint, counts recorder.EndpointCounts) {
		all.addEndpoint(endpoint, counts, rows)
	})
	return all.inParts()
}

// countersOf gives the counters of all that existed at a moment.
func countersOf(moment recorder.Moment, rows *recorder.Rows) []*debugpb.Counters {
	var all countersMessage
	for _, channel := range moment.Channels {
		all.addChannel(channel, channel.Counts())
	}
	for _, endpoint := range moment.Endpoints {
		all.addEndpoint(endpoint, endpoint.Counts(), rows)
	}
	return all.inParts()
}

// ledger holds those that count, each with what was told of it last.
type ledger[R counting[C], C comparable] []account[R, C]

type counting[C comparable] interface {
	Counts() C
	Quiet() bool
}

type account[R counting[C], C comparable] struct {
	record R
	told   C
	quiet  bool // It was so already when it was looked at last.
}

func (l *ledger[R, C]) add(record R) {
	*l = append(*l, account[R, C]{record: record})
}

// changed calls `tell` with those whose counters have changed, and forgets those that count no more.
func (l *ledger[R, C]) changed(tell func(R, C)) {
	*l = slices.DeleteFunc(*l, func(a account[R, C]) bool { return a.quiet && a.record.Counts() == a.told })
	for i := range *l {
		a := &(*l)[i]
		a.quiet = a.record.Quiet()
		if counts := a.record.Counts(); counts != a.told {
			a.told = counts
			tell(a.record, counts)
		}
	}
}

// countersMessage grows into messages.
type countersMessage struct {
	channels  []*debugpb.ChannelCounters
	endpoints []*debugpb.EndpointCounters
}

func (m *countersMessage) addChannel(channel *recorder.Channel, counts recorder.ChannelCounts) {
	m.channels = append(m.channels, &debugpb.ChannelCounters{
		Channel:        channel.ID(),
		PicksCompleted: counts.Completed,
		PicksQueued:    counts.Queued,
		PicksFailed:    counts.Failed,
		PicksDropped:   counts.Dropped,
		EndedUnpicked:  counts.EndedUnpicked,
	})
}

func (m *countersMessage) addEndpoint(
	endpoint *recorder.Endpoint, counts recorder.EndpointCounts, rows *recorder.Rows,
) {
	message := &debugpb.EndpointCounters{
		Endpoint:     endpoint.ID(),
		Picks:        counts.Picks,
		Started:      counts.Started(),
		NeverStarted: counts.NeverStarted,
		PeakNs:       math.NaN(),
	}
	for code, ended := range counts.Ended {
		if ended > 0 {
			message.Codes = append(message.Codes, uint32(code))
			message.CompletionsByCode = append(message.CompletionsByCode, ended)
		}
	}
	message.LagNs, message.Success, message.Inflight, message.Derived = rows.Knowledge(endpoint)
	m.endpoints = append(m.endpoints, message)
}

func (m *countersMessage) inParts() []*debugpb.Counters {
	var parts []*debugpb.Counters
	for len(m.channels)+len(m.endpoints) > 0 {
		channels, endpoints := min(maxCounters, len(m.channels)), min(maxCounters, len(m.endpoints))
		parts = append(parts, &debugpb.Counters{
			TimeNs:    uint64(recorder.Now()),
			Channels:  m.channels[:channels],
			Endpoints: m.endpoints[:endpoints],
		})
		m.channels, m.endpoints = m.channels[channels:], m.endpoints[endpoints:]
	}
	return parts
}
